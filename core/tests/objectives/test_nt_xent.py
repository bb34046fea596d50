"""NT-Xent against reference vectors, a loop written from its equation, and at its edges."""

import math
from itertools import combinations

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.nt_xent import NTXent, nt_xent
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def float64(values):
    return torch.tensor(values, dtype=torch.float64)


def joint(rows, temperature):
    """The loss of each row of rows[v][i], compared as they are."""
    places = [(v, i) for v in range(len(rows)) for i in range(len(rows[0]))]

    def s(p, q):
        pairs = zip(rows[p[0]][p[1]], rows[q[0]][q[1]], strict=True)
        return sum(x * y for x, y in pairs) / temperature

    losses = [[0.0] * len(rows[0]) for _ in rows]
    for v, i in places:
        energy = math.log(sum(math.exp(s((v, i), q)) for q in places if q != (v, i)))
        others = [s((v, i), (u, i)) for u in range(len(rows)) if u != v]
        losses[v][i] = energy - sum(others) / len(others)
    return losses


def loop(z, temperature, several):
    """The mean loss."""
    rows = [[(row / row.norm()).tolist() for row in view] for view in z]
    mean = lambda losses: sum(map(sum, losses)) / z.shape[1] / len(losses)  # noqa: E731
    if several == "joint":
        return mean(joint(rows, temperature))
    if several == "pairwise":
        found = [mean(joint(pair, temperature)) for pair in combinations(rows, 2)]
        return sum(found) / len(found)
    found = []
    for v, view in enumerate(rows):
        rest = [float64(other) for u, other in enumerate(rows) if u != v]
        found.append(mean(joint([view, torch.stack(rest).mean(0).tolist()], temperature)))
    return sum(found) / len(found)


KINDS = {"nt_xent": "joint", "nt_xent_pairwise": "pairwise"}
CASES = [case for kind in KINDS for case in vector_cases(__file__, "objectives_views", kind)]


@pytest.mark.parametrize("case", CASES)
def test_nt_xent_equals_its_vector(case, dtype, assert_vector):
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    loss = nt_xent(z, temperature=case["params"]["tau"], several=KINDS[case["loss"]])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


@pytest.mark.parametrize("several", ["joint", "pairwise", "average"])
@pytest.mark.parametrize("views", [2, 3])
def test_it_equals_the_naive_loop(views, several):
    z = draw(views, 4, 3)
    found = nt_xent(z, temperature=0.3, several=several)
    assert found.item() == pytest.approx(loop(z, 0.3, several), rel=1e-12)


@pytest.mark.parametrize("several", ["joint", "pairwise", "average"])
def test_the_gradient_is_that_of_the_formula(several):
    z = draw(3, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: nt_xent(z, temperature=0.4, several=several), (z,))


@pytest.mark.parametrize("several", ["joint", "pairwise", "average"])
def test_loss_is_invariant_to_order_and_scale(several):
    z, order = draw(3, 6, 4), torch.tensor([3, 1, 5, 0, 2, 4])
    expected = nt_xent(z, temperature=0.2, several=several)
    found = nt_xent(7 * z[[2, 0, 1]][:, order], temperature=0.2, several=several)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


def test_two_views_are_one_pair():
    z = draw(2, 5, 4)
    expected = nt_xent(z, temperature=0.2)
    torch.testing.assert_close(nt_xent(z, temperature=0.2, several="pairwise"), expected)
    torch.testing.assert_close(nt_xent(z, temperature=0.2, several="average"), expected)


@pytest.mark.parametrize("several", ["joint", "pairwise", "average"])
def test_reductions_agree(several):
    z = draw(3, 4, 3)
    options = {"temperature": 0.2, "several": several}
    each = nt_xent(z, **options, reduction="none")
    assert each.shape == (3, 4)
    torch.testing.assert_close(each.sum(), nt_xent(z, **options, reduction="sum"))
    torch.testing.assert_close(each.mean(), nt_xent(z, **options))


