"""What every kernel does with its tile: scores in registers, who counts, how much.

A program owns BM anchors and BN candidates. `FUSED` tiles form their scores themselves, from rows
of a and k in blocks of BK features; the others read what a library product has left in memory.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def scores(
    a, k, x, row_scale, rows, columns, n, m, scale,
    D, a_stride, k_stride, x_stride,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    FUSED: tl.constexpr, WIDEN: tl.constexpr, ACC: tl.constexpr, SCALED: tl.constexpr,
):  # fmt: skip
    """The tile of scale r_i <a_i, k_j>, (BM, BN); beyond n and m it holds anything."""
    inside_rows, inside_columns = rows < n, columns < m
    if FUSED:
        # Rows beyond the end read the first one again: a mask on the feature axis alone lets the
        # loads stay wide.
        own = tl.where(inside_rows, rows, 0).to(tl.int64)
        other = tl.where(inside_columns, columns, 0).to(tl.int64)
        features = tl.arange(0, BK)
        from_a = a + own[:, None] * a_stride + features[None, :]
        from_k = k + other[None, :] * k_stride + features[:, None]
        total = tl.zeros((BM, BN), dtype=ACC)
        for start in range(0, D, BK):
            left = D - start
            p = tl.load(from_a + start, mask=features[None, :] < left, other=0.0)
            q = tl.load(from_k + start, mask=features[:, None] < left, other=0.0)
            if WIDEN:
                p, q = p.to(ACC), q.to(ACC)
            total = tl.dot(p, q, total, input_precision="ieee", out_dtype=ACC)
    else:
        at = x + rows[:, None].to(tl.int64) * x_stride + columns[None, :]
        total = tl.load(at, mask=inside_rows[:, None] & inside_columns[None, :], other=0.0)
    total = total * scale
    if SCALED:
        total = total * tl.load(row_scale + rows, mask=inside_rows, other=0.0)[:, None]
    return total


@triton.jit
def counted(
    x, rows, columns, n, m, diagonal,
    holes, row_ids, column_ids, row_ids_stride, column_ids_stride, allowed, logs, pairs_stride,
    HOLES: tl.constexpr, FIRST: tl.constexpr, FIRST_EQUAL: tl.constexpr,
    SECOND: tl.constexpr, SECOND_EQUAL: tl.constexpr, MASK: tl.constexpr, LOGS: tl.constexpr,
):  # fmt: skip
    """The scores plus log-weights, -inf where a pair has no weight, and the weights themselves."""
    inside = (rows < n)[:, None] & (columns < m)[None, :]
    for h in tl.static_range(HOLES):
        offset = tl.load(holes + h) + diagonal
        inside = inside & (columns[None, :] - rows[:, None] != offset)
    weight = inside.to(x.dtype)
    if FIRST > 0:
        weight *= related(
            row_ids, column_ids, rows, columns, n, m,
            row_ids_stride, column_ids_stride, x.dtype, FIRST, FIRST_EQUAL,
        )  # fmt: skip
    if SECOND > 0:
        weight *= related(
            row_ids + FIRST * row_ids_stride, column_ids + FIRST * column_ids_stride,
            rows, columns, n, m,
            row_ids_stride, column_ids_stride, x.dtype, SECOND, SECOND_EQUAL,
        )  # fmt: skip
    at = rows[:, None].to(tl.int64) * pairs_stride + columns[None, :]
    if MASK:
        weight *= tl.load(allowed + at, mask=inside, other=0).to(x.dtype)
    if LOGS:
        x += tl.load(logs + at, mask=inside, other=0.0)
    return tl.where(weight > 0, x, -float("inf")), weight


@triton.jit
def related(
    row_ids, column_ids, rows, columns, n, m, row_ids_stride, column_ids_stride,
    DTYPE: tl.constexpr, COUNT: tl.constexpr, EQUAL: tl.constexpr,
):  # fmt: skip
    """In how many of COUNT groupings two ids are equal, or not."""
    total = (rows[:, None] * 0 + columns[None, :] * 0).to(DTYPE)
    for c in tl.static_range(COUNT):
        own = tl.load(row_ids + c * row_ids_stride + rows, mask=rows < n, other=0)[:, None]
        other = tl.load(column_ids + c * column_ids_stride + columns, mask=columns < m, other=0)
        if EQUAL:
            total += (own == other[None, :]).to(DTYPE)
        else:
            total += (own != other[None, :]).to(DTYPE)
    return total


@triton.jit
def finite(shift):
    """The shift, or 0 where nothing was there to be shifted."""
    return tl.where(shift == -float("inf"), 0.0, shift)
