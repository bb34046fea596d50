"""MW against reference vectors, a loop written from its equation, and at its edges."""

import math

import pytest
import torch

from contrast.forms import Pairs, Same
from contrast.objectives import mw as module
from contrast.objectives.mw import MW, mw
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def ids(*values):
    return torch.tensor(values)


def loop(anchors, candidates, temperature, is_positive, is_excluded):
    """The mean over all pairs of a positive and a negative, and the numbers of both."""
    own, rest = [], []
    for i, a in enumerate(anchors.tolist()):
        for j, c in enumerate(candidates.tolist()):
            dot = sum(x * y for x, y in zip(a, c, strict=True))
            score = dot / math.hypot(*a) / math.hypot(*c)
            if not is_excluded(i, j):
                (own if is_positive(i, j) else rest).append(score)
    total = sum(math.log1p(math.exp((n - p) / temperature)) for n in rest for p in own)
    return total / len(rest) / len(own), len(own), len(rest)


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_mw", "mw"))
def test_mw_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    if dtype == torch.float32 and p["tau"] <= 1e-3:
        pytest.skip("differences of scores over 0.001, which float32 cannot resolve")
    rows = {
        name: tensors(case, f"inputs.{name}", dtype=dtype, requires_grad=True)[0]
        for name in case["inputs"]
    }
    others = [rows["neg"].flatten(0, 1)] if "neg" in rows else []
    loss = mw(
        rows["q"],
        torch.cat((rows["pos"], *others)),
        temperature=p["tau"],
        reduction=p["reduction"],
        normalize=p.get("normalize", True),
    )
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    for name, expected in case["expected"]["grad"].items():
        assert_vector(rows[name].grad, expected, f"grad of {name}")


def test_it_equals_the_naive_loop():
    anchors, candidates = draw(5, 3), draw(7, 3, seed=1)
    expected, positives, negatives = loop(anchors, candidates, 0.3, int.__eq__, lambda i, j: False)
    found = mw(anchors, candidates, temperature=0.3)
    assert found.item() == pytest.approx(expected, rel=1e-12)
    total = mw(anchors, candidates, temperature=0.3, reduction="sum_neg")
    assert total.item() == pytest.approx(expected * negatives, rel=1e-12)
    assert (positives, negatives) == (5, 30)


@pytest.mark.parametrize("approx", [False, True])
def test_it_equals_the_naive_loop_with_relations(approx):
    anchors, candidates = draw(4, 3), draw(6, 3, seed=1)
    row, column = ids(0, 1, 1, 9), ids(1, 0, 0, 5, 1, 7)
    out_row, out_column = ids(3, 4, 5, 6), ids(4, 4, 3, 6, 8, 5)
    expected, positives, _ = loop(
        anchors,
        candidates,
        0.3,
        lambda i, j: row[i] == column[j],
        lambda i, j: out_row[i] == out_column[j],
    )
    found = mw(
        anchors,
        candidates,
        temperature=0.3,
        positives=Same(row, column),
        excluded=Same(out_row, out_column),
        approx=approx,
    )
    assert positives == 4
    assert found.item() == pytest.approx(expected, rel=1e-7 if approx else 1e-12)


def test_the_diagonal_positive_is_never_excluded():
    anchors, candidates, users = draw(4, 3), draw(4, 3, seed=1), ids(7, 7, 8, 9)
    expected, positives, negatives = loop(
        anchors, candidates, 0.5, int.__eq__, lambda i, j: i != j and users[i] == users[j]
    )
    assert (positives, negatives) == (4, 10)
    found = mw(anchors, candidates, temperature=0.5, excluded=Same(users, users))
    assert found.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("related", [False, True])
@pytest.mark.parametrize("approx", [False, True])
def test_the_gradient_is_that_of_the_value(related, approx):
    anchors, candidates = draw(3, 4).requires_grad_(), draw(5, 4, seed=1).requires_grad_()
    options = {"temperature": 0.5, "approx": approx}
    if related:
        options["positives"] = Same(ids(0, 1, 9), ids(0, 0, 1, 2, 2))
        options["excluded"] = Same(ids(5, 6, 7), ids(5, 0, 0, 6, 7))
    assert torch.autograd.gradcheck(lambda a, c: mw(a, c, **options), (anchors, candidates))


@pytest.mark.parametrize("temperature", [0.01, 0.2, 30.0])
def test_the_table_is_close_in_value_and_gradient(temperature, monkeypatch):
    monkeypatch.setattr(module, "TABLE_PART", 2000)
    anchors, candidates = draw(20, 6).requires_grad_(), draw(30, 6, seed=1).requires_grad_()
    exact = mw(anchors, candidates, temperature=temperature)
    near = mw(anchors, candidates, temperature=temperature, approx=True)
    assert near.item() == pytest.approx(exact.item(), rel=1e-6)
    for x in (anchors, candidates):
        (expected,) = torch.autograd.grad(exact, x, retain_graph=True)
        (found,) = torch.autograd.grad(near, x, retain_graph=True)
        assert (found - expected).norm() < 1e-4 * expected.norm()


