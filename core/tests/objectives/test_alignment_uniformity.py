"""Alignment and uniformity against reference vectors, loops from the equations, and at the edges."""

import math
from itertools import combinations

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.alignment_uniformity import AlignmentUniformity, alignment, uniformity
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def energy(x, t):
    pairs = [math.exp(-t * (a - b).square().sum().item()) for a, b in combinations(x, 2)]
    return math.log(sum(pairs) / len(pairs))


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_views", "alignment"))
def test_alignment_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    loss = alignment(z[0], z[1], alpha=p["alpha"], normalize=p["normalize"])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_views", "uniformity"))
def test_uniformity_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    loss = uniformity(z[0], t=p["t"], normalize=p["normalize"])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("normalize", [True, False])
def test_alignment_equals_the_naive_loop(alpha, normalize):
    x, y = draw(5, 3), draw(5, 3, seed=1)
    rows = zip(*(unit(r) if normalize else r for r in (x, y)), strict=True)
    expected = [(a - b).norm().item() ** alpha for a, b in rows]
    options = {"alpha": alpha, "normalize": normalize}
    assert alignment(x, y, **options, reduction="none").tolist() == pytest.approx(expected)
    assert alignment(x, y, **options, reduction="sum").item() == pytest.approx(sum(expected))
    assert alignment(x, y, **options).item() == pytest.approx(sum(expected) / 5)


@pytest.mark.parametrize("t", [0.5, 2.0])
@pytest.mark.parametrize("normalize", [True, False])
def test_uniformity_equals_the_naive_loop(t, normalize):
    x = draw(5, 3)
    expected = energy(unit(x) if normalize else x, t)
    assert uniformity(x, t=t, normalize=normalize).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("normalize", [True, False])
def test_the_gradients_are_those_of_the_formulas(normalize):
    x, y = draw(4, 3).requires_grad_(), draw(4, 3, seed=1).requires_grad_()
    for alpha in (1.0, 2.0):
        pull = lambda x, y, a=alpha: alignment(x, y, alpha=a, normalize=normalize)  # noqa: E731
        assert torch.autograd.gradcheck(pull, (x, y))
    assert torch.autograd.gradcheck(lambda x: uniformity(x, normalize=normalize), (x,))


def test_both_are_invariant_to_order_and_scale():
    x, y, order = draw(6, 4), draw(6, 4, seed=1), torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(alignment(3 * y[order], x[order]), alignment(x, y))
    torch.testing.assert_close(uniformity(3 * x[order]), uniformity(x))


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_equal_rows_are_aligned_with_no_gradient(alpha):
    x = draw(3, 4).float().requires_grad_()
    loss = alignment(x, x.detach(), alpha=alpha)
    loss.backward()
    assert loss.item() == 0
    assert x.grad.tolist() == torch.zeros(3, 4).tolist()


def test_equal_rows_are_least_uniform_and_antipodal_ones_more():
    x = torch.ones(4, 3, requires_grad=True)
    loss = uniformity(x)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert x.grad.isfinite().all()
    assert uniformity(torch.stack((x[0], -x[0])).double()).item() == pytest.approx(-8)


def test_zero_rows_are_no_nan():
    x = torch.zeros(3, 4, requires_grad=True)
    loss = uniformity(x) + alignment(x, torch.ones(3, 4))
    loss.backward()
    assert loss.item() == pytest.approx(-4 + 1)
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("t", [1e-3, 1e3])
def test_extreme_sharpness_stays_finite_in_float32(t):
    x = draw(8, 4).float().requires_grad_()
    loss = uniformity(x, t=t)
    loss.backward()
    assert loss.item() == pytest.approx(uniformity(x.detach().double(), t=t).item(), rel=1e-3)
    assert x.grad.isfinite().all()


def test_half_precision_is_reduced_in_float32():
    x, y = draw(8, 4).bfloat16(), draw(8, 4, seed=1).bfloat16()
    assert alignment(x, y).dtype == uniformity(x).dtype == torch.float32
    assert uniformity(x).item() == pytest.approx(uniformity(x.double()).item(), rel=1e-5)


def test_nan_in_gives_nan_out():
    x = draw(4, 3)
    x[1, 1] = torch.nan
    assert alignment(x, draw(4, 3)).isnan()
    assert uniformity(x).isnan()


def test_the_module_names_its_terms_over_all_views():
    z = draw(3, 4, 3)
    terms = AlignmentUniformity(1.0, 3.0, 0.5, 0.25)(Views(z))
    pulls = [alignment(z[a], z[b], alpha=1.0) for a, b in ((0, 1), (0, 2), (1, 2))]
    pushes = [uniformity(view, t=3.0) for view in z]
    torch.testing.assert_close(terms["alignment"], 0.5 * torch.stack(pulls).mean())
    torch.testing.assert_close(terms["uniformity"], 0.25 * torch.stack(pushes).mean())
    assert set(terms) == {"alignment", "uniformity"}


@pytest.mark.parametrize(
    ("shape", "said"), [((2, 1, 3), "2 samples or more"), ((1, 4, 3), "2 views or more")]
)
def test_too_few_views_or_samples_are_refused(shape, said):
    with pytest.raises(ValueError, match=said):
        AlignmentUniformity()(Views(torch.ones(shape)))


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match=r"both be \(N, D\), got \(3, 4\) and \(4, 4\)"):
        alignment(torch.ones(3, 4), torch.ones(4, 4))
    with pytest.raises(ValueError, match="alpha must be > 0, got 0"):
        alignment(torch.ones(3, 4), torch.ones(3, 4), alpha=0)
    with pytest.raises(ValueError, match=r"two rows or more, got \(1, 4\)"):
        uniformity(torch.ones(1, 4))
    with pytest.raises(ValueError, match="t must be > 0, got 0"):
        uniformity(torch.ones(3, 4), t=0)
