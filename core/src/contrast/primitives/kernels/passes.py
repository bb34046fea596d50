"""The two passes over all pairs as kernels, and the correction of exponentials between them.

Each program writes what it alone knows: partial sums of its rows and columns, which are added up
afterwards, so that there are no atomics and every run gives the same bits.
"""

from __future__ import annotations

import triton
import triton.language as tl

from contrast.primitives.kernels.tile import counted, finite, scores


@triton.jit(do_not_specialize=["diagonal"])
def statistics(
    a, k, x, row_scale, n, m, scale, diagonal, D, a_stride, k_stride, x_stride,
    holes, row_ids, column_ids, row_ids_stride, column_ids_stride, allowed, logs, pairs_stride,
    start, out, out_stride, lift,
    peaks, totals, moments, column_peaks, column_totals, column_stride,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    FUSED: tl.constexpr, WIDEN: tl.constexpr, ACC: tl.constexpr, SCALED: tl.constexpr,
    HOLES: tl.constexpr, FIRST: tl.constexpr, FIRST_EQUAL: tl.constexpr,
    SECOND: tl.constexpr, SECOND_EQUAL: tl.constexpr, MASK: tl.constexpr, LOGS: tl.constexpr,
    STORE: tl.constexpr, STARTED: tl.constexpr, MOMENT: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Sums of w e^(x - peak) over each row of the tile, and if asked of w e^(x - peak) x.

    STORE keeps the exponentials, times `lift`; STARTED gives the peaks a lower limit; COLUMNS sums
    over each column too.
    Shapes:  peaks, totals, moments: (tiles across, n);  column_*: (tiles down, column_stride).
    """
    down, across = tl.program_id(0), tl.program_id(1)
    rows, columns = down * BM + tl.arange(0, BM), across * BN + tl.arange(0, BN)
    in_rows, in_columns = rows < n, columns < m
    s = scores(
        a, k, x, row_scale, rows, columns, n, m, scale, D, a_stride, k_stride, x_stride,
        BM, BN, BK, FUSED, WIDEN, ACC, SCALED,
    )  # fmt: skip
    y, weight = counted(
        s, rows, columns, n, m, diagonal,
        holes, row_ids, column_ids, row_ids_stride, column_ids_stride, allowed, logs, pairs_stride,
        HOLES, FIRST, FIRST_EQUAL, SECOND, SECOND_EQUAL, MASK, LOGS,
    )  # fmt: skip
    peak = tl.max(y, 1)
    if STARTED:
        peak = tl.maximum(peak, tl.load(start + rows, mask=in_rows, other=0.0))
    e = tl.exp(y - finite(peak)[:, None]) * weight
    at = across.to(tl.int64) * n + rows
    tl.store(peaks + at, peak, mask=in_rows)
    tl.store(totals + at, tl.sum(e, 1), mask=in_rows)
    if MOMENT:
        tl.store(moments + at, tl.sum(tl.where(weight > 0, e * s, 0.0), 1), mask=in_rows)
    if STORE:
        to = out + rows[:, None].to(tl.int64) * out_stride + columns[None, :]
        held = (e * lift).to(out.dtype.element_ty)
        tl.store(to, held, mask=in_rows[:, None] & in_columns[None, :])
    if COLUMNS:
        top = tl.max(y, 0)
        f = tl.exp(y - finite(top)[None, :]) * weight
        at = down.to(tl.int64) * column_stride + columns
        tl.store(column_peaks + at, top, mask=in_columns)
        tl.store(column_totals + at, tl.sum(f, 0), mask=in_columns)


@triton.jit(do_not_specialize=["diagonal"])
def gradients(
    a, k, x, row_scale, n, m, scale, diagonal, D, a_stride, k_stride, x_stride,
    holes, row_ids, column_ids, row_ids_stride, column_ids_stride, allowed, logs, pairs_stride,
    lse, factor, slope, column_lse, column_factor, out, out_stride, lift,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    FUSED: tl.constexpr, WIDEN: tl.constexpr, ACC: tl.constexpr, SCALED: tl.constexpr,
    HOLES: tl.constexpr, FIRST: tl.constexpr, FIRST_EQUAL: tl.constexpr,
    SECOND: tl.constexpr, SECOND_EQUAL: tl.constexpr, MASK: tl.constexpr, LOGS: tl.constexpr,
    FACTOR: tl.constexpr, SLOPE: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """p_ij (factor_i + slope_i x_ij) + q_ij column_factor_j of the tile, times `lift`.

    p = w e^(x - lse_i), q = w e^(x - column_lse_j); without FACTOR p alone. lse is +inf where a row
    (or column) is empty.
    """
    down, across = tl.program_id(0), tl.program_id(1)
    rows, columns = down * BM + tl.arange(0, BM), across * BN + tl.arange(0, BN)
    in_rows, in_columns = rows < n, columns < m
    s = scores(
        a, k, x, row_scale, rows, columns, n, m, scale, D, a_stride, k_stride, x_stride,
        BM, BN, BK, FUSED, WIDEN, ACC, SCALED,
    )  # fmt: skip
    y, weight = counted(
        s, rows, columns, n, m, diagonal,
        holes, row_ids, column_ids, row_ids_stride, column_ids_stride, allowed, logs, pairs_stride,
        HOLES, FIRST, FIRST_EQUAL, SECOND, SECOND_EQUAL, MASK, LOGS,
    )  # fmt: skip
    g = tl.exp(y - tl.load(lse + rows, mask=in_rows, other=float("inf"))[:, None]) * weight
    if FACTOR:
        f = tl.load(factor + rows, mask=in_rows, other=0.0)[:, None]
        if SLOPE:
            f += tl.load(slope + rows, mask=in_rows, other=0.0)[:, None] * s
        g = tl.where(weight > 0, g * f, 0.0)
    if COLUMNS:
        of = tl.load(column_lse + columns, mask=in_columns, other=float("inf"))[None, :]
        u = tl.load(column_factor + columns, mask=in_columns, other=0.0)[None, :]
        g += tl.exp(y - of) * weight * u
    to = out + rows[:, None].to(tl.int64) * out_stride + columns[None, :]
    held = (g * lift).to(out.dtype.element_ty)
    tl.store(to, held, mask=in_rows[:, None] & in_columns[None, :])


@triton.jit
def lower(out, out_stride, n, m, peaks, shift, BM: tl.constexpr, BN: tl.constexpr):
    """Bring stored exponentials from the peaks of their tiles down to one shift a row.

    A tile that stands at that shift already is not touched.
    """
    down, across = tl.program_id(0), tl.program_id(1)
    rows, columns = down * BM + tl.arange(0, BM), across * BN + tl.arange(0, BN)
    at = across.to(tl.int64) * n + rows
    peak = tl.load(peaks + at, mask=rows < n, other=0.0)
    by = tl.exp(peak - tl.load(shift + rows, mask=rows < n, other=0.0))
    if tl.min(by, 0) < 1:
        to = out + rows[:, None].to(tl.int64) * out_stride + columns[None, :]
        inside = (rows < n)[:, None] & (columns < m)[None, :]
        e = tl.load(to, mask=inside, other=0.0)
        tl.store(to, (e * by[:, None]).to(out.dtype.element_ty), mask=inside)
