"""The kernels in Triton's interpreter, or on CUDA where there is one, against the plain formula."""

import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn.functional import normalize

from contrast.forms import Apart, Differ, Same
from contrast.primitives import kernels
from contrast.primitives.lse_sum import lse_sum
from contrast.primitives.plain import Plan, plain
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import LogWeight, LowRank, Mask, OffDiagonal
from contrast.primitives.weights import ready

pytestmark = pytest.mark.usefixtures("interpreted")

# Sizes that no tile of 16 divides; D spans two blocks of features.
N, M, D = 21, 37, 20
TOLERANCE = {  # of the largest entry; halves hold exponentials and rows to 11 and 8 bits
    torch.float64: 1e-9,
    torch.float32: 1e-5,
    torch.float16: 2e-3,
    torch.bfloat16: 2e-2,
}
WAYS = pytest.mark.parametrize(
    ("dtype", "fused"),
    [(d, fused) for d in TOLERANCE for fused in (True, False) if fused or d.itemsize > 2],
    indirect=["fused"],
    ids=lambda value: {True: "fused", False: "library"}.get(
        value, str(value).removeprefix("torch.")
    ),
)
WAY = pytest.mark.parametrize("fused", [True, False], indirect=True, ids=["fused", "library"])
IDS, OTHERS = torch.arange(N) % 3, torch.arange(M) % 4
GROUPS, OTHER_GROUPS = torch.stack((IDS, IDS % 2)), torch.stack((OTHERS, OTHERS % 2))
ALLOWED = torch.arange(N * M).view(N, M) % 3 == 0
EMPTY = torch.where(torch.arange(N) == 5, 99, IDS)


def rows(n, dtype=torch.float64, seed=0, size=1.0, width=D):
    generator = torch.Generator().manual_seed(seed)
    found = torch.randn(n, width, generator=generator, dtype=torch.float64) * size
    return found.to(dtype).requires_grad_()


WEIGHTS = {
    "all": (),
    "same, one row empty": (Same(EMPTY, OTHERS), OffDiagonal((0, 2, -7))),
    "apart and differ": (Apart(GROUPS, OTHER_GROUPS), Differ(IDS, OTHERS)),
    "mask and log-weights": (LogWeight(rows(N, width=M).detach()), Mask(ALLOWED)),
}


@pytest.fixture
def fused(request, interpreted, monkeypatch):
    """Kernels form the scores, or library products do; whatever the dtype has as its own."""
    everywhere = tuple(TOLERANCE) if getattr(request, "param", True) else ()
    monkeypatch.setattr(interpreted, "FUSED_DTYPES", everywhere)


def formula(a, k, structures, t=1.0, **options):
    """l, e and c in float64 from all pairs at once."""
    a, k = a.double(), k.double()
    t = torch.as_tensor(t, dtype=torch.float64)
    weights = ready(structures, (len(a), len(k)), a)
    rows = a / t.reshape(-1, 1)
    lse, moment, columns = plain(rows, k, Plan(weights, **options))
    return lse, None if moment is None else moment * t, columns


def gradients(outputs, inputs):
    """The gradients of a weighting of all finite outputs."""
    total = 0
    for n, y in enumerate(y for y in outputs if y is not None):
        weighting = rows(len(y), seed=n, width=1)[:, 0].detach()
        total = total + (y.double().masked_fill(y == -math.inf, 0) * weighting).sum()
    return torch.autograd.grad(total, inputs)


def close(found, expected, dtype):
    for x, y in zip(found, expected, strict=True):
        if y is None:
            assert x is None
            continue
        assert torch.equal(x == -math.inf, y == -math.inf)
        x, y = (z.double().masked_fill(z == -math.inf, 0) for z in (x, y))
        assert (x - y).abs().max() <= TOLERANCE[dtype] * max(y.abs().max(), 1e-30)


def leaves(*tensors):
    """The same values in float64, to be differentiated."""
    return [t.detach().double().requires_grad_() for t in tensors]


