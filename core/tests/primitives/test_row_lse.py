import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck
from torch.nn.functional import normalize

from contrast.forms import Apart, Differ, Same
from contrast.primitives import row_lse as module
from contrast.primitives import tiles
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import LogWeight, LowRank, Mask, OffDiagonal
from contrast.primitives.weights import ready

N, M, D = 11, 13, 4
SIZES = [1.0, 6.0]  # scores up to 40 need no shift; beyond, a running maximum is kept
IDS, OTHERS = torch.arange(N) % 3, torch.arange(M) % 4
GROUPS, OTHER_GROUPS = torch.stack((IDS, IDS % 2)), torch.stack((OTHERS, OTHERS % 2))
ALLOWED = torch.arange(N * M).view(N, M) % 3 == 0


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(tiles, "CPU_TILE", (3, 5))
    monkeypatch.setattr(module, "SMALL", 0)
    monkeypatch.setattr(module, "KEPT", 0)


def rows(n, size=1.0, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, D, generator=generator, dtype=torch.float64).mul(size).to(dtype)


def off(offset):
    return torch.arange(M) - torch.arange(N)[:, None] != offset


WEIGHTS = {
    "all": ((), torch.ones(N, M)),
    "self": ((OffDiagonal(),), off(0)),
    "offsets": ((OffDiagonal((2, -3)),), off(2) & off(-3)),
    "same": ((Same(IDS, OTHERS),), IDS[:, None] == OTHERS),
    "differ": ((Differ(IDS, OTHERS), OffDiagonal()), (IDS[:, None] != OTHERS) & off(0)),
    "apart": (
        (Apart(GROUPS, OTHER_GROUPS),),
        (GROUPS[:, :, None] != OTHER_GROUPS[:, None]).sum(0),
    ),
    "mask": ((Mask(ALLOWED), Differ(IDS, OTHERS)), ALLOWED & (IDS[:, None] != OTHERS)),
}


def formula(a, k, weight, t=1.0, score="inner"):
    s = a @ k.T if score == "inner" else -(a[:, None] - k).square().sum(2)
    t = torch.as_tensor(t, dtype=a.dtype).expand(len(a))
    weight = weight.to(a.dtype)
    x = s / t[:, None] + torch.where(weight > 0, weight, 1).log()
    x = x.masked_fill(weight == 0, -math.inf)
    lse = safe_logsumexp(x, 1)
    p = (x - lse.masked_fill(lse == -math.inf, 0)[:, None]).exp()
    return lse, (p * s).sum(1), safe_logsumexp(x, 0)


def safe_logsumexp(x, dim):
    empty = (x == -math.inf).all(dim)
    return x.masked_fill(empty.unsqueeze(dim), 0).logsumexp(dim).masked_fill(empty, -math.inf)


def close(found, expected, tolerance=1e-9):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def gradients(outputs, inputs):
    """The gradients of a weighting of all finite outputs."""
    total = 0
    for n, y in enumerate(outputs):
        total = total + (y.masked_fill(y == -math.inf, 0) * rows(len(y), seed=n)[:, 0]).sum()
    return torch.autograd.grad(total, inputs, retain_graph=True)


def test_only_scores_that_may_overflow_or_have_log_weights_are_shifted():
    unit = normalize(rows(N))
    logs = ready((LogWeight(torch.zeros(N, N)),), (N, N), unit)
    found = [tiles.Tiles(unit, unit, ready((), (N, N), unit), scale).bounded for scale in (39, 41)]
    assert [*found, tiles.Tiles(unit, unit, logs, 1.0).bounded] == [True, False, False]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", WEIGHTS)
