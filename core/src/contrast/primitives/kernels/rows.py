"""`row_lse` on a GPU: one pass for the sums, one that forms each strip again for the gradients.

    dL/dx_ij = p_ij (g_i + h_i (1 + x_ij - e_i)) + q_ij u_j,    x_ij = scale r_i <a_i, k_j>

Of rows alone dL/dx_ij = g_i p_ij, whose factor goes to the D-wide side. Of half the pairs, from the
diagonal on, dL/dx_ij + dL/dx_ji = w_ij e^x_ij (g_i e^-l_i + g_j e^-l_j) is the general form with
u = g, and each strip serves its rows and the columns beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from contrast.primitives.kernels.launching import Strip
from contrast.primitives.kernels.operands import Operands, rowwise, sides
from contrast.primitives.kernels.partial_sums import Sums
from contrast.primitives.kernels.relations import Who, counted
from contrast.primitives.kernels.row_gradients import (
    Upstream,
    all_gradients,
    half_gradients,
    what_is_sent,
)
from contrast.primitives.plain import Plan, Statistics, graph_gradients, plain
from contrast.primitives.scores import full_precision, wide
from contrast.primitives.sharing import shared
from contrast.primitives.structure import Structure, is_symmetric
from contrast.primitives.weights import ready


def row_statistics(
    anchors: Tensor,
    candidates: Tensor | None,
    temperature: float | Tensor,
    weights: Sequence[Structure],
    moment: bool,
    columns: bool,
) -> Statistics:
    """What `row_lse` gives, for inner products of checked rows; under `pairs_shared` shared out."""
    one = not isinstance(temperature, Tensor) or temperature.numel() == 1
    half = candidates is None and not moment and one and all(map(is_symmetric, weights))
    a, k, row_scale, scale = sides(anchors, candidates, temperature)
    plan = Plan(Who(tuple(weights), row_scale), scale, moment, columns and not half)
    lse, mean, column_lse = shared(_run, a, None if half else k, plan)
    if moment:
        mean = mean * temperature
    return lse, mean, lse if half and columns else column_lse


def _run(a: Tensor, k: Tensor | None, plan: Plan) -> Statistics:
    with full_precision(a):
        return _Rows.apply(a, k, plan.weights.row_scale, plan)


def _operands(a: Tensor, k: Tensor | None, row_scale: Tensor | None, plan: Plan) -> Operands:
    a = rowwise(a)
    k = a if k is None else rowwise(k)
    who = counted(plan.weights.structures, (len(a), len(k)), wide(a[:0]))
    return Operands(a, k, row_scale, plan.scale, who)


def _plainly(a: Tensor, k: Tensor | None, row_scale: Tensor | None, plan: Plan) -> Statistics:
    """The same from all pairs at once, for a graph of the gradient."""
    a, k = wide(a), wide(a if k is None else k)
    rows = a if row_scale is None else a * row_scale[:, None]
    weights = ready(plan.weights.structures, (len(a), len(k)), a)
    return plain(rows, k, replace(plan, weights=weights))


class _Rows(torch.autograd.Function):
    """l, e and c; k = None stands for a, whose x is symmetric."""

    @staticmethod
    def forward(
        ctx: Any, a: Tensor, k: Tensor | None, row_scale: Tensor | None, plan: Plan
    ) -> Statistics:
        op = _operands(a, k, row_scale, plan)
        by_row, by_column = _sums(op, plan, half=k is None)
        lse = by_row.lse()
        moment = by_row.mean() if plan.moment else None
        column_lse = by_column.lse() if plan.columns else None
        ctx.save_for_backward(a, k, row_scale, lse, moment, column_lse)
        ctx.plan = plan
        ctx.set_materialize_grads(False)
        return lse, moment, column_lse

    @staticmethod
    def backward(
        ctx: Any, g: Tensor | None, h: Tensor | None, u: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        a, k, row_scale, lse, moment, column_lse = ctx.saved_tensors
        if torch.is_grad_enabled():
            found = _plainly(a, k, row_scale, ctx.plan)
            return *graph_gradients(found, (a, k, row_scale), (g, h, u)), None
        op = _operands(a, k, row_scale, ctx.plan)
        g = torch.zeros_like(lse) if g is None else g
        if k is None:
            sent = what_is_sent(op, Upstream(g, u=g), lse, None, lse)
            da, to_scale = half_gradients(op, sent)
            return da, None, to_scale, None
        sent = what_is_sent(op, Upstream(g, h, u), lse, moment, column_lse)
        return *all_gradients(op, sent, candidates=ctx.needs_input_grad[1]), None


def _sums(op: Operands, plan: Plan, *, half: bool) -> tuple[Sums, Sums]:
    """The sums of all rows and of all columns; of half the pairs both are one."""
    by_row = Sums.empty(len(op.a), op.a, op.wide)
    by_column = by_row if half else Sums.empty(len(op.k), op.a, op.wide)
    if plan.moment:
        by_row.moment = torch.zeros_like(by_row.total)
    buffer = op.buffer(stored=False, half=half)
    for rows, columns in op.strips(stored=False, half=half):
        strip = Strip(op, rows, columns, buffer)
        both = half or plan.columns
        own, others = strip.statistics(moment=plan.moment, columns=both, store=False)
        by_row.add(rows, own)
        if plan.moment:
            by_row.moment[rows] = own.moment
        if both:
            beyond = rows.stop if half else 0
            by_column.add(slice(beyond, len(op.k)), others.after(beyond - columns.start))
    return by_row, by_column
