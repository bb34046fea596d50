"""`lse_sum` on a GPU: three products and no pair formed twice.

    L = sum_i c_i (l_i - x_{i,i+o}),    dL/dx_ij = c_i (p_ij - [j = i + o]),   x = scale r a k^T

While the exponentials of a strip of rows are in memory their sums are complete, and with those both
gradients: 1 / sum goes to the D-wide side of either product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from contrast.primitives.kernels.launching import Strip
from contrast.primitives.kernels.operands import Operands, rowwise, sides
from contrast.primitives.kernels.relations import Who, counted
from contrast.primitives.kernels.rows import row_statistics
from contrast.primitives.plain import Plan, graph_gradients, plain
from contrast.primitives.products import add_product, product
from contrast.primitives.scores import full_precision, wide
from contrast.primitives.sharing import own_rows, summed
from contrast.primitives.structure import Structure
from contrast.primitives.weights import ready


def weighted_sum(
    anchors: Tensor,
    candidates: Tensor,
    coefficients: Tensor | None,
    temperature: float | Tensor,
    weights: Sequence[Structure],
    positive: int | None,
) -> Tensor:
    """What `lse_sum` gives, for inner products of checked rows."""
    a, k, row_scale, scale = sides(anchors, candidates, temperature)
    n, wide_dtype = len(a), wide(a[:0]).dtype
    c = torch.full((n,), 1 / n, dtype=wide_dtype, device=a.device)
    c = c if coefficients is None else coefficients.to(wide_dtype)
    wanted = _Wanted(Who(tuple(weights), row_scale), scale, positive)
    inputs = [t for t in (a, k, c, row_scale) if t is not None]
    if torch.is_grad_enabled() and any(t.requires_grad for t in inputs):
        return _by_strips(a, k, c, wanted)
    lse, _, _ = row_statistics(anchors, candidates, temperature, weights, False, False)
    return wanted.total(lse, a, k, row_scale, c)


@dataclass(frozen=True)
class _Wanted:
    """Who counts, 1 / t, and where the positives stand."""

    who: Who
    scale: float
    positive: int | None

    def of(self, rows: slice, m: int) -> _Wanted:
        """The same for some of the rows."""
        moved = None if self.positive is None else self.positive + rows.start
        return _Wanted(self.who.tile(rows, slice(0, m)), self.scale, moved)

    def total(
        self, lse: Tensor, a: Tensor, k: Tensor, row_scale: Tensor | None, c: Tensor
    ) -> Tensor:
        """sum_i c_i (l_i - x_{i,i+o}) over the rows that are not empty."""
        each = lse
        if self.positive is not None:
            own = (wide(a) * k[self.positive : self.positive + len(a)]).sum(1) * self.scale
            each = lse - (own if row_scale is None else own * row_scale)
        return (c * each.masked_fill(lse == -torch.inf, 0)).sum()

    def plainly(self, a: Tensor, k: Tensor, row_scale: Tensor | None, c: Tensor) -> Tensor:
        """The same from all pairs at once, for a graph of the gradient."""
        a, k = wide(a), wide(k)
        by_kind = ready(self.who.structures, (len(a), len(k)), a)
        rows = a if row_scale is None else a * row_scale[:, None]
        lse, _, _ = plain(rows, k, Plan(by_kind, self.scale))
        return self.total(lse, a, k, row_scale, c)


def _by_strips(a: Tensor, k: Tensor, c: Tensor, wanted: _Wanted) -> Tensor:
    """The sum with its gradients; under `pairs_shared` this rank takes some of the rows."""
    rows = own_rows(len(a))
    if rows is not None:
        a, c, wanted = a[rows], c[rows], wanted.of(rows, len(k))
    with full_precision(a):
        own = _WeightedSum.apply(a, k, wanted.who.row_scale, c, wanted)
    return own if rows is None else summed(own)


class _WeightedSum(torch.autograd.Function):
    """The sum with its gradients, strip by strip of rows."""

    @staticmethod
    def forward(
        ctx: Any, a: Tensor, k: Tensor, row_scale: Tensor | None, c: Tensor, wanted: _Wanted
    ) -> Tensor:
        who = counted(wanted.who.structures, (len(a), len(k)), wide(a[:0]))
        op = Operands(rowwise(a), rowwise(k), row_scale, wanted.scale, who)
        sums = _Gradients.zeros(op, candidates=ctx.needs_input_grad[1])
        start, buffer = op.bound(), op.buffer(stored=True)
        for rows, columns in op.strips(stored=True):
            _finish(Strip(op, rows, columns, buffer), start, c[rows], wanted.positive, sums)
        ctx.save_for_backward(a, k, row_scale, c, sums.each, sums.a, sums.k, sums.row_scale)
        ctx.wanted = wanted
        return c @ sums.each

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        a, k, row_scale, c, each, *sums = ctx.saved_tensors
        if torch.is_grad_enabled():
            total = ctx.wanted.plainly(a, k, row_scale, c)
            return *graph_gradients((total,), (a, k, row_scale, c), (g,)), None
        da, dk, dr = sums
        dk = None if dk is None else (g * dk).to(k.dtype)
        return (g * da).to(a.dtype), dk, None if dr is None else g * dr, g * each, None


@dataclass(frozen=True)
class _Gradients:
    """The rows' terms, and the gradients as far as they are formed, in float32 at least.

    The upstream gradient comes later, and may be the scale that keeps float16 from underflow.
    """

    each: Tensor
    a: Tensor
    k: Tensor | None
    row_scale: Tensor | None

    @classmethod
    def zeros(cls, op: Operands, *, candidates: bool) -> _Gradients:
        """Nothing yet."""
        a, k = (torch.zeros_like(t, dtype=op.wide) for t in (op.a, op.k))
        row_scale = None if op.row_scale is None else torch.zeros_like(op.row_scale)
        return cls(a.new_zeros(len(a)), a, k if candidates else None, row_scale)


def _finish(
    strip: Strip, start: Tensor | None, c: Tensor, positive: int | None, sums: _Gradients
) -> None:
    """A strip's terms and all that they bring to the gradients."""
    op, rows = strip.op, strip.rows
    own, _ = strip.statistics(start=start, moment=False, columns=False, store=True)
    empty = own.total == 0
    c = c.masked_fill(empty, 0)
    share = (c / own.total).masked_fill(empty, 0)
    a, r = op.a[rows], None if op.row_scale is None else op.row_scale[rows, None]
    pulled = product(strip.held, op.k, sums.a[rows]).mul_(share[:, None] / op.lift)
    if sums.k is not None:
        _push(strip, share, sums.k)
    each = own.lse().masked_fill(empty, 0)
    if positive is not None:
        other = op.k[positive + rows.start : positive + rows.stop]
        x = (a.to(op.wide) * other).sum(1).mul_(op.scale)
        each -= (x if r is None else x * r[:, 0]).masked_fill(empty, 0)
        pulled.addcmul_(other.to(op.wide), c[:, None], value=-1)
        if sums.k is not None:
            by = c[:, None] if r is None else c[:, None] * r
            sums.k[positive + rows.start : positive + rows.stop].addcmul_(
                a.to(op.wide), by, value=-op.scale
            )
    pulled.mul_(op.scale)
    if r is not None:
        sums.row_scale[rows] = (pulled * a).sum(1)
        pulled.mul_(r)
    sums.each[rows] = each


def _push(strip: Strip, share: Tensor, dk: Tensor) -> None:
    """Add to the candidates' gradient, sum_i share_i r_i e_ij a_i."""
    op, rows = strip.op, strip.rows
    if op.row_scale is not None:
        share = share * op.row_scale[rows]
    # Shares are about 1 / (N M) at least and 1 / N at most: their middle is where float16 is wide.
    middle = len(op.a) * len(op.k) ** 0.5 if op.a.dtype == torch.float16 else 1.0
    pushed = (op.a[rows] * (share * middle)[:, None]).to(op.a.dtype)
    add_product(dk, strip.held.T, pushed, op.scale / (op.lift * middle))