@WAYS
@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("per_row", [False, True])
def test_all_statistics_and_gradients_follow_the_formula(name, dtype, per_row, fused):
    options = {"moment": per_row, "columns": True}
    inputs = [rows(N, dtype), rows(M, dtype, seed=1)]
    if per_row:
        inputs.append(torch.linspace(0.7, 1.3, N, dtype=torch.float64).requires_grad_())
    exact = leaves(*inputs)
    t = inputs[2] if per_row else 0.8
    found = row_lse(*inputs[:2], temperature=t, weights=WEIGHTS[name], **options)
    found = (found.lse, found.moment, found.column_lse)
    expected = formula(*exact[:2], WEIGHTS[name], exact[2] if per_row else t, **options)
    close(found, expected, dtype)
    close(gradients(found, inputs), gradients(expected, exact), dtype)


@WAYS
@pytest.mark.parametrize("name", WEIGHTS)
def test_rows_alone_fold_their_factor_into_the_rows(name, dtype, fused):
    inputs = rows(N, dtype), rows(M, dtype, seed=1)
    exact = leaves(*inputs)
    found = row_lse(*inputs, temperature=0.8, weights=WEIGHTS[name]).lse
    expected = formula(*exact, WEIGHTS[name], 0.8)[0]
    close([found], [expected], dtype)
    close(gradients([found], inputs), gradients([expected], exact), dtype)


@WAYS
@pytest.mark.parametrize(
    "structures",
    [(), (OffDiagonal(),), (Differ(IDS, IDS), OffDiagonal((0, 4, -4))), (Apart(GROUPS, GROUPS),)],
)
def test_rows_against_themselves_take_half_the_pairs(structures, dtype, fused):
    z, t = rows(N, dtype), torch.tensor(0.9, dtype=torch.float64, requires_grad=True)
    exact = leaves(z, t)
    found = row_lse(z, temperature=t, weights=structures, columns=True)
    assert found.column_lse is found.lse
    expected = formula(exact[0], exact[0], structures, exact[1])[0]
    close([found.lse], [expected], dtype)
    close(gradients([found.lse], (z, t)), gradients([expected], exact), dtype)


@WAYS
@pytest.mark.parametrize("size", [1.0, 6.0])  # scores above 40 are lowered to their row's peak
@pytest.mark.parametrize("name", WEIGHTS)
def test_the_sum_of_rows_forms_its_gradients_in_one_pass(name, size, dtype, fused):
    structures = WEIGHTS[name]
    c = torch.linspace(-1, 2, N, dtype=torch.float64).requires_grad_()
    t = torch.linspace(0.7, 1.3, N, dtype=torch.float64).requires_grad_()
    inputs = [rows(N, dtype, size=size), rows(M, dtype, seed=1, size=size), c, t]
    exact = leaves(*inputs)
    found = 3 * lse_sum(*inputs[:3], temperature=t, weights=structures, positive=3)
    lse, _, _ = formula(*exact[:2], structures, exact[3])
    positive = (exact[0] * exact[1][3 : N + 3]).sum(1) / exact[3]
    each = (lse - positive).masked_fill(lse == -math.inf, 0)
    expected = 3 * (exact[2] * each).sum()
    close([found[None]], [expected[None]], dtype)
    close(torch.autograd.grad(found, inputs), torch.autograd.grad(expected, exact), dtype)


@WAYS
def test_gradients_come_in_the_dtype_of_the_inputs_and_sums_in_float32(dtype, fused):
    a, k = rows(N, dtype), rows(M, dtype, seed=1)
    for loss in (lse_sum(a, k), row_lse(a, k).lse.mean(), row_lse(a).lse.mean()):
        assert loss.dtype == torch.promote_types(dtype, torch.float32)
        assert all(
            g is None or g.dtype == dtype
            for g in torch.autograd.grad(loss, (a, k), allow_unused=True)
        )


