import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from contrast.engine.randomness import generator
from contrast.errors import ConfigError
from contrast_ucb.encoder import TabularFeatures
from contrast_ucb.environments import combolock
from contrast_ucb.form import Transitions
from contrast_ucb.objective import TransitionNCE, log_score
from contrast_ucb.planning import covariance, elliptical_bonus, greedy, plan, recover


def test_a_ridge_of_zero_is_refused():
    with pytest.raises(ConfigError, match=r"`sampler.lam` must be > 0"):
        covariance(np.ones((2, 3)), np.ones(2), 0.0)


def test_without_data_the_bonus_is_the_length_of_the_feature():
    phi = np.array([[3.0, 4.0]])
    sigma = covariance(phi, np.zeros(1), 4.0)
    np.testing.assert_allclose(elliptical_bonus(phi, sigma, 1.0, np.inf), 5 / 2)


@given(st.permutations(range(6)))
def test_the_bonus_does_not_depend_on_the_order_of_data(order):
    phi = np.random.default_rng(0).random((6, 3))
    counts = np.arange(6.0)
    bonus = elliptical_bonus(phi, covariance(phi, counts, 1.0), 1.0, 9.0)
    again = elliptical_bonus(phi, covariance(phi[order], counts[order], 1.0), 1.0, 9.0)
    np.testing.assert_allclose(bonus, again)


def test_planning_on_the_truth_without_bonus_is_optimal():
    mdp = combolock(generator=generator(0), horizon=4, actions=3, observations=2, decoy=0.1)
    q, _ = plan(mdp.transitions, mdp.rewards, np.zeros_like(mdp.rewards), mdp.horizon)
    assert mdp.value(greedy(q)) == pytest.approx(mdp.optimal_value)


def test_equally_good_actions_are_equally_likely():
    np.testing.assert_allclose(greedy(np.array([[[1.0, 1.0 - 1e-12, 0.5]]])), [[[0.5, 0.5, 0]]])


def test_exact_counts_give_the_kernel_back():
    mdp = combolock(generator=generator(1), horizon=6, actions=4, observations=4, decoy=0.1)
    torch.manual_seed(0)
    encoder = TabularFeatures(horizon=6, states=12, actions=4, rank=3)
    truth = torch.from_numpy(mdp.transitions).float().flatten(1, 2)
    noise = torch.full_like(truth, 1 / 12)
    optimizer = torch.optim.Adam(encoder.parameters(), lr=0.1)
    for _ in range(400):
        phi, psi = encoder.features()
        form = Transitions(log_score(phi.flatten(1, 2) @ psi.mT), truth, noise)
        optimizer.zero_grad()
        TransitionNCE()(form).backward()
        optimizer.step()
    phi, psi = (each.detach().double().numpy() for each in encoder.features())
    _, model = recover(phi, psi, np.full(12, 1 / 12))
    assert abs(model - mdp.transitions).sum(-1).mean() / 2 <= 0.01
