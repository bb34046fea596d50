"""Bimodal SogCLR against reference sequences, a loop written from its equations, and its edges."""

import math

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.sogclr_bimodal import SogCLRBimodal, sogclr_bimodal
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def log_state(after, side):
    """log u of the state s = u e^-b that the authors' code keeps."""
    s, b = (torch.tensor(after[f"{name}_{side}"], dtype=torch.float64) for name in "sb")
    return s.log() + b


@pytest.mark.parametrize(
    "case", vector_cases(__file__, "objectives_sogclr", "sogclr_bimodal_authors")
)
def test_each_step_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    log_u = torch.full((2, p["n_samples"]), -torch.inf, dtype=dtype)
    for step in case["steps"]:
        a, b = tensors(step, "a", "b", dtype=dtype, requires_grad=True)
        ids = torch.tensor(step["index"])
        sides = sogclr_bimodal(
            torch.stack((a, b)),
            log_u[:, ids],
            temperature=p["tau"],
            gamma=p["gamma"],
            normalize=p["normalize"],
        )
        loss = sum(side.losses.mean() for side in sides)
        loss.backward()
        log_u[:, ids] = torch.stack([side.log_u for side in sides])
        expected = step["expected"]
        assert_vector(loss, expected["loss"], "loss")
        assert_vector(a.grad, expected["grad_a"], "grad of a")
        assert_vector(b.grad, expected["grad_b"], "grad of b")
        after = expected.get("state_after", step.get("state_after"))
        for found, side in zip(log_u, ("img", "txt"), strict=True):
            seen = found > -torch.inf
            assert (seen == (log_state(after, side) > -torch.inf)).all()
            assert_vector(found[seen], log_state(after, side)[seen], f"log u of {side}")


def loop(a, k, u, t, gamma):
    """One side: the losses, the next u and the gradients of the temperatures without rho."""
    a, k = ((x / x.norm(dim=1, keepdim=True)).tolist() for x in (a, k))
    losses, after, slopes = [], [], []
    for i, row in enumerate(a):
        s = [sum(x * y for x, y in zip(row, other, strict=True)) for other in k]
        h = [x - s[i] for x in s]
        g = sum(math.exp(x / t[i]) for x in h) / (len(k) - 1)
        after.append((1 - gamma) * u[i] + gamma * g)
        losses.append(sum(math.exp(x / t[i]) / after[-1] * x for x in h) / (len(k) - 1))
        slopes.append(math.log(after[-1]) - losses[-1] / t[i])
    return losses, after, slopes


def test_it_equals_the_naive_loop():
    z, u = draw(2, 4, 3), draw(2, 4, seed=1).exp()
    t = torch.tensor([[0.1, 0.3, 0.5, 1.0], [0.2, 0.2, 0.6, 0.4]], dtype=torch.float64)
    found = sogclr_bimodal(z, u.log(), temperature=t, gamma=0.6)
    for side, (a, k) in enumerate(((z[0], z[1]), (z[1], z[0]))):
        losses, after, slopes = loop(a, k, u[side].tolist(), t[side].tolist(), 0.6)
        assert found[side].losses.tolist() == pytest.approx(losses, rel=1e-9)
        assert found[side].log_u.exp().tolist() == pytest.approx(after, rel=1e-9)
        assert found[side].slope.tolist() == pytest.approx(slopes, rel=1e-9)


def test_the_gradient_is_that_of_the_surrogate_with_fixed_quotients():
    z, u = draw(2, 4, 3).requires_grad_(), draw(2, 4, seed=1).exp()
    unit = torch.nn.functional.normalize(z, dim=2)
    written = torch.zeros((), dtype=torch.float64)
    for side, s in enumerate((unit[0] @ unit[1].T, unit[1] @ unit[0].T)):
        h = s - s.diag()[:, None]
        e = (h / 0.4).exp() / 3
        u_x = 0.2 * u[side] + 0.8 * e.sum(1)
        written = written + ((e / u_x[:, None]).detach() * h).sum(1).mean()
    found = sogclr_bimodal(z, u.log(), temperature=0.4, gamma=0.8)
    loss = sum(side.losses.mean() for side in found)
    torch.testing.assert_close(loss, written)
    (expected,) = torch.autograd.grad(written, z)
    torch.testing.assert_close(torch.autograd.grad(loss, z)[0], expected)


