"""MV-InfoNCE against reference vectors, a loop written from its equations, and at its edges."""

import math

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.mv_infonce import MVInfoNCE, mv_infonce
from contrast.testing.vectors import tensors, vector_cases

DENOMINATORS = ["all_others", "cross_view"]


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def loop(z, temperature, denominator):
    """The loss of each sample."""
    views, samples = range(len(z)), range(z.shape[1])

    def e(v, i, u, j):
        return math.exp(torch.cosine_similarity(z[v, i], z[u, j], dim=0).item() / temperature)

    losses = []
    for i in samples:
        energy = aligned = 0.0
        for v in views:
            for u in views:
                aligned += e(v, i, u, i) if u != v else 0
                for j in samples:
                    other = u != v if denominator == "cross_view" else (u, j) != (v, i)
                    energy += e(v, i, u, j) if other else 0
        losses.append(math.log(energy / aligned))
    return torch.tensor(losses, dtype=torch.float64)


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_views", "mv_infonce"))
def test_mv_infonce_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    loss = mv_infonce(z, temperature=p["tau"], denominator=p["denominator"])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


@pytest.mark.parametrize("denominator", DENOMINATORS)
@pytest.mark.parametrize("views", [2, 3])
def test_it_equals_the_naive_loop(views, denominator):
    z, options = draw(views, 4, 3), {"temperature": 0.3, "denominator": denominator}
    expected = loop(z, **options)
    torch.testing.assert_close(mv_infonce(z, **options, reduction="none"), expected)
    torch.testing.assert_close(mv_infonce(z, **options, reduction="sum"), expected.sum())
    torch.testing.assert_close(mv_infonce(z, **options), expected.mean())


@pytest.mark.parametrize("denominator", DENOMINATORS)
def test_the_gradient_is_that_of_the_formula(denominator):
    z = draw(3, 3, 3).requires_grad_()
    options = {"temperature": 0.4, "denominator": denominator}
    assert torch.autograd.gradcheck(lambda z: mv_infonce(z, **options), (z,))


@pytest.mark.parametrize("denominator", DENOMINATORS)
def test_loss_is_invariant_to_order_and_scale(denominator):
    z, order = draw(3, 6, 4), torch.tensor([3, 1, 5, 0, 2, 4])
    options = {"temperature": 0.2, "denominator": denominator}
    found = mv_infonce(7 * z[[2, 0, 1]][:, order], **options)
    torch.testing.assert_close(found, mv_infonce(z, **options), rtol=1e-12, atol=0)


@pytest.mark.parametrize("denominator", DENOMINATORS)
@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(temperature, denominator):
    z = draw(3, 6, 4).float().requires_grad_()
    options = {"temperature": temperature, "denominator": denominator}
    loss = mv_infonce(z, **options)
    loss.backward()
    exact = mv_infonce(z.detach().double(), **options)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-4)
    assert z.grad.isfinite().all()


@pytest.mark.parametrize("denominator", DENOMINATORS)
def test_one_sample_has_no_negatives_and_no_loss(denominator):
    loss = mv_infonce(draw(3, 1, 3), temperature=0.1, denominator=denominator)
    assert loss.item() == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("denominator", DENOMINATORS)
def test_many_rows_by_tiles_equal_the_plain_formula(denominator):
    z = draw(2, 150, 4)
    x = torch.nn.functional.normalize(z.flatten(0, 1), dim=1)
    view = torch.arange(2).repeat_interleave(150)
    out = view[:, None] == view if denominator == "cross_view" else torch.eye(300).bool()
    lse = (x @ x.T / 0.1).masked_fill(out, -torch.inf).logsumexp(1).view(2, 150)
    expected = lse.logsumexp(0) - (x[:150] * x[150:]).sum(1) / 0.1 - math.log(2)
    found = mv_infonce(z, temperature=0.1, denominator=denominator, reduction="none")
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_equal_and_zero_rows_are_no_nan():
    z = torch.ones(3, 4, 5)
    z[0, 0] = 0
    z.requires_grad_()
    loss = mv_infonce(z, temperature=0.1)
    loss.backward()
    assert loss.isfinite()
    assert z.grad.isfinite().all()


def test_half_precision_is_reduced_in_float32():
    z = draw(3, 16, 4).bfloat16()
    found = mv_infonce(z, temperature=0.05)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(mv_infonce(z.double(), temperature=0.05).item(), rel=1e-5)


def test_autocast_does_not_round_the_similarities():
    z = draw(2, 16, 4).float()
    expected = mv_infonce(z, temperature=0.01)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert mv_infonce(z, temperature=0.01) == expected


def test_nan_in_gives_nan_out():
    z = draw(2, 4, 3)
    z[1, 2, 0] = torch.nan
    assert mv_infonce(z, temperature=0.1).isnan()


def test_the_module_reads_the_form():
    z = draw(3, 4, 3)
    expected = mv_infonce(z, temperature=0.2, denominator="cross_view")
    assert MVInfoNCE(temperature=0.2, denominator="cross_view")(Views(z)) == expected


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="2 views or more"):
        mv_infonce(torch.ones(1, 4, 3), temperature=0.1)
    with pytest.raises(ValueError, match="all_others or cross_view, got 'negatives'"):
        mv_infonce(torch.ones(2, 4, 3), temperature=0.1, denominator="negatives")
    with pytest.raises(ValueError, match="temperature must be > 0, got 0"):
        mv_infonce(torch.ones(2, 4, 3), temperature=0)
