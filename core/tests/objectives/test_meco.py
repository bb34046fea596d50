"""MECO against a reference sequence, its gradient's meaning, and its edges."""

import math

import pytest
import torch

from contrast.objectives.meco import Meco, corrected_average, log_mean_exp, meco
from contrast.testing.vectors import vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def log_normal(x):
    return -x.square() / 2 - math.log(2 * math.pi) / 2


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_meco", "meco_moving_average"))
def test_each_step_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    assert (p["noise"], p["model"]) == ("N(0,1)", "exp(-(x-mu)^2/2)")
    assert p["u_init"] == "first batch"
    objective = Meco(p["gamma"]).to(dtype)
    for step in case["steps"]:
        mu = torch.tensor(step["mu"], dtype=dtype, requires_grad=True)
        x, noise = (torch.tensor(step[name], dtype=dtype) for name in ("x", "noise"))
        loss = objective(-(x - mu).square() / 2, -(noise - mu).square() / 2, log_normal(noise))
        loss.backward()
        expected = step["expected"]
        assert_vector(loss, expected["surrogate"], "surrogate")
        assert_vector(objective.log_u.values.exp()[0], expected["u"], "u")
        assert_vector(mu.grad, expected["grad_mu"], "grad_mu")
        assert_vector(mu.detach() - p["lr"] * mu.grad, expected["mu_next"], "mu_next")


def test_it_equals_the_naive_loop():
    data, noise, density = draw(3), draw(4, seed=1), draw(4, seed=2)
    ratios = [math.exp(f - q - 0.7) for f, q in zip(noise.tolist(), density.tolist(), strict=True)]
    expected = sum(ratios) / 4 - sum(data.tolist()) / 3
    assert meco(data, noise, density, 0.7).item() == pytest.approx(expected, rel=1e-12)
    each = meco(data, noise, density, 0.7, reduction="none")
    assert each.mean().item() == pytest.approx(expected, rel=1e-12)


def test_gradients_equal_finite_differences():
    data, noise = draw(3).requires_grad_(), draw(4, seed=1).requires_grad_()
    density = draw(4, seed=2)
    assert torch.autograd.gradcheck(lambda f, g: meco(f, g, density, 0.7), (data, noise))


def test_with_gamma_one_the_gradient_is_that_of_the_likelihood():
    x, noise = draw(20) + 2, draw(30, seed=1)
    mu = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    data, energy = -(x - mu).square() / 2, -(noise - mu).square() / 2
    ratio = (energy - log_normal(noise)).logsumexp(0)
    (expected,) = torch.autograd.grad(ratio - data.mean(), mu, retain_graph=True)
    loss = Meco(gamma=1.0)(data, energy, log_normal(noise))
    torch.testing.assert_close(torch.autograd.grad(loss, mu)[0], expected)


def test_a_gaussian_finds_its_mean_though_the_noise_is_elsewhere():
    generator = torch.Generator().manual_seed(0)
    mu, objective = torch.zeros((), dtype=torch.float64), Meco(gamma=0.3)
    for _ in range(300):
        x = torch.randn(64, generator=generator, dtype=torch.float64) + 1.5
        noise = torch.randn(256, generator=generator, dtype=torch.float64)
        mu.requires_grad_()
        energies = (-(v - mu).square() / 2 for v in (x, noise))
        loss = objective(*energies, log_normal(noise))
        (gradient,) = torch.autograd.grad(loss, mu)
        mu = (mu - 0.05 * gradient).detach()
    assert mu.item() == pytest.approx(1.5, abs=0.2)


def test_the_corrected_average_follows_the_old_parameters_out():
    logs = [torch.tensor(v, dtype=torch.float64).log() for v in (2.0, 1.8, 2.1)]
    assert corrected_average(*logs, 0.3).exp().item() == pytest.approx(0.7 * 0.2 + 2.1)
    assert corrected_average(*logs, 1.0).exp().item() == pytest.approx(2.1)
    old, before, now = (torch.tensor(v, dtype=torch.float64).log() for v in (0.1, 9.0, 0.2))
    plain = 0.7 * 0.1 + 0.3 * 0.2
    assert corrected_average(old, before, now, 0.3).exp().item() == pytest.approx(plain)


def test_the_corrected_average_is_used_where_old_energies_are_given():
    data, noise, density = draw(3), draw(4, seed=1), draw(4, seed=2)
    objective = Meco(gamma=0.4).double()
    objective(data, noise, density)
    old = objective.log_u.values[0].clone()
    moved = noise + 0.1
    objective(data, moved, density, noise_before=noise)
    expected = corrected_average(
        old, log_mean_exp(noise - density), log_mean_exp(moved - density), 0.4
    )
    torch.testing.assert_close(objective.log_u.values[0], expected)


def test_the_state_moves_in_training_alone():
    objective = Meco().double().eval()
    objective(draw(3), draw(4), draw(4))
    assert not objective.log_u.seen.any()
    objective.train()(draw(3), draw(4), draw(4, seed=1))
    assert objective.log_u.seen.all()


def test_ratios_that_no_float_holds_are_no_nan():
    objective = Meco()
    noise = torch.tensor([500.0, 499.0], requires_grad=True)
    for _ in range(2):
        loss = objective(torch.zeros(2), noise, torch.tensor([-300.0, -300.0]))
        loss.backward()
        assert loss.isfinite()
    assert noise.grad.isfinite().all()


def test_loss_is_invariant_to_the_order_of_the_noise_and_to_a_shift_of_the_energy():
    data, noise, density = draw(3), draw(4, seed=1), draw(4, seed=2)
    order = torch.tensor([2, 0, 3, 1])
    expected = Meco().double()(data, noise, density)
    torch.testing.assert_close(Meco().double()(data, noise[order], density[order]), expected)
    shifted = Meco().double()(data + 3, noise + 3, density)
    torch.testing.assert_close(shifted, expected - 3)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"\(4,\) and \(3,\)"):
        meco(draw(3), draw(4), draw(3), 0.0)
    with pytest.raises(ValueError, match=r"gamma must be in \(0, 1\], got 0"):
        Meco(gamma=0)
