"""DHEL and MV-DHEL's two-view case against vectors, a loop from the equation, and at the edges."""

import math

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.dhel import DHEL, dhel
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def loop(z, temperature, include_augs=True):
    """The loss of each sample of two views."""
    samples = range(z.shape[1])

    def s(v, i, u, j):
        return torch.cosine_similarity(z[v, i], z[u, j], dim=0).item() / temperature

    losses = []
    for i in samples:
        energies = [
            math.log(sum(math.exp(s(v, i, v, j)) for j in samples if j != i)) for v in range(2)
        ]
        losses.append(-s(0, i, 1, i) + energies[0] + include_augs * energies[1])
    return torch.tensor(losses, dtype=torch.float64)


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_views", "dhel"))
def test_dhel_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    loss = dhel(z, temperature=p["tau"], include_augs=p["include_augs"])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


@pytest.mark.parametrize("include_augs", [True, False])
def test_it_equals_the_naive_loop(include_augs):
    z, options = draw(2, 5, 3), {"temperature": 0.3, "include_augs": include_augs}
    expected = loop(z, **options)
    torch.testing.assert_close(dhel(z, **options, reduction="none"), expected)
    torch.testing.assert_close(dhel(z, **options, reduction="sum"), expected.sum())
    torch.testing.assert_close(dhel(z, **options), expected.mean())


@pytest.mark.parametrize("include_augs", [True, False])
def test_of_more_views_it_is_the_mean_over_their_pairs(include_augs):
    z, options = draw(3, 5, 4), {"temperature": 0.3, "include_augs": include_augs}
    pairs = [dhel(z[[a, b]], **options) for a, b in ((0, 1), (0, 2), (1, 2))]
    torch.testing.assert_close(dhel(z, **options), torch.stack(pairs).mean())


@pytest.mark.parametrize("include_augs", [True, False])
def test_the_gradient_is_that_of_the_formula(include_augs):
    z = draw(3, 3, 3).requires_grad_()
    options = {"temperature": 0.4, "include_augs": include_augs}
    assert torch.autograd.gradcheck(lambda z: dhel(z, **options), (z,))


def test_loss_is_invariant_to_order_and_scale():
    z, order = draw(2, 6, 4), torch.tensor([3, 1, 5, 0, 2, 4])
    found = dhel(7 * z.flip(0)[:, order], temperature=0.2)
    torch.testing.assert_close(found, dhel(z, temperature=0.2), rtol=1e-12, atol=0)


@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(temperature):
    z = draw(2, 6, 4).float().requires_grad_()
    loss = dhel(z, temperature=temperature)
    loss.backward()
    exact = dhel(z.detach().double(), temperature=temperature)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-4)
    assert z.grad.isfinite().all()


def test_equal_and_zero_rows_are_no_nan():
    z = torch.ones(2, 4, 5)
    z[0, 0] = 0
    z.requires_grad_()
    loss = dhel(z, temperature=0.1)
    loss.backward()
    assert loss.isfinite()
    assert z.grad.isfinite().all()


def test_half_precision_is_reduced_in_float32():
    z = draw(2, 16, 4).bfloat16()
    found = dhel(z, temperature=0.05)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(dhel(z.double(), temperature=0.05).item(), rel=1e-5)


def test_autocast_does_not_round_the_similarities():
    z = draw(2, 16, 4).float()
    expected = dhel(z, temperature=0.01)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert dhel(z, temperature=0.01) == expected


def test_nan_in_gives_nan_out():
    z = draw(2, 4, 3)
    z[1, 2, 0] = torch.nan
    assert dhel(z, temperature=0.1).isnan()


def test_the_module_reads_the_form():
    z = draw(2, 4, 3)
    expected = dhel(z, temperature=0.2, include_augs=False)
    assert DHEL(temperature=0.2, include_augs=False)(Views(z)) == expected


@pytest.mark.parametrize(
    ("shape", "said"), [((2, 1, 3), "2 samples or more"), ((1, 4, 3), "2 views or more")]
)
def test_too_few_views_or_samples_are_refused(shape, said):
    with pytest.raises(ValueError, match=said):
        dhel(torch.ones(shape), temperature=0.1)
