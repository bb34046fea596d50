"""The hard losses against reference vectors, a loop written from their equations, and their edges."""

import math

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.hard import HardContrastive, HardSimple, hard_contrastive, hard_simple
from contrast.objectives.nt_xent import nt_xent
from contrast.testing.vectors import tensors, vector_cases

BOTH = pytest.mark.parametrize(
    "loss_of",
    [lambda z, **o: hard_contrastive(z, temperature=0.3, **o), hard_simple],
    ids=["contrastive", "simple"],
)


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_views", "hard_contrastive"))
def test_hard_contrastive_equals_its_vector(case, dtype, assert_vector):
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    p = case["params"]
    loss = hard_contrastive(z, temperature=p["tau"], alpha=p["alpha"])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_views", "hard_simple"))
def test_hard_simple_equals_its_vector(case, dtype, assert_vector):
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    p = case["params"]
    loss = hard_simple(z, alpha=p["alpha"], lam=p["lam"])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


def loop(z, alpha, temperature, lam):
    """Both losses of each view of each sample."""
    unit = [[(row / row.norm()).tolist() for row in view] for view in z]
    n = z.shape[1]

    def s(v, i, w, j):
        return sum(x * y for x, y in zip(unit[v][i], unit[w][j], strict=True))

    contrastive, simple = [[], []], [[], []]
    for v in range(2):
        for i in range(n):
            near = sorted(s(v, i, w, j) for w in range(2) for j in range(n) if j != i)
            near = near[-max(1, math.ceil(alpha * len(near))) :]
            own = s(v, i, 1 - v, i)
            e = [math.exp(x / temperature) for x in (own, *near)]
            contrastive[v].append(-math.log(e[0] / sum(e)))
            simple[v].append(-own + (1 / len(near) if lam is None else lam) * sum(near))
    return contrastive, simple


@pytest.mark.parametrize("alpha", [0.01, 0.3, 1.0])
@pytest.mark.parametrize("lam", [None, 0.2])
def test_both_equal_the_naive_loop(alpha, lam):
    z = draw(2, 5, 3)
    contrastive, simple = (torch.tensor(x, dtype=torch.float64) for x in loop(z, alpha, 0.4, lam))
    found = hard_contrastive(z, temperature=0.4, alpha=alpha, reduction="none")
    torch.testing.assert_close(found, contrastive)
    total = hard_contrastive(z, temperature=0.4, alpha=alpha, reduction="sum")
    torch.testing.assert_close(total, contrastive.sum())
    torch.testing.assert_close(hard_simple(z, alpha=alpha, lam=lam, reduction="none"), simple)
    torch.testing.assert_close(hard_simple(z, alpha=alpha, lam=lam), simple.mean())


@BOTH
@pytest.mark.parametrize("alpha", [0.4, 1.0])
def test_the_gradient_is_that_of_the_value(loss_of, alpha):
    z = draw(2, 4, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: loss_of(z, alpha=alpha), (z,))


def test_with_all_negatives_it_is_nt_xent():
    z = draw(2, 6, 4)
    everything = hard_contrastive(z, temperature=0.3, alpha=1.0)
    torch.testing.assert_close(everything, nt_xent(z, temperature=0.3))


@BOTH
def test_fewer_negatives_are_harder(loss_of):
    z = draw(2, 8, 4)
    few, many = (loss_of(z, alpha=alpha, reduction="none") for alpha in (0.1, 0.9))
    assert ((few - many) * (1 if loss_of is hard_simple else -1) > 0).all()


@BOTH
def test_more_views_are_the_mean_over_pairs(loss_of):
    z = draw(3, 4, 3)
    pairs = [loss_of(z[list(pair)], alpha=0.3) for pair in ((0, 1), (0, 2), (1, 2))]
    torch.testing.assert_close(loss_of(z, alpha=0.3), sum(pairs) / 3)


@BOTH
@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_loss_is_invariant_to_the_order_of_samples_their_scale_and_the_views(loss_of, alpha):
    z, order = draw(2, 6, 4), torch.tensor([3, 1, 5, 0, 2, 4])
    found = loss_of(4 * z.flip(0)[:, order], alpha=alpha)
    torch.testing.assert_close(found, loss_of(z, alpha=alpha), rtol=1e-12, atol=0)


@BOTH
@pytest.mark.parametrize("alpha", [0.1, 1.0])
def test_tiles_give_what_all_pairs_at_once_give(loss_of, alpha, tiles):
    z = draw(2, 30, 4).requires_grad_()
    found = loss_of(z, alpha=alpha)
    unit = torch.nn.functional.normalize(z, dim=2)
    rows, n = unit.flatten(0, 1), 30
    s = rows @ rows.T
    own = torch.eye(n, dtype=torch.bool).repeat(2, 2)
    near = s.masked_fill(own, -torch.inf).topk(max(1, math.ceil(alpha * 2 * (n - 1))), 1).values
    pos = (unit[0] * unit[1]).sum(1).repeat(2)
    if loss_of is hard_simple:
        expected = (near.mean(1) - pos).mean()
    else:
        logits = torch.cat((pos[:, None], near), 1) / 0.3
        expected = (logits.logsumexp(1) - pos / 0.3).mean()
    torch.testing.assert_close(found, expected)
    (gradient,) = torch.autograd.grad(expected, z)
    torch.testing.assert_close(torch.autograd.grad(found, z)[0], gradient)


@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(temperature):
    z = draw(2, 6, 4).float().requires_grad_()
    loss = hard_contrastive(z, temperature=temperature, alpha=0.5)
    loss.backward()
    exact = hard_contrastive(z.detach().double(), temperature=temperature, alpha=0.5)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-4)
    assert z.grad.isfinite().all()


@BOTH
@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_equal_and_zero_rows_are_no_nan(loss_of, alpha):
    z = torch.ones(2, 4, 3)
    z[0, 0] = 0
    loss = loss_of(z.requires_grad_(), alpha=alpha)
    loss.backward()
    assert loss.isfinite()
    assert z.grad.isfinite().all()


@BOTH
def test_half_precision_is_reduced_in_float32_and_nan_stays_nan(loss_of):
    z = draw(2, 6, 4).bfloat16()
    found = loss_of(z, alpha=0.3)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(loss_of(z.double(), alpha=0.3).item(), abs=1e-5)
    z[0, 1, 1] = torch.nan
    assert loss_of(z, alpha=0.3).isnan()
    assert loss_of(z, alpha=1.0).isnan()


@BOTH
@pytest.mark.parametrize(
    ("shape", "alpha", "said"),
    [
        ((1, 4, 3), 0.5, "2 views or more"),
        ((2, 1, 3), 0.5, "2 samples or more"),
        ((2, 4, 3), 0.0, r"alpha must be in \(0, 1\], got 0.0"),
        ((2, 4, 3), math.nan, r"alpha must be in \(0, 1\]"),
    ],
)
def test_what_cannot_be_compared_is_refused(loss_of, shape, alpha, said):
    with pytest.raises(ValueError, match=said):
        loss_of(torch.ones(shape), alpha=alpha)


def test_a_temperature_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="temperature must be > 0, got 0"):
        hard_contrastive(draw(2, 4, 3), temperature=0, alpha=0.5)


def test_the_modules_read_the_form():
    z = draw(2, 5, 3)
    found = HardContrastive(0.2, alpha=0.4)(Views(z))
    assert found == hard_contrastive(z, temperature=0.2, alpha=0.4)
    assert HardSimple(alpha=0.4, lam=0.1)(Views(z)) == hard_simple(z, alpha=0.4, lam=0.1)
