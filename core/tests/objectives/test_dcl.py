"""DCL and DCLW against reference vectors, a loop written from their equations, and at the edges."""

import math

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.dcl import DCL, DCLW, dcl, dclw
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def loop(z, temperature, sigma=None):
    """The loss of each row of two views."""
    samples = range(z.shape[1])

    def s(v, i, u, j):
        return torch.cosine_similarity(z[v, i], z[u, j], dim=0).item()

    alike = [s(0, i, 1, i) for i in samples]
    weight = [1.0 for _ in samples]
    if sigma is not None:
        total = sum(math.exp(x / sigma) for x in alike)
        weight = [2 - len(alike) * math.exp(x / sigma) / total for x in alike]
    losses = torch.zeros(z.shape[:2], dtype=torch.float64)
    for v in range(2):
        for i in samples:
            others = [s(v, i, u, j) for u in range(2) for j in samples if j != i]
            energy = math.log(sum(math.exp(x / temperature) for x in others))
            losses[v, i] = energy - weight[i] * alike[i] / temperature
    return losses


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_views", "dcl"))
def test_dcl_equals_its_vector(case, dtype, assert_vector):
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    loss = dcl(z, temperature=case["params"]["tau"])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_views", "dclw"))
def test_dclw_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    detach = p.get("detach_weights", True)
    loss = dclw(z, temperature=p["tau"], sigma=p["sigma"], detach_weights=detach)
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


def test_dcl_equals_the_naive_loop():
    z = draw(2, 5, 3)
    expected = loop(z, 0.3)
    torch.testing.assert_close(dcl(z, temperature=0.3, reduction="none"), expected)
    torch.testing.assert_close(dcl(z, temperature=0.3, reduction="sum"), expected.sum())
    torch.testing.assert_close(dcl(z, temperature=0.3), expected.mean())


@pytest.mark.parametrize("sigma", [0.2, 0.5])
def test_dclw_equals_the_naive_loop(sigma):
    z = draw(2, 5, 3)
    expected = loop(z, 0.3, sigma)
    found = dclw(z, temperature=0.3, sigma=sigma, reduction="none")
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(dclw(z, temperature=0.3, sigma=sigma), expected.mean())


@pytest.mark.parametrize("loss", [dcl, dclw])
def test_of_more_views_it_is_the_mean_over_their_pairs(loss):
    z = draw(3, 5, 4)
    pairs = [loss(z[[a, b]], temperature=0.2) for a, b in ((0, 1), (0, 2), (1, 2))]
    torch.testing.assert_close(loss(z, temperature=0.2), torch.stack(pairs).mean())
    each = loss(z, temperature=0.2, reduction="none")
    assert each.shape == (3, 5)
    first = [loss(z[[0, b]], temperature=0.2, reduction="none")[0] for b in (1, 2)]
    torch.testing.assert_close(each[0], torch.stack(first).mean(0))


@pytest.mark.parametrize("views", [2, 3])
def test_the_gradient_is_that_of_the_formula(views):
    z = draw(views, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: dcl(z, temperature=0.4), (z,))
    flowing = {"temperature": 0.4, "sigma": 0.7, "detach_weights": False}
    assert torch.autograd.gradcheck(lambda z: dclw(z, **flowing), (z,))


def test_detached_weights_give_the_value_but_another_gradient():
    z = draw(2, 5, 3).requires_grad_()
    detached = dclw(z, temperature=0.2)
    flowing = dclw(z, temperature=0.2, detach_weights=False)
    assert detached.item() == flowing.item()
    gradients = [torch.autograd.grad(loss, z)[0] for loss in (detached, flowing)]
    assert not torch.allclose(*gradients)


def test_the_pull_of_dcl_does_not_fade_for_easy_positives():
    anchor = torch.eye(3, dtype=torch.float64)
    z = torch.stack((anchor, anchor)).requires_grad_()
    (gradient,) = torch.autograd.grad(dcl(z, temperature=0.5, reduction="sum"), z)
    # along another sample's row: both of its views push with p = 1/4 each, twice by symmetry
    torch.testing.assert_close(gradient[0, 0, 1].item(), 1 / 0.5, rtol=1e-12, atol=0)


@pytest.mark.parametrize("loss", [dcl, dclw])
def test_loss_is_invariant_to_order_and_scale(loss):
    z, order = draw(2, 6, 4), torch.tensor([3, 1, 5, 0, 2, 4])
    found = loss(7 * z.flip(0)[:, order], temperature=0.2)
    torch.testing.assert_close(found, loss(z, temperature=0.2), rtol=1e-12, atol=0)


@pytest.mark.parametrize("loss", [dcl, dclw])
@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(loss, temperature):
    z = draw(2, 6, 4).float().requires_grad_()
    value = loss(z, temperature=temperature)
    value.backward()
    exact = loss(z.detach().double(), temperature=temperature)
    assert value.item() == pytest.approx(exact.item(), rel=1e-4)
    assert z.grad.isfinite().all()


@pytest.mark.parametrize("loss", [dcl, dclw])
def test_equal_and_zero_rows_are_no_nan(loss):
    z = torch.ones(2, 4, 5)
    z[0, 0] = 0
    z.requires_grad_()
    value = loss(z, temperature=0.1)
    value.backward()
    assert value.isfinite()
    assert z.grad.isfinite().all()


@pytest.mark.parametrize("loss", [dcl, dclw])
def test_half_precision_is_reduced_in_float32(loss):
    z = draw(2, 16, 4).bfloat16()
    found = loss(z, temperature=0.05)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(loss(z.double(), temperature=0.05).item(), rel=1e-5)


def test_autocast_does_not_round_the_similarities():
    z = draw(2, 16, 4).float()
    expected = dcl(z, temperature=0.01)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert dcl(z, temperature=0.01) == expected


@pytest.mark.parametrize("loss", [dcl, dclw])
def test_nan_in_gives_nan_out(loss):
    z = draw(2, 4, 3)
    z[1, 2, 0] = torch.nan
    assert loss(z, temperature=0.1).isnan()


def test_the_modules_read_the_form():
    z = draw(2, 4, 3)
    assert DCL(temperature=0.2)(Views(z)) == dcl(z, temperature=0.2)
    assert DCLW(0.2, 0.7)(Views(z)) == dclw(z, temperature=0.2, sigma=0.7)


@pytest.mark.parametrize("loss", [dcl, dclw])
@pytest.mark.parametrize(
    ("shape", "said"), [((2, 1, 3), "2 samples or more"), ((1, 4, 3), "2 views or more")]
)
def test_too_few_views_or_samples_are_refused(loss, shape, said):
    with pytest.raises(ValueError, match=said):
        loss(torch.ones(shape), temperature=0.1)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="sigma must be > 0, got 0"):
        dclw(draw(2, 3, 3), temperature=0.1, sigma=0)
    with pytest.raises(ValueError, match="temperature must be > 0, got 0"):
        dcl(draw(2, 3, 3), temperature=0)
