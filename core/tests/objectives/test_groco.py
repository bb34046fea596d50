"""GroCo against reference vectors, a loop written from its equations, and at its edges."""

import math

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.groco import GroCo, groco, sorted_mass
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_groco", "groco"))
def test_groco_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    assert (p["network"], p["relaxation"]) == ("odd_even", "cauchy")
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    loss = groco(z, topk_neg=p["topk_neg"], steepness=p["steepness"], stop_grad=p["stop_grad"])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


def permutation(x, steepness):
    """The soft permutation matrix by which an odd-even network sorts x."""
    n, x = len(x), list(x)
    matrix = [[float(i == j) for j in range(n)] for i in range(n)]
    for t in range(n):
        for a in range(t % 2, n - 1, 2):
            stay = 0.5 + math.atan(steepness * (x[a + 1] - x[a])) / math.pi
            for row in (x, *matrix):
                row[a], row[a + 1] = (
                    stay * row[a] + (1 - stay) * row[a + 1],
                    (1 - stay) * row[a] + stay * row[a + 1],
                )
    return matrix


def loop(z, topk_neg, steepness, full_views=0):
    """The loss of each view of each sample."""
    unit = [[(row / row.norm()).tolist() for row in view] for view in z]
    losses = [[] for _ in unit]
    for v, view in enumerate(unit):
        for i, row in enumerate(view):

            def s(other, row=row):
                return sum(x * y for x, y in zip(row, other, strict=True))

            rest = sorted(s(other) for j, other in enumerate(view) if j != i)
            sisters = range(full_views or len(unit))
            positives = sorted(s(unit[u][i]) for u in sisters if u != v)
            x = rest[-topk_neg:] + positives
            matrix = permutation(x, steepness)
            loss = 0.0
            for wire, shares in enumerate(matrix):
                low = sum(shares[:topk_neg])
                loss -= math.log(low if wire < topk_neg else 1 - low) / len(x)
            losses[v].append(loss)
    return losses


@pytest.mark.parametrize(("views", "full_views"), [(2, 0), (3, 0), (4, 2)])
def test_it_equals_the_naive_loop(views, full_views):
    z = draw(views, 6, 3)
    options = {"topk_neg": 3, "steepness": 2.5, "full_views": full_views}
    expected = torch.tensor(loop(z, **options), dtype=torch.float64)
    torch.testing.assert_close(groco(z, **options, reduction="none"), expected)
    torch.testing.assert_close(groco(z, **options), expected.mean())
    torch.testing.assert_close(groco(z, **options, reduction="sum"), expected.sum())


def test_the_gradient_is_that_of_the_value_without_stopped_gradients():
    z = draw(3, 5, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: groco(z, topk_neg=2, stop_grad=False), (z,))


def test_with_stopped_gradients_the_anchors_alone_learn():
    z = draw(2, 5, 3).requires_grad_()
    whole = groco(z, topk_neg=2, stop_grad=False)
    stopped = groco(z, topk_neg=2)
    assert stopped == whole
    (a,), (b,) = torch.autograd.grad(whole, z), torch.autograd.grad(stopped, z)
    assert not torch.allclose(a, b)


def test_a_steep_network_is_a_permutation_that_sorts():
    x = torch.tensor([[0.4, -0.2, 0.9, 0.1, -0.7]], dtype=torch.float64)
    one_hot = torch.eye(5, dtype=torch.float64)
    columns = [sorted_mass(x, one_hot[j][None], 1e9)[0] for j in range(5)]
    matrix = torch.stack(columns, 1)
    torch.testing.assert_close(x[0] @ matrix, x[0].sort().values, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(matrix.sum(0), torch.ones(5, dtype=torch.float64))
    torch.testing.assert_close(matrix.sum(1), torch.ones(5, dtype=torch.float64))


def test_the_mass_is_that_of_the_written_permutation():
    x, mass = draw(1, 6), draw(1, 6, seed=1)
    matrix = torch.tensor(permutation(x[0].tolist(), 1.7), dtype=torch.float64)
    torch.testing.assert_close(sorted_mass(x, mass, 1.7)[0], matrix @ mass[0])


def test_the_loss_falls_as_positives_rise_above_the_negatives():
    z = draw(1, 12, 6)
    losses = [groco(torch.cat((z, z + noise * draw(1, 12, 6, seed=1)))) for noise in (2, 0.5, 0)]
    assert losses[0] > losses[1] > losses[2]


def test_loss_is_invariant_to_the_order_of_samples_their_scale_and_the_views():
    z, order = draw(3, 6, 4), torch.tensor([3, 1, 5, 0, 2, 4])
    found = groco(4 * z.flip(0)[:, order], topk_neg=3)
    torch.testing.assert_close(found, groco(z, topk_neg=3), rtol=1e-12, atol=0)


@pytest.mark.parametrize("steepness", [1e-4, 1e6])
def test_extreme_steepness_stays_finite_in_float32(steepness):
    z = draw(2, 6, 4).float().requires_grad_()
    loss = groco(z, topk_neg=3, steepness=steepness)
    loss.backward()
    assert loss.isfinite()
    assert z.grad.isfinite().all()


def test_equal_and_zero_rows_are_no_nan():
    z = torch.ones(2, 4, 3)
    z[0, 0] = 0
    loss = groco(z.requires_grad_(), topk_neg=2)
    loss.backward()
    assert loss.isfinite()
    assert z.grad.isfinite().all()


def test_half_precision_is_reduced_in_float32_and_nan_stays_nan():
    z = draw(2, 6, 4).bfloat16()
    found = groco(z, topk_neg=2)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(groco(z.double(), topk_neg=2).item(), rel=1e-4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert groco(z, topk_neg=2) == found
    z[0, 1, 1] = torch.nan
    assert groco(z, topk_neg=2).isnan()


@pytest.mark.parametrize(
    ("shape", "options", "said"),
    [
        ((1, 4, 3), {"topk_neg": 2}, "2 views or more"),
        ((2, 10, 3), {}, "less than the 10 samples of the batch, got 10"),
        ((2, 4, 3), {"topk_neg": 0}, "topk_neg must be >= 1"),
        ((2, 4, 3), {"topk_neg": 2, "steepness": 0}, "steepness must be > 0, got 0"),
        ((2, 4, 3), {"topk_neg": 2, "full_views": 3}, r"full_views must be in 0\.\.2"),
    ],
)
def test_what_cannot_be_sorted_is_refused(shape, options, said):
    with pytest.raises(ValueError, match=said):
        groco(torch.ones(shape), **options)


def test_one_full_view_alone_gives_its_own_anchors_no_positive():
    z = draw(2, 5, 3)
    losses = groco(z, topk_neg=2, full_views=1, reduction="none")
    expected = torch.tensor(loop(z, 2, 1.0, full_views=1)[1], dtype=torch.float64)
    torch.testing.assert_close(losses[1], expected)


def test_the_module_reads_the_form():
    z = draw(3, 5, 3)
    found = GroCo(topk_neg=2, steepness=3.0, stop_grad=False, full_views=2)(Views(z))
    options = {"topk_neg": 2, "steepness": 3.0, "stop_grad": False, "full_views": 2}
    assert found == groco(z, **options)