def libauc(z, u, t, gamma):
    """The loss, whose quotients are fixed, the next u, and the gradients of t without rho."""
    unit = torch.nn.functional.normalize(z, dim=2)
    n, loss, after, slopes = z.shape[1], 0.0, [], []
    others = 1 - torch.eye(n, dtype=z.dtype)
    for side, s in enumerate((unit[0] @ unit[1].T, unit[1] @ unit[0].T)):
        h = s - s.diag()[:, None]
        e = (h / t[side, :, None]).exp().detach() * others
        after.append((1 - gamma) * u[side] + gamma * e.sum(1) / (n - 1))
        p = e / after[-1][:, None]
        loss = loss + (p * h).sum(1).mean() / 2
        slopes.append(after[-1].log() - (p * h.detach()).sum(1) / t[side] / (n - 1))
    return loss, torch.stack(after), torch.stack(slopes)


def test_libaucs_variant_is_its_formula_step_by_step():
    objective = SogCLRBimodal(7, temperature=0.2, gamma=0.9, variant="libauc").double()
    u, t = torch.zeros(2, 7, dtype=torch.float64), torch.full((2, 4), 0.2, dtype=torch.float64)
    for seed, ids in enumerate(([5, 0, 2, 3], [3, 1, 5, 6])):
        z, ids = draw(2, 4, 3, seed=seed).requires_grad_(), torch.tensor(ids)
        gamma = 0.9 if seed else 1.0  # a first batch is taken whole
        loss, u[:, ids], slopes = libauc(z, u[:, ids], t, gamma)
        before = torch.stack([table.read(ids) for table in objective.log_u])
        found = objective(Views(z, ids=ids))
        torch.testing.assert_close(found, loss, rtol=1e-9, atol=0)
        gradients = (torch.autograd.grad(each, z)[0] for each in (found, loss))
        torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)
        sides = sogclr_bimodal(z, before, temperature=t, gamma=gamma, variant="libauc")
        torch.testing.assert_close(torch.stack([side.slope for side in sides]), slopes)
        for table, expected in zip(objective.log_u, u, strict=True):
            torch.testing.assert_close(table.values.exp(), expected)


def test_the_module_moves_its_state_in_training_alone():
    objective = SogCLRBimodal(6, temperature=0.1).double().eval()
    z, ids = draw(2, 3, 4), torch.tensor([5, 0, 2])
    unseen = torch.full((2, 3), -torch.inf)
    sides = sogclr_bimodal(z, unseen, temperature=0.1, gamma=0.8)
    assert objective(Views(z, ids=ids)) == sum(side.losses.mean() for side in sides)
    assert not objective.log_u[0].seen.any()
    objective.train()(Views(z, ids=ids))
    for table, side in zip(objective.log_u, sides, strict=True):
        torch.testing.assert_close(table.read(ids), side.log_u)


def test_swapping_the_modalities_swaps_the_sides():
    z, log_u = draw(2, 4, 3), draw(2, 4, seed=1)
    one = sogclr_bimodal(z, log_u, temperature=0.2, gamma=0.8)
    other = sogclr_bimodal(z.flip(0), log_u.flip(0), temperature=0.2, gamma=0.8)
    torch.testing.assert_close(one[0].losses, other[1].losses)
    torch.testing.assert_close(one[1].log_u, other[0].log_u)


def test_loss_is_invariant_to_the_order_of_samples_and_the_scale_of_rows():
    z, log_u, order = draw(2, 5, 3), draw(2, 5, seed=1), torch.tensor([2, 0, 4, 1, 3])
    expected = sogclr_bimodal(z, log_u, temperature=0.2, gamma=0.8)[0]
    found = sogclr_bimodal(3 * z[:, order], log_u[:, order], temperature=0.2, gamma=0.8)[0]
    torch.testing.assert_close(found.losses, expected.losses[order])


@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(temperature):
    objective = SogCLRBimodal(6, temperature=temperature)
    z = draw(2, 6, 3).float().requires_grad_()
    for _ in range(2):
        objective(Views(z, ids=torch.arange(6))).backward()
    assert z.grad.isfinite().all()
    assert all(table.values.isfinite().all() for table in objective.log_u)


@pytest.mark.parametrize("shape", [(3, 4, 3), (2, 1, 3), (1, 4, 3)])
def test_what_are_not_two_modalities_of_two_samples_is_refused(shape):
    with pytest.raises(ValueError, match="z must hold"):
        sogclr_bimodal(torch.ones(shape), torch.zeros(2, 4), temperature=0.1, gamma=0.9)


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="variant must be authors or libauc, got 'v2'"):
        sogclr_bimodal(draw(2, 3, 3), draw(2, 3), temperature=1, gamma=0.9, variant="v2")


def test_a_form_without_ids_is_refused():
    with pytest.raises(ValueError, match="needs the form's `ids`"):
        SogCLRBimodal(4)(Views(draw(2, 4, 3)))
