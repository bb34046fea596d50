"""MV-DHEL against reference vectors, a loop written from its equation, and at its edges."""

import math
from itertools import combinations

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.dhel import dhel
from contrast.objectives.mv_dhel import MVDHEL, mv_dhel
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def loop(z, temperature):
    """The loss of each sample, by the product of energies as the official code has it."""
    views, samples = range(len(z)), range(z.shape[1])

    def e(v, i, u, j):
        return math.exp(torch.cosine_similarity(z[v, i], z[u, j], dim=0).item() / temperature)

    losses = []
    for i in samples:
        energies = [sum(e(v, i, v, j) for j in samples if j != i) for v in views]
        aligned = sum(e(v, i, u, i) for v, u in combinations(views, 2))
        losses.append(-math.log(aligned / math.prod(energies)))
    return torch.tensor(losses, dtype=torch.float64)


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_views", "mv_dhel"))
def test_mv_dhel_equals_its_vector(case, dtype, assert_vector):
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    loss = mv_dhel(z, temperature=case["params"]["tau"])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


@pytest.mark.parametrize("views", [2, 3, 4])
def test_it_equals_the_naive_loop(views):
    z = draw(views, 5, 3)
    expected = loop(z, 0.3)
    torch.testing.assert_close(mv_dhel(z, temperature=0.3, reduction="none"), expected)
    torch.testing.assert_close(mv_dhel(z, temperature=0.3, reduction="sum"), expected.sum())
    torch.testing.assert_close(mv_dhel(z, temperature=0.3), expected.mean())


def test_of_two_views_it_is_dhel():
    z = draw(2, 5, 4)
    torch.testing.assert_close(mv_dhel(z, temperature=0.2), dhel(z, temperature=0.2))


def test_the_gradient_is_that_of_the_formula():
    z = draw(3, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: mv_dhel(z, temperature=0.4), (z,))


def test_loss_is_invariant_to_order_and_scale():
    z, order = draw(3, 6, 4), torch.tensor([3, 1, 5, 0, 2, 4])
    found = mv_dhel(7 * z[[2, 0, 1]][:, order], temperature=0.2)
    torch.testing.assert_close(found, mv_dhel(z, temperature=0.2), rtol=1e-12, atol=0)


@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_nine_views_at_extreme_temperatures_stay_finite_in_float32(temperature):
    z = draw(9, 6, 4).float().requires_grad_()
    loss = mv_dhel(z, temperature=temperature)
    loss.backward()
    exact = mv_dhel(z.detach().double(), temperature=temperature)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
    assert z.grad.isfinite().all()


def test_equal_and_zero_rows_are_no_nan():
    z = torch.ones(3, 4, 5)
    z[0, 0] = 0
    z.requires_grad_()
    loss = mv_dhel(z, temperature=0.1)
    loss.backward()
    assert loss.isfinite()
    assert z.grad.isfinite().all()


def test_autocast_does_not_round_the_similarities():
    z = draw(3, 16, 4).float()
    expected = mv_dhel(z, temperature=0.01)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert mv_dhel(z, temperature=0.01) == expected


def test_half_precision_is_reduced_in_float32():
    z = draw(3, 16, 4).bfloat16()
    found = mv_dhel(z, temperature=0.05)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(mv_dhel(z.double(), temperature=0.05).item(), rel=1e-5)


def test_nan_in_gives_nan_out():
    z = draw(2, 4, 3)
    z[1, 2, 0] = torch.nan
    assert mv_dhel(z, temperature=0.1).isnan()


def test_the_module_reads_the_form():
    z = draw(3, 4, 3)
    assert MVDHEL(temperature=0.2)(Views(z)) == mv_dhel(z, temperature=0.2)


@pytest.mark.parametrize(
    ("shape", "said"), [((2, 1, 3), "2 samples or more"), ((1, 4, 3), "2 views or more")]
)
def test_too_few_views_or_samples_are_refused(shape, said):
    with pytest.raises(ValueError, match=said):
        mv_dhel(torch.ones(shape), temperature=0.1)
