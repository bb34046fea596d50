"""CACR against reference vectors, a loop written from its equation, and at its edges."""

import math
from itertools import combinations

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.cacr import CACR, cacr
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def softmax(values):
    top = max(values)
    return [math.exp(v - top) / sum(math.exp(u - top) for u in values) for v in values]


def loop(z, t_pos, t_neg, alpha, beta, tau_plus):
    """The loss of each sample."""
    views, samples = range(len(z)), range(z.shape[1])
    unit = [[(row / row.norm()).tolist() for row in view] for view in z]

    def d(v, i, u, j):
        return sum((x - y) ** 2 for x, y in zip(unit[v][i], unit[u][j], strict=True))

    losses = []
    for i in samples:
        pull = 0.0
        for v in views:
            far = [d(v, i, u, i) for u in views if u != v]
            pull += sum(w * x for w, x in zip(softmax([t_pos * x for x in far]), far, strict=True))
        push = []
        for a, b in combinations(views, 2):
            near = [d(a, i, b, j) for j in samples if j != i]
            weights = softmax([-t_neg * x for x in near])
            mean = sum(w * x for w, x in zip(weights, near, strict=True))
            push.append((tau_plus * d(a, i, b, i) + beta * mean) / (1 - tau_plus))
        losses.append(alpha * pull / len(z) - sum(push) / len(push))
    return losses


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_cacr", "cacr"))
def test_cacr_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    assert p.get("cost", "sqeuclidean") == "sqeuclidean"
    choice = p.get("choice", "full")
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    loss = cacr(
        z,
        t_pos=p["tau_pos"] if choice in ("full", "without_w2") else 0,
        t_neg=p["tau_neg"] if choice in ("full", "without_w1") else 0,
        alpha=p["alpha"],
        beta=p["beta"],
        tau_plus=p.get("tau_plus", 0.1) if p.get("debiased") else 0.0,
        detach_weights=p.get("detach_weights", False),
        normalize=p.get("normalize", True),
    )
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


@pytest.mark.parametrize("views", [2, 3])
@pytest.mark.parametrize("tau_plus", [0.0, 0.2])
def test_it_equals_the_naive_loop(views, tau_plus):
    z = draw(views, 4, 3)
    options = {"t_pos": 1.5, "t_neg": 0.7, "alpha": 0.8, "beta": 1.3, "tau_plus": tau_plus}
    expected = loop(z, **options)
    assert cacr(z, **options, reduction="none").tolist() == pytest.approx(expected, rel=1e-12)
    assert cacr(z, **options).item() == pytest.approx(sum(expected) / 4, rel=1e-12)
    assert cacr(z, **options, reduction="sum").item() == pytest.approx(sum(expected), rel=1e-12)


@pytest.mark.parametrize("t", [0.0, 1.2])
def test_the_gradient_is_that_of_the_formula(t):
    z = draw(3, 4, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: cacr(z, t_pos=t, t_neg=t, tau_plus=0.1), (z,))


@pytest.mark.parametrize("detach", [False, True])
def test_detached_weights_give_the_value_but_another_gradient(detach):
    z = draw(2, 5, 3).requires_grad_()
    loss = cacr(z, detach_weights=detach)
    loss.backward()
    assert loss.item() == pytest.approx(cacr(z).item(), rel=1e-12)
    whole = torch.autograd.grad(cacr(z), z)[0]
    assert torch.allclose(z.grad, whole) is not detach


def test_uniform_weights_are_the_limit_of_small_t():
    z = draw(3, 5, 4)
    limit = cacr(z, t_pos=1e-9, t_neg=1e-9)
    torch.testing.assert_close(cacr(z, t_pos=0, t_neg=0), limit, rtol=0, atol=1e-8)


def test_rows_may_be_taken_as_they_are():
    z = draw(2, 4, 3)
    unit = z / z.norm(dim=2, keepdim=True)
    torch.testing.assert_close(cacr(unit, normalize=False), cacr(z))
    assert cacr(z, normalize=False) != cacr(z)


def test_loss_is_invariant_to_the_order_of_samples_and_the_scale_of_rows():
    z, order = draw(3, 6, 4), torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(cacr(7 * z[:, order]), cacr(z), rtol=1e-12, atol=0)


@pytest.mark.parametrize("t", [1e-3, 1e3])
def test_extreme_weights_stay_finite_in_float32(t):
    z = draw(3, 6, 4).float().requires_grad_()
    loss = cacr(z, t_pos=t, t_neg=t)
    loss.backward()
    exact = cacr(z.detach().double(), t_pos=t, t_neg=t)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-4)
    assert z.grad.isfinite().all()


def test_equal_and_zero_rows_are_no_nan():
    z = torch.ones(3, 4, 5)
    z[0, 0] = 0
    z.requires_grad_()
    loss = cacr(z)
    loss.backward()
    assert loss.isfinite()
    assert z.grad.isfinite().all()


@pytest.mark.parametrize("detach", [False, True])
def test_tiles_give_the_value_and_gradient_of_all_pairs_at_once(detach, request):
    z = draw(3, 11, 4).requires_grad_()
    expected = cacr(z, detach_weights=detach)
    (gradient,) = torch.autograd.grad(expected, z)
    request.getfixturevalue("tiles")
    found = cacr(z, detach_weights=detach)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found, z)[0], gradient)


def test_half_precision_is_reduced_in_float32():
    z = draw(2, 8, 4).bfloat16()
    assert cacr(z).dtype == torch.float32
    assert cacr(z).item() == pytest.approx(cacr(z.double()).item(), rel=1e-5)


def test_nan_in_gives_nan_out():
    z = draw(2, 4, 3)
    z[1, 2, 0] = torch.nan
    assert cacr(z).isnan()


@pytest.mark.parametrize("shape", [(1, 4, 3), (2, 1, 3), (4, 3)])
def test_too_few_views_or_samples_are_refused(shape):
    with pytest.raises(ValueError, match="2 views or more of 2 samples or more"):
        cacr(torch.ones(shape))


@pytest.mark.parametrize("wrong", [{"t_pos": -1}, {"t_neg": math.nan}, {"tau_plus": 1.0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must be >= 0 and tau_plus in \[0, 1\)"):
        cacr(draw(2, 3, 3), **wrong)


def test_the_module_reads_the_form():
    z = draw(3, 4, 3)
    assert CACR(t_neg=2.0, beta=0.5)(Views(z)) == cacr(z, t_neg=2.0, beta=0.5)
