"""InfoNCE against a loop written from its equation, and at its edges."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrast.forms import Pairs, Same
from contrast.objectives.infonce import InfoNCE, infonce
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def ids(*values):
    return torch.tensor(values)


def loop(anchors, candidates, temperature, is_positive, is_excluded):
    """The mean loss, and the loss of each anchor (None without a positive)."""
    losses = []
    for i, a in enumerate(anchors.tolist()):
        scores = {}
        for j, c in enumerate(candidates.tolist()):
            if not is_excluded(i, j):
                dot = sum(x * y for x, y in zip(a, c, strict=True))
                scores[j] = dot / math.hypot(*a) / math.hypot(*c) / temperature
        pulled = [score for j, score in scores.items() if is_positive(i, j)]
        total = sum(math.exp(score) for score in scores.values())
        losses.append(math.log(total) - sum(pulled) / len(pulled) if pulled else None)
    known = [loss for loss in losses if loss is not None]
    return sum(known) / len(known), losses


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(0, 3), st.floats(0.05, 5), st.integers(0, 99))
def test_it_equals_the_naive_loop(n, extra, temperature, seed):
    anchors, candidates = draw(n, 3, seed=seed), draw(n + extra, 3, seed=seed + 100)
    expected, _ = loop(anchors, candidates, temperature, int.__eq__, lambda i, j: False)
    found = infonce(anchors, candidates, temperature=temperature)
    assert found.item() == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_it_equals_the_naive_loop_with_relations(data):
    n, m = data.draw(st.integers(1, 4)), data.draw(st.integers(2, 6))
    label = st.integers(0, 2)
    row, column = (data.draw(st.lists(label, min_size=k, max_size=k)) for k in (n, m))
    out_row, out_column = (data.draw(st.lists(label, min_size=k, max_size=k)) for k in (n, m))
    is_excluded = lambda i, j: out_row[i] == out_column[j]  # noqa: E731
    is_positive = lambda i, j: row[i] == column[j] and not is_excluded(i, j)  # noqa: E731
    if not any(is_positive(i, j) for i in range(n) for j in range(m)):
        return
    anchors, candidates = draw(n, 3), draw(m, 3, seed=1)
    mean, each = loop(anchors, candidates, 0.3, is_positive, is_excluded)
    options = {
        "temperature": 0.3,
        "positives": Same(ids(*row), ids(*column)),
        "excluded": Same(ids(*out_row), ids(*out_column)),
    }
    assert infonce(anchors, candidates, **options).item() == pytest.approx(mean, rel=1e-12)
    found = infonce(anchors, candidates, **options, reduction="none")
    assert found.tolist() == pytest.approx([loss or 0 for loss in each], rel=1e-12, abs=1e-12)


def test_the_diagonal_positive_is_never_excluded():
    anchors, candidates = draw(4, 3), draw(4, 3, seed=1)
    users = ids(7, 7, 8, 9)
    expected, _ = loop(
        anchors, candidates, 0.5, int.__eq__, lambda i, j: i != j and users[i] == users[j]
    )
    found = infonce(anchors, candidates, temperature=0.5, excluded=Same(users, users))
    assert found.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("related", [False, True])
def test_the_gradient_is_that_of_the_formula(related):
    anchors, candidates = draw(3, 4).requires_grad_(), draw(5, 4, seed=1).requires_grad_()
    options = {}
    if related:
        options["positives"] = Same(ids(0, 1, 9), ids(0, 0, 1, 2, 2))
        options["excluded"] = Same(ids(5, 6, 7), ids(5, 0, 0, 6, 7))

    def loss(a, c):
        return infonce(a, c, temperature=0.2, **options)

    assert torch.autograd.gradcheck(loss, (anchors, candidates))


def test_loss_is_invariant_to_the_order_of_pairs_and_the_scale_of_rows():
    anchors, candidates = draw(6, 4), draw(6, 4, seed=1)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    expected = infonce(anchors, candidates, temperature=0.1)
    found = infonce(10 * anchors[order], 0.01 * candidates[order], temperature=0.1)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("temperature", [1e-4, 1e4])
def test_extreme_temperatures_stay_finite_in_float32(temperature):
    anchors, candidates = draw(5, 4).float().requires_grad_(), draw(5, 4, seed=1).float()
    loss = infonce(anchors, candidates, temperature=temperature)
    loss.backward()
    expected, _ = loop_stable(anchors.detach().double(), candidates.double(), temperature)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert anchors.grad.isfinite().all()


def loop_stable(anchors, candidates, temperature):
    unit = torch.nn.functional.normalize
    logits = unit(anchors) @ unit(candidates).T / temperature
    each = logits.logsumexp(1) - logits.diag()
    return each.mean().item(), each


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_reduced_in_float32(dtype):
    anchors, candidates = draw(64, 8).to(dtype), draw(64, 8, seed=1).to(dtype)
    found = infonce(anchors, candidates, temperature=0.01)
    expected = infonce(anchors.double(), candidates.double(), temperature=0.01)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_autocast_does_not_round_the_similarities():
    anchors, candidates = draw(64, 8).float(), draw(64, 8, seed=1).float()
    expected = infonce(anchors, candidates, temperature=0.01)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert infonce(anchors, candidates, temperature=0.01) == expected


def test_one_pair_has_nothing_to_choose_from():
    anchors = draw(1, 3).requires_grad_()
    loss = infonce(anchors, draw(1, 3, seed=1), temperature=0.1)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-14)
    assert anchors.grad.abs().max() < 1e-14


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_without_any_positive_the_loss_is_zero_with_zero_gradient(reduction):
    anchors, candidates = draw(2, 3).requires_grad_(), draw(2, 3, seed=1)
    relations = {
        "positives": Same(ids(0, 0), ids(1, 1)),
        "excluded": Same(ids(0, 1), ids(0, 0)),  # everything, for the first anchor
    }
    loss = infonce(anchors, candidates, temperature=0.1, reduction=reduction, **relations)
    loss.backward()
    assert loss.item() == 0
    assert anchors.grad.tolist() == torch.zeros(2, 3).tolist()


def test_an_anchor_without_positive_is_left_out_of_the_mean():
    anchors, candidates = draw(3, 3), draw(3, 3, seed=1)
    some = infonce(anchors, candidates, temperature=0.5, positives=Same(ids(0, 1, 9), ids(0, 1, 2)))
    first = infonce(anchors[:2], candidates, temperature=0.5)
    torch.testing.assert_close(some, first, rtol=1e-14, atol=0)


def test_an_empty_batch_gives_zero():
    assert infonce(draw(0, 3), draw(0, 3), temperature=0.5).item() == 0


def test_zero_and_equal_rows_are_no_nan():
    anchors = torch.zeros(3, 4, requires_grad=True)
    loss = infonce(anchors, torch.ones(3, 4), temperature=0.1)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(3))
    assert anchors.grad.isfinite().all()


def test_nan_in_gives_nan_out():
    anchors = draw(3, 4)
    anchors[1, 1] = torch.nan
    assert infonce(anchors, draw(3, 4), temperature=0.1).isnan()


def test_reductions_agree():
    anchors, candidates = draw(5, 3), draw(5, 3, seed=1)
    each = infonce(anchors, candidates, temperature=0.1, reduction="none")
    total = infonce(anchors, candidates, temperature=0.1, reduction="sum")
    mean = infonce(anchors, candidates, temperature=0.1)
    assert each.shape == (5,)
    torch.testing.assert_close(each.sum(), total)
    torch.testing.assert_close(each.mean(), mean)


def test_the_module_reads_the_form():
    anchors, candidates = draw(4, 3), draw(4, 3, seed=1)
    same = Same(ids(0, 1, 2, 3), ids(0, 1, 1, 3))
    found = InfoNCE(0.2)(Pairs(anchors, candidates, positives=same, excluded=same))
    expected = infonce(anchors, candidates, temperature=0.2, positives=same, excluded=same)
    assert found == expected


@pytest.mark.parametrize(
    ("anchors", "candidates", "temperature", "said"),
    [
        ((3, 4), (3, 5), 0.1, r"\(3, 4\) and \(3, 5\)"),
        ((3,), (3,), 0.1, r"must be \(N, D\) and \(M, D\)"),
        ((4, 2), (3, 2), 0.1, "got 4 anchors and 3 candidates"),
        ((2, 2), (2, 2), 0.0, "temperature must be > 0, got 0.0"),
        ((2, 2), (2, 2), math.nan, "temperature must be > 0, got nan"),
    ],
)
def test_what_cannot_be_compared_is_refused(anchors, candidates, temperature, said):
    with pytest.raises(ValueError, match=said):
        infonce(torch.ones(anchors), torch.ones(candidates), temperature=temperature)


KINDS = "info_nce", "info_nce_symmetric"
CASES = [case for kind in KINDS for case in vector_cases(__file__, "objectives_two_tower", kind)]


@pytest.mark.parametrize("case", CASES)
def test_infonce_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    if dtype == torch.float32 and p["tau"] < 0.01:
        pytest.skip("the loss is a difference of logits of 1000, which float32 cannot resolve")
    rows = {
        name: tensors(case, f"inputs.{name}", dtype=dtype, requires_grad=True)[0]
        for name in case["inputs"]
    }
    loss = infonce(
        rows["q"],
        torch.cat([row for name, row in rows.items() if name != "q"]),
        temperature=p["tau"],
        normalize=p.get("normalize", True),
        symmetric=case["loss"] == "info_nce_symmetric",
    )
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    for name, expected in case["expected"]["grad"].items():
        assert_vector(rows[name].grad, expected, f"grad of {name}")


def test_the_symmetric_loss_is_the_mean_of_both_ways():
    a, k = draw(5, 3), draw(5, 3, seed=1)
    ways = [infonce(*way, temperature=0.2, reduction="none") for way in ((a, k), (k, a))]
    each = infonce(a, k, temperature=0.2, symmetric=True, reduction="none")
    torch.testing.assert_close(each, torch.stack(ways).mean(0))
    for reduction in ("mean", "sum"):
        found = infonce(a, k, temperature=0.2, symmetric=True, reduction=reduction)
        torch.testing.assert_close(found, getattr(each, reduction)())


def test_a_queue_competes_with_the_candidates_and_looks_for_nobody():
    a, k, queue = draw(4, 3), draw(4, 3, seed=1), draw(7, 3, seed=2)
    found = infonce(a, torch.cat((k, queue)), temperature=0.2, symmetric=True)
    ahead = infonce(a, torch.cat((k, queue)), temperature=0.2)
    torch.testing.assert_close(found, (ahead + infonce(k, a, temperature=0.2)) / 2)


@pytest.mark.parametrize("related", [False, True])
def test_excluded_pairs_leave_both_ways(related):
    a, k = draw(4, 3), draw(4, 3, seed=1)
    options = {"temperature": 0.2, "excluded": Same(ids(5, 6, 6, 7), ids(5, 6, 6, 5))}
    turned = {"temperature": 0.2, "excluded": Same(ids(5, 6, 6, 5), ids(5, 6, 6, 7))}
    if related:
        options["positives"] = Same(ids(0, 1, 1, 9), ids(0, 0, 1, 2))
        turned["positives"] = Same(ids(0, 0, 1, 2), ids(0, 1, 1, 9))
    ways = infonce(a, k, **options) + infonce(k, a, **turned)
    torch.testing.assert_close(infonce(a, k, **options, symmetric=True), ways / 2)


def test_related_pairs_both_ways_have_no_common_rows():
    same = Same(ids(0, 1), ids(0, 0, 1))
    with pytest.raises(ValueError, match="use mean or sum"):
        infonce(
            draw(2, 3), draw(3, 3), temperature=1, positives=same, symmetric=True, reduction="none"
        )


@pytest.mark.parametrize("related", [False, True])
def test_hard_negatives_compete_for_their_own_anchor_alone(related):
    a, k, hard = draw(3, 4), draw(3, 4, seed=1), draw(3, 2, 4, seed=2)
    options = {"positives": Same(ids(0, 1, 2), ids(0, 1, 2))} if related else {}
    each = infonce(a, k, temperature=0.3, negatives=hard, **options, reduction="none")
    for i in range(3):
        candidates = torch.cat((k[[i]], k[torch.arange(3) != i], hard[i]))
        expected = infonce(a[[i]], candidates, temperature=0.3)
        torch.testing.assert_close(each[i], expected)
    found = infonce(a, k, temperature=0.3, negatives=hard, **options)
    torch.testing.assert_close(found, each.mean())


def test_no_hard_negatives_change_nothing():
    a, k = draw(3, 4).requires_grad_(), draw(3, 4, seed=1)
    found = infonce(a, k, temperature=0.3, negatives=draw(3, 0, 4))
    torch.testing.assert_close(found, infonce(a, k, temperature=0.3))
    everything = Same(ids(0, 0, 0), ids(0, 0, 0))
    options = {"positives": everything, "excluded": everything, "negatives": draw(3, 0, 4)}
    infonce(a, k, temperature=0.3, **options).backward()
    assert a.grad.tolist() == torch.zeros(3, 4).tolist()


def test_the_gradient_reaches_hard_negatives_both_ways_and_the_temperature():
    inputs = draw(3, 4), draw(4, 4, seed=1), draw(3, 2, 4, seed=2), torch.tensor(0.3).double()

    def both(a, k, hard, temperature):
        options = {"temperature": temperature, "negatives": hard, "symmetric": True}
        plain = infonce(a, k, temperature=temperature)
        excluded = Same(ids(0, 1, 1), ids(0, 1, 1, 1))
        return plain + infonce(a, k, **options) + infonce(a, k, **options, excluded=excluded)

    assert torch.autograd.gradcheck(both, [x.requires_grad_() for x in inputs])


@pytest.mark.parametrize("symmetric", [False, True])
def test_many_pairs_by_tiles_equal_cross_entropy(symmetric):
    a, k = draw(150, 4).requires_grad_(), draw(200, 4, seed=1).requires_grad_()
    logits = (a / a.norm(dim=1, keepdim=True)) @ (k / k.norm(dim=1, keepdim=True)).T / 0.1
    entropy, target = torch.nn.functional.cross_entropy, torch.arange(150)
    expected = entropy(logits, target)
    if symmetric:
        expected = (expected + entropy(logits.T[:150], target)) / 2
    loss = infonce(a, k, temperature=0.1, symmetric=symmetric)
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)
    gradients = [torch.autograd.grad(each, (a, k)) for each in (loss, expected)]
    for found, wanted in zip(*gradients, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-14)


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match="reduction must be mean, sum or none, got 'avg'"):
        infonce(draw(4, 3), draw(4, 3, seed=1), temperature=0.5, reduction="avg")


def test_rows_may_be_taken_as_they_are():
    a, k = draw(4, 3), draw(5, 3, seed=1)
    expected = torch.nn.functional.cross_entropy(a @ k.T / 0.5, torch.arange(4))
    torch.testing.assert_close(infonce(a, k, temperature=0.5, normalize=False), expected)


def test_the_module_learns_its_temperature_within_bounds():
    module = InfoNCE(temperature=0.07, symmetric=True, learn_temperature=True)
    form = Pairs(draw(4, 3).float(), draw(4, 3, seed=1).float())
    expected = infonce(form.anchors, form.candidates, temperature=0.07, symmetric=True)
    loss = module(form)
    loss.backward()
    torch.testing.assert_close(loss, expected)
    assert module.temperature.log_scale.grad.abs() > 0
    with torch.no_grad():
        module.temperature.log_scale.fill_(7.0)
    module(form)
    assert module.temperature.log_scale.item() == pytest.approx(math.log(100))
    assert not list(InfoNCE(0.1).parameters())


@pytest.mark.parametrize("shape", [(2, 3), (3, 1, 4), (2, 1, 3)])
def test_hard_negatives_of_other_anchors_are_refused(shape):
    with pytest.raises(ValueError, match=r"negatives must be \(3, H, 3\)"):
        infonce(torch.ones(3, 3), torch.ones(3, 3), temperature=1, negatives=torch.ones(shape))