def test_it_bounds_the_area_over_the_roc_curve():
    anchors, candidates = draw(12, 4), draw(12, 4, seed=1) + draw(12, 4)
    unit = torch.nn.functional.normalize
    scores = unit(anchors) @ unit(candidates).T
    own, rest = scores.diag(), scores[~torch.eye(12, dtype=torch.bool)]
    over = (rest[:, None] > own).double().mean().item()
    assert over <= mw(anchors, candidates, temperature=0.1).item() / math.log(2)


def test_loss_is_invariant_to_the_order_of_pairs_and_the_scale_of_rows():
    anchors, candidates = draw(6, 4), draw(6, 4, seed=1)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    expected = mw(anchors, candidates, temperature=0.1)
    found = mw(10 * anchors[order], 0.01 * candidates[order], temperature=0.1)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("approx", [False, True])
@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(approx, temperature):
    anchors = draw(6, 4).float().requires_grad_()
    candidates = draw(6, 4, seed=1).float()
    loss = mw(anchors, candidates, temperature=temperature, approx=approx)
    loss.backward()
    exact = mw(anchors.detach().double(), candidates.double(), temperature=temperature)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-4)
    assert anchors.grad.isfinite().all()


@pytest.mark.parametrize("approx", [False, True])
def test_equal_and_antipodal_rows_lie_on_the_table(approx):
    anchors = torch.eye(3).requires_grad_()
    loss = mw(anchors, torch.cat((torch.eye(3), -torch.eye(3))), temperature=0.1, approx=approx)
    loss.backward()
    assert loss.isfinite()
    assert anchors.grad.isfinite().all()


@pytest.mark.parametrize("approx", [False, True])
@pytest.mark.parametrize("column", [ids(5, 6, 7), ids(0, 0, 0)])
def test_without_positives_or_without_negatives_the_loss_is_zero(approx, column):
    anchors = draw(2, 3).requires_grad_()
    positives = Same(ids(0, 0), column)
    loss = mw(anchors, draw(3, 3), temperature=0.1, positives=positives, approx=approx)
    loss.backward()
    assert loss.item() == 0
    assert (anchors.grad == 0).all()


def test_half_precision_is_reduced_in_float32_and_autocast_rounds_nothing():
    anchors, candidates = draw(8, 4).bfloat16(), draw(8, 4, seed=1).bfloat16()
    found = mw(anchors, candidates, temperature=0.05)
    assert found.dtype == torch.float32
    exact = mw(anchors.double(), candidates.double(), temperature=0.05)
    assert found.item() == pytest.approx(exact.item(), rel=1e-5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert mw(anchors, candidates, temperature=0.05) == found


def test_nan_in_gives_nan_out():
    anchors = draw(3, 4)
    anchors[1, 1] = torch.nan
    assert mw(anchors, draw(3, 4), temperature=0.1).isnan()


def test_the_module_reads_the_form():
    anchors, candidates = draw(4, 3), draw(4, 3, seed=1)
    same = Same(ids(0, 1, 2, 3), ids(0, 1, 1, 3))
    out = Same(ids(0, 1, 2, 3), ids(9, 9, 3, 9))
    found = MW(0.2, "sum_neg", approx=True)(Pairs(anchors, candidates, same, out))
    options = {"positives": same, "excluded": out, "reduction": "sum_neg", "approx": True}
    assert found == mw(anchors, candidates, temperature=0.2, **options)


@pytest.mark.parametrize(
    ("anchors", "candidates", "options", "said"),
    [
        ((3, 4), (3, 5), {}, r"\(3, 4\) and \(3, 5\)"),
        ((4, 2), (3, 2), {}, "each of 4 anchors needs a candidate"),
        ((1, 2), (1, 2), {}, "and a negative, among 1"),
        ((2, 2), (2, 2), {"temperature": 0.0}, "temperature must be > 0"),
        ((2, 2), (2, 2), {"approx": True, "normalize": False}, "needs `normalize`"),
        ((2, 2), (2, 2), {"reduction": "sum"}, "reduction must be mean or sum_neg, got 'sum'"),
    ],
)
def test_what_cannot_be_compared_is_refused(anchors, candidates, options, said):
    with pytest.raises(ValueError, match=said):
        mw(torch.ones(anchors), torch.ones(candidates), **{"temperature": 0.1, **options})
