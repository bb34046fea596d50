"""PVC against reference vectors, a loop written from its equation, and at its edges."""

import math

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.nt_xent import nt_xent
from contrast.objectives.pvc import PVC, pvc
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def loop(z, temperature):
    """The loss of each row, z[v][i]."""
    views, samples = range(len(z)), range(z.shape[1])

    def s(v, i, u, j):
        return torch.cosine_similarity(z[v, i], z[u, j], dim=0).item() / temperature

    losses = torch.zeros(z.shape[:2], dtype=torch.float64)
    for v in views:
        for i in samples:
            negatives = sum(math.exp(s(v, i, w, j)) for w in views for j in samples if j != i)
            for u in views:
                if u != v:
                    positive = math.exp(s(v, i, u, i))
                    losses[v, i] -= math.log(positive / (positive + negatives)) / (len(z) - 1)
    return losses


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_views", "pvc_geometric"))
def test_pvc_equals_its_vector(case, dtype, assert_vector):
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    loss = pvc(z, temperature=case["params"]["tau"])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


@pytest.mark.parametrize("views", [2, 3, 4])
def test_it_equals_the_naive_loop(views):
    z = draw(views, 4, 3)
    expected = loop(z, 0.3)
    torch.testing.assert_close(pvc(z, temperature=0.3, reduction="none"), expected)
    torch.testing.assert_close(pvc(z, temperature=0.3, reduction="sum"), expected.sum())
    torch.testing.assert_close(pvc(z, temperature=0.3), expected.mean())


def test_of_two_views_it_is_nt_xent():
    z = draw(2, 5, 3)
    torch.testing.assert_close(pvc(z, temperature=0.2), nt_xent(z, temperature=0.2))


def test_the_gradient_is_that_of_the_formula():
    z = draw(3, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: pvc(z, temperature=0.4), (z,))


def test_loss_is_invariant_to_order_and_scale():
    z, order = draw(3, 6, 4), torch.tensor([3, 1, 5, 0, 2, 4])
    found = pvc(7 * z[[2, 0, 1]][:, order], temperature=0.2)
    torch.testing.assert_close(found, pvc(z, temperature=0.2), rtol=1e-12, atol=0)


@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(temperature):
    z = draw(3, 6, 4).float().requires_grad_()
    loss = pvc(z, temperature=temperature)
    loss.backward()
    exact = pvc(z.detach().double(), temperature=temperature)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
    assert z.grad.isfinite().all()


def test_one_sample_has_no_negatives_and_no_loss():
    z = draw(3, 1, 3).requires_grad_()
    loss = pvc(z, temperature=0.1)
    loss.backward()
    assert loss.item() == 0
    assert z.grad.tolist() == torch.zeros(3, 1, 3).tolist()


def test_equal_and_zero_rows_are_no_nan():
    z = torch.ones(3, 4, 5)
    z[0, 0] = 0
    z.requires_grad_()
    loss = pvc(z, temperature=0.1)
    loss.backward()
    assert loss.isfinite()
    assert z.grad.isfinite().all()


def test_half_precision_is_reduced_in_float32():
    z = draw(3, 8, 4).bfloat16()
    found = pvc(z, temperature=0.05)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(pvc(z.double(), temperature=0.05).item(), rel=1e-5)


def test_autocast_does_not_round_the_similarities():
    z = draw(2, 16, 4).float()
    expected = pvc(z, temperature=0.01)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert pvc(z, temperature=0.01) == expected


def test_nan_in_gives_nan_out():
    z = draw(2, 4, 3)
    z[1, 2, 0] = torch.nan
    assert pvc(z, temperature=0.1).isnan()


def test_the_module_reads_the_form():
    z = draw(3, 4, 3)
    assert PVC(temperature=0.2)(Views(z)) == pvc(z, temperature=0.2)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="2 views or more"):
        pvc(torch.ones(1, 4, 3), temperature=0.1)
    with pytest.raises(ValueError, match="temperature must be > 0, got -1"):
        pvc(torch.ones(2, 4, 3), temperature=-1)
