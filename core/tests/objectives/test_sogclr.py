"""SogCLR against reference sequences, a loop written from its equations, and at its edges."""

import math

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.sogclr import SogCLR, first_gamma, sogclr
from contrast.testing.vectors import tensors, vector_cases

UNSEEN = -torch.inf


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def unseen(n):
    return torch.full((n,), UNSEEN, dtype=torch.float64)


def loop(z, u, t, gamma):
    """The losses, the next u and the gradients of the temperatures without rho, sample by sample."""
    unit = [[(row / row.norm()).tolist() for row in view] for view in z]
    n = z.shape[1]

    def s(v, i, w, j):
        return sum(x * y for x, y in zip(unit[v][i], unit[w][j], strict=True))

    losses, after, slopes = [], [], []
    for i in range(n):
        loss, kept, slope = 0.0, [], []
        for v in range(2):
            near = [s(v, i, w, j) for w in range(2) for j in range(n) if j != i]
            g = sum(math.exp(x / t[i]) for x in near) / len(near)
            kept.append((1 - gamma) * u[i] + gamma * g)
            push = sum(math.exp(x / t[i]) / kept[-1] * x for x in near) / len(near)
            slope.append(math.log(kept[-1]) - push / t[i])
            loss += push - s(v, i, 1 - v, i)
        losses.append(loss)
        after.append(sum(kept) / 2)
        slopes.append(sum(slope) / 2)
    return losses, after, slopes


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_sogclr", "sogclr_unimodal"))
def test_each_step_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    assert p.get("normalize", True)
    objective = SogCLR(p["n_samples"], temperature=p["tau"], gamma=p["gamma"]).to(dtype)
    for step in case["steps"]:
        a, b = tensors(step, "a", "b", dtype=dtype, requires_grad=True)
        loss = objective(Views(torch.stack((a, b)), ids=torch.tensor(step["index"])))
        loss.backward()
        expected = step["expected"]
        assert_vector(loss, expected["loss"], "loss")
        assert_vector(a.grad, expected["grad_a"], "grad of a")
        assert_vector(b.grad, expected["grad_b"], "grad of b")
        u = objective.log_u.values.double().exp()
        assert_vector(u, expected.get("state_after", step.get("state_after"))["u"], "u")


@pytest.mark.parametrize("gamma", [0.3, 1.0])
def test_it_equals_the_naive_loop(gamma):
    z, u, t = draw(2, 4, 3), draw(4, seed=1).exp(), torch.tensor([0.1, 0.3, 0.5, 1.0])
    losses, after, slopes = loop(z, u.tolist(), t.tolist(), gamma)
    found = sogclr(z, u.log(), temperature=t, gamma=gamma)
    assert found.losses.tolist() == pytest.approx(losses, rel=1e-6)
    assert found.log_u.exp().tolist() == pytest.approx(after, rel=1e-6)
    assert found.slope.tolist() == pytest.approx(slopes, rel=1e-6)


def test_the_gradient_is_that_of_the_surrogate_with_fixed_quotients():
    z, u = draw(2, 4, 3).requires_grad_(), draw(4, seed=1).exp()
    unit = torch.nn.functional.normalize(z, dim=2)
    s = torch.einsum("vid,wjd->viwj", unit, unit)
    others = ~torch.eye(4, dtype=torch.bool)[None, :, None].expand(2, 4, 2, 4)
    e = (s / 0.3).exp() * others / 6
    u_x = 0.1 * u + 0.9 * e.sum((2, 3))
    push = ((e / u_x[:, :, None, None]).detach() * s).sum((2, 3)).sum(0)
    written = (push - 2 * (unit[0] * unit[1]).sum(1)).mean()
    found = sogclr(z, u.log(), temperature=0.3, gamma=0.9).losses.mean()
    torch.testing.assert_close(found, written)
    (expected,) = torch.autograd.grad(written, z)
    torch.testing.assert_close(torch.autograd.grad(found, z)[0], expected)


def test_with_gamma_one_the_gradient_is_that_of_the_log_mean_loss():
    z = draw(2, 4, 3).requires_grad_()

    def loss(z):
        unit = torch.nn.functional.normalize(z, dim=2)
        rows = unit.flatten(0, 1)
        own = torch.eye(4, dtype=torch.bool).repeat(2, 2)
        lse = (rows @ rows.T / 0.3).masked_fill(own, -torch.inf).logsumexp(1)
        return (0.3 * lse.view(2, 4).sum(0) - 2 * (unit[0] * unit[1]).sum(1)).mean()

    (expected,) = torch.autograd.grad(loss(z), z)
    surrogate = sogclr(z, unseen(4), temperature=0.3, gamma=1.0).losses.mean()
    torch.testing.assert_close(torch.autograd.grad(surrogate, z)[0], expected)


