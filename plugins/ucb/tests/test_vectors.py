import numpy as np
import pytest
import torch

from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_ucb.deep_bonus import accumulate, n_step_bonus, replay_bonus
from contrast_ucb.games import correlated, zero_sum_value
from contrast_ucb.objective import transition_loss
from contrast_ucb.planning import covariance, elliptical_bonus, plan, recover
from contrast_ucb.spr import renormalize, spr_loss


def arrays(case, *names):
    return [np.asarray(case[name], dtype=np.float64) for name in names]


@pytest.mark.parametrize("case", vector_cases(__file__, "contrastive_ucb", "contrastive_loss"))
def test_the_contrastive_loss_and_its_gradients_equal_their_vectors(case):
    phi, psi = tensors(case, "phi", "psi", requires_grad=True)
    (y,) = tensors(case, "y")
    loss = transition_loss(phi, psi, y)
    assert_close(loss, case["mean_loss"], 1e-8, "loss")
    assert_close(transition_loss(phi, psi, y, reduction="none"), case["per_sample"], 1e-8)
    for name, gradient in zip(("phi", "psi"), torch.autograd.grad(loss, (phi, psi)), strict=True):
        assert_close(gradient, case[f"grad_{name}"], 1e-8, f"grad_{name}")


@pytest.mark.parametrize("case", vector_cases(__file__, "contrastive_ucb", "recover"))
def test_features_and_model_are_recovered_as_in_their_vectors(case):
    phi_hat, model = recover(*arrays(case, "phi_tilde", "psi_tilde", "p_neg"))
    np.testing.assert_allclose(phi_hat, case["phi_hat"], atol=1e-8)
    np.testing.assert_allclose(model, case["P_hat"], atol=1e-8)
    np.testing.assert_allclose(model.sum(-1), 1, atol=1e-12)


@pytest.mark.parametrize("case", vector_cases(__file__, "contrastive_ucb", "bonus"))
def test_covariance_and_bonus_equal_their_vectors(case):
    query = np.asarray(case["query_features"], dtype=np.float64)
    data = np.asarray(case["data_features"], dtype=np.float64).reshape(-1, query.shape[-1])
    sigma = covariance(data, np.ones(len(data)), case["lam"])
    np.testing.assert_allclose(sigma, case["covariance"], atol=1e-8)
    for name, cap in (("bonus", case["cap"]), ("bonus_unclipped", np.inf)):
        bonus = elliptical_bonus(query, sigma, case["gamma"], cap)
        np.testing.assert_allclose(bonus, case[name], atol=1e-8)


@pytest.mark.parametrize("case", vector_cases(__file__, "contrastive_ucb", "plan"))
def test_optimistic_values_equal_their_vectors(case):
    q, v = plan(*arrays(case, "P", "r", "bonus"), case["cap"])
    np.testing.assert_allclose(q, case["Q"], atol=1e-8)
    np.testing.assert_allclose(v, np.asarray(case["V"])[: len(v)], atol=1e-8)


@pytest.mark.parametrize("case", vector_cases(__file__, "contrastive_ucb", "games"))
def test_stage_games_have_the_values_of_their_vectors(case):
    for name in ("U", "L"):
        payoff = np.asarray(case[name], dtype=np.float64)
        value, strategy = zero_sum_value(payoff)
        assert value == pytest.approx(case[f"zero_sum_value_of_{name}"], abs=1e-8)
        assert (strategy @ payoff).min() == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize("case", vector_cases(__file__, "contrastive_ucb", "games"))
def test_no_player_gains_by_leaving_the_equilibrium(case):
    upper, lower = arrays(case, "U", "L")
    sigma = correlated(upper, lower)
    assert sigma.sum() == pytest.approx(1)
    assert (sigma * upper).sum() >= (upper @ sigma.sum(0)).max() - 1e-8
    assert (sigma * lower).sum() <= (sigma.sum(1) @ lower).min() + 1e-8


@pytest.mark.parametrize("case", vector_cases(__file__, "contrastive_ucb", "deep_bonus"))
def test_the_replay_bonus_and_its_sums_equal_their_vectors(case):
    features, done = tensors(case, "features", "done")
    start = case["Lambda0"] * torch.eye(features.shape[-1], dtype=features.dtype)
    precision = accumulate(start, features)
    bonus = replay_bonus(features, precision, case["factor"])
    assert_close(precision, case["Lambda"], 1e-8, "Lambda")
    assert_close(bonus, case["bonus"], 1e-8, "bonus")
    for name, official in (("official", True), ("masked", False)):
        sums = n_step_bonus(
            bonus, done, n_step=case["n_step"], discount=case["discount"], official=official
        )
        assert_close(sums, case[f"nstep_bonus_{name}"], 1e-8, name)


@pytest.mark.parametrize("case", vector_cases(__file__, "contrastive_ucb", "spr"))
def test_the_self_predictive_loss_equals_its_vector(case):
    loss = spr_loss(*tensors(case, "pred", "target"))
    assert_close(loss, case["loss_per_jump_and_item"], 1e-8)


@pytest.mark.parametrize("case", vector_cases(__file__, "contrastive_ucb", "renormalize"))
def test_renormalised_states_equal_their_vector(case):
    (x,) = tensors(case, "x")
    assert_close(renormalize(x, case["first_dim"]), case["y"], 1e-8)