def test_an_upstream_gradient_may_keep_float16_from_underflow(fused):
    a, k = rows(N, torch.float16, size=1e-2), rows(M, torch.float16, seed=1, size=1e-2)
    exact = leaves(a, k)
    scale = 2.0**16
    mean, positive = formula(*exact, ())[0].mean(), (exact[0] * exact[1][:N]).sum(1).mean()
    for found, expected in (
        (lse_sum(a, k, positive=0), mean - positive),
        (row_lse(a, k).lse.mean(), mean),
    ):
        found = torch.autograd.grad(scale * found, (a, k))
        close(found, torch.autograd.grad(scale * expected, exact, retain_graph=True), torch.float16)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("t", [1e-3, 0.02, 1e3])
@pytest.mark.parametrize("kind", ["random", "equal", "antipodal", "zero"])
def test_extremes_stay_finite_and_near_float64(kind, t, dtype):
    z = normalize(rows(N).detach(), dim=1)
    z = {"random": z, "equal": z[:1].repeat(N, 1), "zero": z * 0}.get(
        kind, torch.cat((z[:10], -z[:10], z[:1]))
    )
    x = z.to(dtype).requires_grad_()
    (exact,) = leaves(x)
    for candidates, same in ((None, exact), (x, exact)):
        found = row_lse(x, candidates, temperature=t, weights=(OffDiagonal(),), columns=True)
        lse, _, columns = formula(exact, same, (OffDiagonal(),), t, columns=True)
        close((found.lse, found.column_lse), (lse, columns), torch.float32)
        grad = torch.autograd.grad((found.lse + found.column_lse).sum(), x)[0]
        expected = torch.autograd.grad((lse + columns).sum(), exact)[0]
        assert grad.isfinite().all()
        largest = max(expected.abs().max(), 1 / t)
        assert (grad.double() - expected).abs().max() <= 2 * TOLERANCE[dtype] * largest
    loss = lse_sum(x, x, temperature=t, weights=(OffDiagonal(),))
    assert torch.autograd.grad(loss, x)[0].isfinite().all()


@WAY
@pytest.mark.parametrize(
    ("shape", "width"), [((1, 1), 1), ((1, 40), 16), ((40, 1), 24), ((16, 16), 16), ((17, 33), 3)]
)
def test_any_size_and_width(shape, width, fused):
    a, k = rows(shape[0], width=width), rows(shape[1], seed=1, width=width)
    found = row_lse(a, k, columns=True)
    expected = formula(a, k, (), columns=True)
    close((found.lse, found.column_lse), (expected[0], expected[2]), torch.float64)
    pairs = gradients((found.lse,), (a, k)), gradients((expected[0],), (a, k))
    close(*pairs, torch.float64)


@WAY
def test_any_strides(fused):
    a, k = rows(2 * N)[::2], rows(D, seed=1, width=M).T
    close([row_lse(a, k).lse], [formula(a, k, ())[0]], torch.float64)
    one = rows(1).expand(N, D)
    close([lse_sum(one, k)[None]], [formula(one, k, ())[0].mean()[None]], torch.float64)
    ids = torch.stack((IDS, IDS), 1)[:, 0]
    wide = torch.zeros(N, 2 * M, dtype=torch.bool)
    wide[:, ::2] = ALLOWED
    structures = Differ(ids, OTHERS), Mask(wide[:, ::2])
    close([row_lse(a, k, weights=structures).lse], [formula(a, k, structures)[0]], torch.float64)


@WAYS
def test_a_single_row_without_itself_is_empty(dtype, fused):
    z = rows(1, dtype)
    for candidates in (None, z):
        found = row_lse(z, candidates, weights=(OffDiagonal(),), moment=candidates is not None)
        assert found.lse.tolist() == [-math.inf]
        assert torch.autograd.grad(found.lse.sum(), z)[0].abs().max() == 0
    found = lse_sum(z, z, weights=(OffDiagonal(),), positive=0)
    assert found == 0
    assert torch.autograd.grad(found, z)[0].abs().max() == 0


def test_log_weights_of_minus_infinity_exclude(fused):
    values = rows(N, width=M).detach()
    values[2], values[:, 4] = -math.inf, -math.inf
    structures = (LogWeight(values),)
    inputs = rows(N), rows(M, seed=1)
    exact = leaves(*inputs)
    found = row_lse(*inputs, weights=structures, moment=True)
    expected = formula(*exact, structures, moment=True)
    assert found.lse[2] == -math.inf
    close((found.lse, found.moment), expected[:2], torch.float64)
    for g in gradients((found.lse, found.moment), inputs):
        assert g.isfinite().all()