def test_all_statistics_and_gradients_follow_the_formula(name, size):
    structures, weight = WEIGHTS[name]
    a, k = rows(N, size).requires_grad_(), rows(M, size, seed=1).requires_grad_()
    t = torch.linspace(0.7, 1.3, N, dtype=torch.float64).requires_grad_()
    found = row_lse(a, k, temperature=t, weights=structures, moment=True, columns=True)
    found = (found.lse, found.moment, found.column_lse)
    expected = formula(a, k, weight, t)
    close(found, expected)
    close(gradients(found, (a, k, t)), gradients(expected, (a, k, t)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("options", [{}, {"moment": True}, {"columns": True}])
def test_each_choice_of_statistics_has_the_gradients_of_the_formula(options, size):
    a, k = rows(N, size).requires_grad_(), rows(M, size, seed=1).requires_grad_()
    found = row_lse(a, k, temperature=0.8, weights=(Same(IDS, OTHERS),), **options)
    expected = formula(a, k, IDS[:, None] == OTHERS, 0.8)
    kept = [y for y in (found.lse, found.moment, found.column_lse) if y is not None]
    wanted = [expected[0]] + [expected[1 if "moment" in options else 2]] * bool(options)
    close(kept, wanted)
    close(gradients(kept, (a, k)), gradients(wanted, (a, k)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kept", [0, 10**6])
@pytest.mark.parametrize("used", [[0], [1], [2]])
@pytest.mark.parametrize("moment", [False, True])
def test_statistics_that_are_not_used_need_no_gradient(used, moment, kept, size, monkeypatch):
    if used == [1] and not moment:
        pytest.skip("there is no moment to use")
    monkeypatch.setattr(module, "KEPT", kept)
    a, k = rows(N, size).requires_grad_(), rows(M, size, seed=1).requires_grad_()
    found = row_lse(a, k, weights=(OffDiagonal(),), moment=moment, columns=True)
    found = (found.lse, found.moment, found.column_lse)
    expected = formula(a, k, off(0))
    close(
        gradients([found[i] for i in used], (a, k)),
        gradients([expected[i] for i in used], (a, k)),
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("structures", "weight"),
    [
        ((), torch.ones(N, N)),
        ((OffDiagonal(),), ~torch.eye(N, dtype=torch.bool)),
        ((Differ(IDS, IDS),), IDS[:, None] != IDS),
        ((OffDiagonal((0, 4, -4)), Apart(GROUPS, GROUPS)), None),
    ],
)
def test_rows_against_themselves_use_half_the_tiles(structures, weight, size):
    if weight is None:
        distance = (torch.arange(N) - torch.arange(N)[:, None]).abs()
        weight = (GROUPS[:, :, None] != GROUPS[:, None]).sum(0) * (
            (distance != 0) & (distance != 4)
        )
    z = rows(N, size).requires_grad_()
    t = torch.tensor(0.9, dtype=torch.float64, requires_grad=True)
    found = row_lse(z, temperature=t, weights=structures, columns=True)
    expected = formula(z, z, weight, t)[0]
    close(found.lse, expected)
    assert found.column_lse is found.lse
    close(gradients([found.lse], (z, t)), gradients([expected], (z, t)))


@pytest.mark.parametrize("kept", [0, 10**6])
@pytest.mark.parametrize("size", [0.1, *SIZES])
@pytest.mark.parametrize(
    ("structures", "weight"),
    [
        ((), torch.ones(N, N)),
        ((OffDiagonal(),), ~torch.eye(N, dtype=torch.bool)),
        ((Differ(IDS, IDS),), IDS[:, None] != IDS),
    ],
)
def test_distances_of_rows_from_one_another_use_half_the_tiles(
    structures, weight, size, kept, monkeypatch
):
    monkeypatch.setattr(module, "KEPT", kept)
    z = (7 + rows(N, size)).requires_grad_()
    t = torch.tensor(0.9, dtype=torch.float64, requires_grad=True)
    found = row_lse(z, temperature=t, score="distance", weights=structures, columns=True)
    expected = formula(z, z, weight, t, score="distance")[0]
    close(found.lse, expected)
    assert found.column_lse is found.lse
    close(gradients([found.lse], (z, t)), gradients([expected], (z, t)))


def test_distances_far_beyond_single_precision_stay_finite():
    z = rows(N, 1e5, dtype=torch.float32).requires_grad_()
    found = row_lse(z, score="distance").lse
    found.sum().backward()
    assert found.isfinite().all()
    assert z.grad.isfinite().all()


@pytest.mark.parametrize(
    "options",
    [
        {"moment": True},
        {"score": "distance"},
        {"temperature": torch.linspace(0.5, 2, N, dtype=torch.float64)},
        {"weights": (OffDiagonal((1,)),)},
    ],
)
def test_what_is_not_symmetric_takes_all_tiles_with_the_same_result(options):
    z = rows(N).requires_grad_()
    alone, both = row_lse(z, **options), row_lse(z, z, **options)
    close(alone.lse, both.lse)
    close(gradients([alone.lse], z), gradients([both.lse], z))


@pytest.mark.parametrize("far", [0.0, 1e4])
def test_distances_are_squared_euclidean_wherever_the_origin_is(far):
    a, k = (rows(N) + far).requires_grad_(), (rows(M, seed=1) + far).requires_grad_()
    found = row_lse(a, k, temperature=0.5, score="distance", moment=True, columns=True)
    found = (found.lse, found.moment, found.column_lse)
    expected = formula(a, k, torch.ones(N, M), 0.5, score="distance")
    close(found, expected, 1e-7)
    close(gradients(found, (a, k)), gradients(expected, (a, k)), 1e-7)


def low_rank():
    parts = (rows(N, seed=2), rows(M, seed=3), rows(1, seed=4)[0], rows(1, seed=5)[0, 0])
    return [part.requires_grad_() for part in parts]


def sigmoid_of_tanh(r, c, v, b):
    return torch.sigmoid(torch.tanh(r[:, None] + c) @ v + b)


@pytest.mark.parametrize("options", [{}, {"columns": True}, {"moment": True, "columns": True}])
def test_learnt_weights_get_their_gradients(options):
    a, k, parts = rows(N).requires_grad_(), rows(M, seed=1).requires_grad_(), low_rank()
    found = row_lse(a, k, weights=(LowRank(*parts), OffDiagonal()), **options)
    lse, moment, columns = formula(a, k, sigmoid_of_tanh(*parts) * off(0))
    kept = [y for y in (found.lse, found.moment, found.column_lse) if y is not None]
    wanted = [lse] + [moment] * options.get("moment", False) + [columns] * bool(options)
    close(kept, wanted)
    close(gradients(kept, (a, k, *parts)), gradients(wanted, (a, k, *parts)))


def test_log_weights_may_be_minus_infinity_for_entries_rows_and_columns():
    values = rows(N * M)[:, 0].view(N, M).clone()
    values[2], values[:, 4], values[5, 6] = -math.inf, -math.inf, -math.inf
    a, k = rows(N).requires_grad_(), rows(M, seed=1).requires_grad_()
    values.requires_grad_()
    found = row_lse(a, k, weights=(LogWeight(values),), moment=True)
    lse, moment, _ = formula(a, k, values.detach().exp())
    close((found.lse, found.moment), (lse, moment))
    for part in gradients((found.lse, found.moment), (a, k, values)):
        assert part.isfinite().all()
    assert found.lse[2] == -math.inf


def inputs_for_gradcheck():
    return (
        rows(5).requires_grad_(),
        rows(7, seed=1).requires_grad_(),
        torch.linspace(0.6, 1.4, 5, dtype=torch.float64).requires_grad_(),
    )


def three(a, k, t):
    found = row_lse(a, k, temperature=t, weights=(OffDiagonal((1,)),), moment=True, columns=True)
    return found.lse, found.moment, found.column_lse


def test_gradcheck_and_the_gradient_of_the_gradient():
    assert gradcheck(three, inputs_for_gradcheck())
    assert gradgradcheck(three, inputs_for_gradcheck())


def test_gradcheck_of_rows_against_themselves():
    def alone(z, t):
        return row_lse(z, temperature=t, weights=(OffDiagonal(),)).lse

    inputs = (rows(7).requires_grad_(), torch.tensor(0.7, dtype=torch.float64, requires_grad=True))
    assert gradcheck(alone, inputs)
    assert gradgradcheck(alone, inputs)


@settings(max_examples=15, deadline=None)
@given(height=st.integers(1, 9), width=st.integers(1, 9), seed=st.integers(0, 99))
def test_the_result_does_not_depend_on_the_size_of_tiles(height, width, seed):
    a, k = rows(N, 2, seed, torch.float32), rows(M, 2, seed + 1, torch.float32)
    results = []
    for shape in ((height, width), (64, 64)):
        tiles.CPU_TILE = shape
        x, y = a.clone().requires_grad_(), k.clone().requires_grad_()
        lse = row_lse(x, y, temperature=0.3, weights=(OffDiagonal(),)).lse
        results.append((lse.detach(), *torch.autograd.grad(lse.mean(), (x, y))))
    close(results[0], results[1], 1e-5)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999))
def test_the_order_of_rows_changes_nothing(seed):
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(N, generator=generator)
    z = rows(N, seed=seed)
    straight = row_lse(z, weights=(Differ(IDS, IDS),)).lse
    ids = IDS[order]
    close(row_lse(z[order], weights=(Differ(ids, ids),)).lse, straight[order])


@pytest.mark.parametrize("t", [1e-3, 0.02, 1.0, 1e3])
@pytest.mark.parametrize("kind", ["random", "equal", "antipodal", "zero"])
def test_extremes_stay_finite_and_near_float64(kind, t):
    z = normalize(rows(N, dtype=torch.float32), dim=1)
    z = {"random": z, "equal": z[:1].repeat(N, 1), "zero": z * 0}.get(
        kind, torch.cat((z[:5], -z[:5], z[:1]))
    )
    for weights in ((OffDiagonal(),), (OffDiagonal(), Differ(IDS, IDS))):
        x = z.clone().requires_grad_()
        exact = z.double().requires_grad_()
        for candidates, same in ((None, None), (x, exact)):
            lse = row_lse(x, candidates, temperature=t, weights=weights, columns=True)
            wide = row_lse(exact, same, temperature=t, weights=weights, columns=True)
            for name in ("lse", "column_lse"):
                expected = getattr(wide, name)
                torch.testing.assert_close(
                    getattr(lse, name).double(), expected, rtol=1e-5, atol=1e-5
                )
            found = torch.autograd.grad((lse.lse + lse.column_lse).sum(), x)[0]
            expected = torch.autograd.grad((wide.lse + wide.column_lse).sum(), exact)[0]
            assert found.isfinite().all()
            assert (found.double() - expected).abs().max() <= 2e-4 * max(expected.abs().max(), 1)


def test_a_single_row_without_itself_is_minus_infinity_with_zero_gradient():
    for size in SIZES:
        z = rows(1, size).requires_grad_()
        for candidates in (None, z):
            found = row_lse(z, candidates, weights=(OffDiagonal(),))
            assert found.lse.tolist() == [-math.inf]
            assert torch.autograd.grad(found.lse.sum(), z)[0].abs().max() == 0


@pytest.mark.parametrize("small", [0, N * M])
def test_rows_without_any_weight_have_no_value_and_no_gradient(small, monkeypatch):
    monkeypatch.setattr(module, "SMALL", small)
    for size in SIZES:
        a, k = rows(N, size).requires_grad_(), rows(M, size, seed=1).requires_grad_()
        ids = torch.where(torch.arange(N) == 3, 99, 0)
        weights = (Same(ids, torch.zeros(M, dtype=torch.long)),)
        found = row_lse(a, k, weights=weights, moment=True)
        assert found.lse[3] == -math.inf
        assert found.moment[3] == 0
        da, _ = torch.autograd.grad(found.lse[3] + found.moment[3], (a, k))
        assert da.abs().max() == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_float32(dtype):
    a, k = rows(N, dtype=dtype).requires_grad_(), rows(M, seed=1, dtype=dtype).requires_grad_()
    found = row_lse(a, k, temperature=0.2).lse
    assert found.dtype == torch.float32
    close(found.double(), formula(a.double(), k.double(), torch.ones(N, M), 0.2)[0], 1e-5)
    da, _ = torch.autograd.grad(found.mean(), (a, k))
    assert da.dtype == dtype
    assert da.isfinite().all()
    with torch.autocast("cpu", torch.bfloat16):
        close(row_lse(a.float(), k.float(), temperature=0.2).lse, found, 1e-6)


def test_strided_rows_are_read_as_they_are():
    a, k = rows(2 * N)[::2], rows(M, seed=1).T.contiguous().T
    close(row_lse(a, k).lse, row_lse(a.contiguous(), k.contiguous()).lse)


def test_candidates_of_a_queue_need_no_gradient():
    a, k = rows(N).requires_grad_(), rows(M, seed=1)
    lse = row_lse(a, k).lse
    close(torch.autograd.grad(lse.sum(), a), gradients_of_sum(a, k))


def gradients_of_sum(a, k):
    return torch.autograd.grad(formula(a, k, torch.ones(N, M))[0].sum(), (a,))


def test_local_anchors_among_gathered_candidates_take_an_offset():
    z = rows(M).requires_grad_()
    whole = row_lse(z, weights=(OffDiagonal(),)).lse
    parts = [
        row_lse(z[start:stop], z, weights=(OffDiagonal((start,)),)).lse
        for start, stop in ((0, 4), (4, M))
    ]
    close(torch.cat(parts), whole)
    close(gradients([torch.cat(parts)], z), gradients([whole], z))


def test_nan_in_one_row_stays_nan():
    a, k = rows(N), rows(M, seed=1)
    a[2] = math.nan
    lse = row_lse(a, k).lse
    assert lse.isnan().tolist() == [i == 2 for i in range(N)]


def test_small_problems_give_the_same(monkeypatch):
    a, k = rows(N).requires_grad_(), rows(M, seed=1).requires_grad_()
    tiled = three(a, k[:M], torch.ones(N, dtype=torch.float64))
    monkeypatch.setattr(module, "SMALL", 10**6)
    whole = three(a, k, torch.ones(N, dtype=torch.float64))
    close(tiled, whole)
    close(gradients(tiled, (a, k)), gradients(whole, (a, k)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("symmetric", [False, True])
def test_kept_exponentials_give_the_same_however_often_they_are_used(size, symmetric, monkeypatch):
    a, k = rows(N, size).requires_grad_(), rows(M, size, seed=1).requires_grad_()
    weights = (Differ(IDS, IDS) if symmetric else Same(IDS, OTHERS), OffDiagonal())
    inputs = (a,) if symmetric else (a, k)

    def of(columns):
        found = row_lse(*inputs, temperature=0.5, weights=weights, columns=columns)
        values = [found.lse, found.column_lse] if columns else [found.lse]
        return values, found

    for columns in (False, True):
        monkeypatch.setattr(module, "KEPT", 0)
        by_tiles, _ = of(columns)
        monkeypatch.setattr(module, "KEPT", 4 * N * M)
        kept, found = of(columns)
        assert type(found.lse.grad_fn).__name__ == "_KeptBackward"
        close(kept, by_tiles)
        for _ in range(2):
            close(gradients(kept, inputs), gradients(by_tiles, inputs))
    close(gradients(kept[1:], inputs), gradients(by_tiles[1:], inputs))  # columns without rows


@pytest.mark.parametrize("symmetric", [False, True])
def test_kept_exponentials_give_way_to_a_graph_of_the_gradient(symmetric, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 4 * N * M)

    def loss(*given):
        found = row_lse(*given, weights=(OffDiagonal(),), columns=True)
        return found.lse.sum() - 2 * found.column_lse.cos().sum()

    inputs = [rows(5).requires_grad_(), rows(7, seed=1).requires_grad_()][: 2 - symmetric]
    assert gradcheck(loss, inputs)
    assert gradgradcheck(loss, inputs)


def test_no_candidates_and_no_anchors_are_allowed():
    assert row_lse(rows(2), rows(0)).lse.tolist() == [-math.inf] * 2
    assert row_lse(rows(0), rows(2)).lse.shape == (0,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature must be > 0"),
        ({"temperature": torch.ones(3)}, "one for each of 11 anchors"),
        ({"weights": (Same(IDS, IDS),)}, r"Same is of \(11, 11\) pairs"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        row_lse(rows(N), rows(M), **options)
    with pytest.raises(ValueError, match=r"\(N, D\) and \(M, D\)"):
        row_lse(rows(N), rows(M)[:, :2])