def test_a_view_that_comes_twice_changes_nothing_beside_its_own_pull():
    z = draw(2, 5, 3)
    two = sogclr(z, unseen(5), temperature=0.4, gamma=0.9)
    four = sogclr(z[[0, 1, 0, 1]], unseen(5), temperature=0.4, gamma=0.9)
    torch.testing.assert_close(four.log_u, two.log_u)
    torch.testing.assert_close(four.slope, two.slope)


def test_loss_is_invariant_to_the_order_of_samples_their_scale_and_the_views():
    z, log_u, order = draw(2, 5, 3), draw(5, seed=1), torch.tensor([2, 0, 4, 1, 3])
    expected = sogclr(z, log_u, temperature=0.2, gamma=0.5)
    found = sogclr(5 * z.flip(0)[:, order], log_u[order], temperature=0.2, gamma=0.5)
    torch.testing.assert_close(found.losses, expected.losses[order])
    torch.testing.assert_close(found.log_u, expected.log_u[order])
    torch.testing.assert_close(found.slope, expected.slope[order])


def test_rows_may_be_taken_as_they_are():
    z = draw(2, 4, 3)
    unit = torch.nn.functional.normalize(z, dim=2)
    options = {"temperature": 0.3, "gamma": 0.9}
    raw = sogclr(unit, unseen(4), **options, normalize=False)
    torch.testing.assert_close(raw.losses, sogclr(z, unseen(4), **options).losses)


@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(temperature):
    objective = SogCLR(6, temperature=temperature)
    z = draw(2, 6, 3).float().requires_grad_()
    for _ in range(2):
        objective(Views(z, ids=torch.arange(6))).backward()
    assert z.grad.isfinite().all()
    assert objective.log_u.values.isfinite().all()


def test_equal_and_zero_rows_are_no_nan():
    z = torch.ones(2, 4, 3)
    z[0, 0] = 0
    found = sogclr(z.requires_grad_(), torch.zeros(4), temperature=0.1, gamma=0.9)
    found.losses.sum().backward()
    assert found.losses.isfinite().all()
    assert z.grad.isfinite().all()


def test_half_precision_is_reduced_in_float32():
    z = draw(2, 6, 4).bfloat16()
    found = sogclr(z, torch.zeros(6), temperature=0.1, gamma=0.9).losses
    exact = sogclr(z.double(), torch.zeros(6), temperature=0.1, gamma=0.9).losses
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), exact, rtol=1e-4, atol=1e-5)


def test_nan_in_gives_nan_out():
    z = draw(2, 4, 3)
    z[1, 2, 0] = torch.nan
    assert sogclr(z, unseen(4), temperature=0.1, gamma=0.9).losses.isnan().any()


def test_the_state_moves_in_training_alone_and_is_in_the_state_dict():
    objective = SogCLR(8).double().eval()
    form = Views(draw(2, 4, 3), ids=torch.tensor([6, 0, 3, 5]))
    before = objective(form)
    assert (objective.log_u.values == UNSEEN).all()
    objective.train()
    assert objective(form) == before
    values = objective.log_u.values
    assert values[[6, 0, 3, 5]].isfinite().all()
    assert (values[[1, 2, 4, 7]] == UNSEEN).all()
    again = SogCLR(8).double()
    again.load_state_dict(objective.state_dict())
    assert again(form) == objective(form)


def test_the_first_average_replaces_by_batch_or_by_sample():
    some, none = torch.tensor([True, False]), torch.tensor([True, True])
    assert first_gamma(some, 0.9, "batch") == pytest.approx(0.9)
    assert first_gamma(none, 0.9, "batch") == 1
    assert first_gamma(some, 0.9, "sample").tolist() == pytest.approx([1, 0.9])
    z = draw(2, 2, 3)
    objective = SogCLR(3, first="sample").double()
    objective(Views(z, ids=torch.tensor([0, 1])))
    objective(Views(z, ids=torch.tensor([2, 1])))
    values = objective.log_u.values
    torch.testing.assert_close(values[2], values[0])


def test_a_form_without_ids_or_with_unknown_ids_is_refused():
    with pytest.raises(ValueError, match="needs the form's `ids`"):
        SogCLR(4)(Views(draw(2, 4, 3)))
    with pytest.raises(ValueError, match=r"0\.\.3"):
        SogCLR(4)(Views(draw(2, 2, 3), ids=torch.tensor([0, 4])))


@pytest.mark.parametrize("shape", [(1, 4, 3), (2, 1, 3), (4, 3)])
def test_too_few_views_or_samples_are_refused(shape):
    with pytest.raises(ValueError, match="z must"):
        sogclr(torch.ones(shape), torch.zeros(4), temperature=0.1, gamma=0.9)