def test_each_row_has_its_own_loss_in_place():
    z = draw(3, 4, 3)
    rows = [[(row / row.norm()).tolist() for row in view] for view in z]
    each = nt_xent(z, temperature=0.2, reduction="none")
    torch.testing.assert_close(each, float64(joint(rows, 0.2)))
    pairwise = nt_xent(z, temperature=0.2, several="pairwise", reduction="none")
    of_first = [float64(joint([rows[0], rows[u]], 0.2)[0]) for u in (1, 2)]
    torch.testing.assert_close(pairwise[0], torch.stack(of_first).mean(0))


@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(temperature):
    z = draw(3, 6, 4).float().requires_grad_()
    loss = nt_xent(z, temperature=temperature)
    loss.backward()
    exact = nt_xent(z.detach().double(), temperature=temperature)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
    assert z.grad.isfinite().all()


def test_many_rows_by_tiles_equal_the_plain_formula():
    z = draw(2, 150, 4).requires_grad_()
    x = torch.nn.functional.normalize(z.flatten(0, 1), dim=1)
    logits = (x @ x.T / 0.1).masked_fill(torch.eye(300, dtype=torch.bool), -torch.inf)
    expected = torch.nn.functional.cross_entropy(logits, torch.arange(300).roll(150))
    loss = nt_xent(z, temperature=0.1)
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)
    found, wanted = (torch.autograd.grad(each, z)[0] for each in (loss, expected))
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-14)


def test_two_views_of_one_sample_have_nothing_to_choose_from():
    z = draw(2, 1, 3).requires_grad_()
    loss = nt_xent(z, temperature=0.1)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-14)
    assert z.grad.abs().max() < 1e-14


def test_equal_and_zero_rows_are_no_nan():
    z = torch.ones(3, 4, 5)
    z[0, 0] = 0
    z.requires_grad_()
    loss = nt_xent(z, temperature=0.1)
    loss.backward()
    assert loss.isfinite()
    assert z.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_reduced_in_float32(dtype):
    z = draw(2, 16, 4).to(dtype)
    found = nt_xent(z, temperature=0.01)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(nt_xent(z.double(), temperature=0.01).item(), rel=1e-5)


@pytest.mark.parametrize("several", ["joint", "pairwise", "average"])
def test_autocast_does_not_round_the_similarities(several):
    z = draw(3, 16, 4).float()
    expected = nt_xent(z, temperature=0.01, several=several)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert nt_xent(z, temperature=0.01, several=several) == expected


def test_nan_in_gives_nan_out():
    z = draw(2, 4, 3)
    z[1, 2, 0] = torch.nan
    assert nt_xent(z, temperature=0.1).isnan()


def test_the_module_reads_the_form():
    z = draw(3, 4, 3)
    expected = nt_xent(z, temperature=0.2, several="pairwise")
    assert NTXent(temperature=0.2, several="pairwise")(Views(z)) == expected


@pytest.mark.parametrize(
    ("shape", "options", "said"),
    [
        ((4, 3), {"temperature": 0.1}, r"\(V, N, D\), V views of N samples, got \(4, 3\)"),
        ((1, 4, 3), {"temperature": 0.1}, r"2 views or more, got \(1, 4, 3\)"),
        ((2, 4, 3), {"temperature": 0.0}, "temperature must be > 0, got 0.0"),
        ((2, 4, 3), {"temperature": math.nan}, "temperature must be > 0, got nan"),
        ((2, 4, 3), {"temperature": 1, "several": "all"}, "joint, pairwise or average, got 'all'"),
        ((2, 4, 3), {"temperature": 1, "reduction": "max"}, "mean, sum or none, got 'max'"),
    ],
)
def test_what_cannot_be_compared_is_refused(shape, options, said):
    with pytest.raises(ValueError, match=said):
        nt_xent(torch.ones(shape), **options)