def test_nan_in_one_row_stays_nan(fused):
    a, k = rows(N).detach(), rows(M, seed=1)
    a[2] = math.nan
    assert row_lse(a, k).lse.isnan().tolist() == [i == 2 for i in range(N)]
    assert lse_sum(a, k).isnan()


def test_gradcheck_and_the_gradient_of_the_gradient(fused):
    def three(a, k, t):
        found = row_lse(
            a, k, temperature=t, weights=(OffDiagonal((1,)),), moment=True, columns=True
        )
        return found.lse, found.moment, found.column_lse

    def one(a, k, t, c):
        return lse_sum(a, k, c, temperature=t, weights=(OffDiagonal((2,)),), positive=1)

    def alone(z, t):
        return row_lse(z, temperature=t, weights=(OffDiagonal(),)).lse

    a, k = rows(2, width=2), rows(4, seed=1, width=2)
    t = torch.linspace(0.6, 1.4, 2, dtype=torch.float64).requires_grad_()
    c = torch.linspace(0.5, 2, 2, dtype=torch.float64).requires_grad_()
    for function, inputs in ((three, (a, k, t)), (one, (a, k, t, c)), (alone, (k, t[:1]))):
        assert gradcheck(function, inputs)
        assert gradgradcheck(function, inputs)
        found = function(*inputs)
        found = found if isinstance(found, tuple) else (found,)
        once, with_graph = (
            torch.autograd.grad(
                [y.sum() for y in found], inputs, create_graph=graph, retain_graph=True
            )
            for graph in (False, True)
        )
        torch.testing.assert_close(once, with_graph)


def test_strips_and_chunks_change_nothing_but_rounding(interpreted, monkeypatch):
    a, k = rows(N, torch.float32), rows(M, torch.float32, seed=1)
    results = []
    for height, chunk in ((16, 16), (32, 48), (128, 16384)):
        monkeypatch.setattr(interpreted, "HEIGHT", height)
        monkeypatch.setattr(interpreted, "CHUNK", chunk)
        loss = lse_sum(a, k, temperature=0.3, positive=0) + row_lse(a).lse.mean()
        results.append([loss[None].detach(), *torch.autograd.grad(loss, (a, k))])
    for other in results[1:]:
        close(other, results[0], torch.float32)


def test_the_same_call_gives_the_same_bits():
    a, k = rows(N, torch.float32), rows(M, torch.float32, seed=1)
    runs = [torch.autograd.grad(lse_sum(a, k, positive=0), (a, k)) for _ in range(2)]
    assert all(torch.equal(x, y) for x, y in zip(*runs, strict=True))


def test_no_gradient_takes_the_pass_that_stores_nothing():
    a, k = rows(N), rows(M, seed=1)
    with torch.no_grad():
        found = lse_sum(a, k, positive=0)
    close([found[None]], [lse_sum(a, k, positive=0)[None]], torch.float64)


def test_what_the_kernels_do_not_serve_goes_the_other_way():
    learnt = LogWeight(rows(N, width=M))
    low_rank = LowRank(*(rows(n) for n in (N, M)), rows(1)[0], rows(1)[0, 0])
    three = (Same(IDS, OTHERS),) * 3
    a = rows(N)
    assert kernels.serve(a)
    assert not kernels.serve(a, "distance")
    for weights in ((learnt,), (low_rank,), three):
        assert not kernels.serve(a, "inner", weights)
    with torch.no_grad():
        assert kernels.serve(a, "inner", (learnt,))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"Same is of \(21, 21\) pairs, the scores of \(21, 37\)"):
        row_lse(rows(N), rows(M), weights=(Same(IDS, IDS),))
    with pytest.raises(TypeError, match="weights must be structures such as `Same`, got Tensor"):
        lse_sum(rows(N), rows(M), weights=(ALLOWED,))
