"""Log-sum-exp over all pairs, row by row, in O(N D) memory: the primitive under the objectives.

    l_i = log sum_j w_ij exp(s_ij / t_i),   e_i = sum_j p_ij s_ij,   p_ij = w_ij e^(s_ij/t_i - l_i)

Temperatures and distances are linear algebra on the D-wide rows, left to autograd; within, there is
only x_ij = a_i . k_j. Its tiles are formed, used and forgotten, and once more in the backward pass:
four matrix products against three with all pairs in memory, but two for self-similarity, whose
lower half is its upper half again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from contrast.primitives.kept import keepable, kept
from contrast.primitives.kernels import serve
from contrast.primitives.plain import SMALL, Plan, Statistics, graph_gradients, plain
from contrast.primitives.scores import (
    Score,
    check_pairs,
    full_precision,
    lower_alike,
    lower_scores,
    wide,
)
from contrast.primitives.sharing import shared
from contrast.primitives.streaming import (
    backward,
    backward_candidates,
    column_side,
    forward,
    row_side,
)
from contrast.primitives.structure import Structure, is_symmetric
from contrast.primitives.tiles import LN2, Tiles
from contrast.primitives.weights import Weights, ready

# Up to this many pairs their exponentials are kept for the backward pass (16 MiB in float32), of
# rows against themselves a quarter. On CPU, D = 128, CLIP at N = 2048 takes 0.76 of the time of
# tiles, NT-Xent 0.94 at N = 1024 and 1.07 at N = 1448.
KEPT = 2048 * 2048


@dataclass(frozen=True)
class RowStatistics:
    """What `row_lse` found.

    Shapes:  lse: (N,);  moment: (N,) or None;  column_lse: (M,) or None.
    """

    lse: Tensor
    moment: Tensor | None = None
    column_lse: Tensor | None = None


def row_lse(
    anchors: Tensor,
    candidates: Tensor | None = None,
    *,
    temperature: float | Tensor = 1.0,
    score: Score = "inner",
    weights: Sequence[Structure] = (),
    moment: bool = False,
    columns: bool = False,
) -> RowStatistics:
    """The log-sum-exp of each anchor's scores over all candidates, and what goes with it.

    l_i = log sum_j w_ij exp(s_ij / t_i);  with `moment` e_i = sum_j p_ij s_ij, the mean score under
    the weights that l_i gives;  with `columns` also c_j = log sum_i w_ij exp(s_ij / t_i).
    s_ij = <a_i, k_j>, or -|a_i - k_j|^2 for `distance`. Rows are taken as they are. Without
    candidates the anchors are compared with one another (exclude themselves by `OffDiagonal()`).

    Shapes:  anchors: (N, D), candidates: (M, D) float, float16 and bfloat16 computed in float32;
    temperature: a number, () or (N,);  weights: structures of N x M pairs, which multiply.
    Gradient: to anchors, candidates, a temperature that is a tensor, and learnt weights; a graph of
    the gradient itself is formed in O(N M) memory.
    Cost: O(N M D) time, O((N + M) D) memory and at most `KEPT` exponentials. Rows against
    themselves cost half, if every structure is symmetric and the temperature is one number.
    Edge cases: a row whose weights are all 0 has l = -inf, e = 0 and no gradient. NaN in, NaN out.
    Raises: ValueError: shapes do not fit, or temperature <= 0.
    """
    n, m = check_pairs(anchors, candidates, temperature)
    if n * m > SMALL and serve(anchors, score, weights):
        from contrast.primitives.kernels.rows import row_statistics

        return RowStatistics(
            *row_statistics(anchors, candidates, temperature, weights, moment, columns)
        )
    anchors, candidates = wide(anchors), None if candidates is None else wide(candidates)
    alike = candidates is None and not moment
    alike = alike and all(map(is_symmetric, weights)) and _is_one_number(temperature)
    with full_precision(anchors):
        if alike:
            a, k, scale = lower_alike(anchors, temperature, score)
        else:
            k = anchors if candidates is None else candidates
            a, k, scale = lower_scores(anchors, k, temperature, score)
        by_kind = ready(weights, (n, m), anchors)
        grad, mirror = torch.is_grad_enabled(), alike and score == "distance"
        plan = Plan(by_kind, scale, moment, columns and not alike, grad, mirror)
        lse, mean, column_lse = (_small if n * m <= SMALL else tiled)(a, k, plan)
    if moment:
        mean = mean * temperature
    return RowStatistics(lse, mean, lse if alike and columns else column_lse)


def tiled(a: Tensor, k: Tensor | None, plan: Plan) -> Statistics:
    """The same by tiles, in O((N + M) D) memory; under `pairs_shared` this rank's share."""
    return shared(_streamed, a, k, plan)


def _small(a: Tensor, k: Tensor | None, plan: Plan) -> Statistics:
    """The same from all pairs at once; `plain` also without any."""
    some = len(a) and (k is None or len(k))
    return (kept if some and keepable(plan) else plain)(a, k, plan)


def _streamed(a: Tensor, k: Tensor | None, plan: Plan) -> Statistics:
    few = 4 * len(a) ** 2 <= KEPT if k is None else len(a) * len(k) <= KEPT
    if few and keepable(plan):
        return kept(a, k, plan)
    return _Streaming.apply(a, k, plan, *plan.weights.tensors())


def _is_one_number(temperature: float | Tensor) -> bool:
    return not isinstance(temperature, Tensor) or temperature.numel() == 1


class _Streaming(torch.autograd.Function):
    """l, e and c of x = scale a k^T by tiles; k = None: a's own partners, whose x is symmetric."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, k: Tensor | None, plan: Plan, *learnt: Tensor) -> Statistics:
        others = plan.partners(a, k)
        peaked = k is None and plan.peaked
        tiles = Tiles(a, others, plan.weights, plan.scale, unit=LN2, half=k is None, peaked=peaked)
        rows_alone = k is not None and not plan.columns
        carry = plan.moment or (plan.grad and ctx.needs_input_grad[0] and rows_alone)
        by_row, by_column, carried = forward(tiles, columns=plan.columns, carry=carry)
        lse = by_row.log()
        if carry:  # the mean candidate; an empty row has none
            carried.div_(by_row.total.clamp_min(torch.finfo(a.dtype).tiny)[:, None])
        moment = None
        if plan.moment:
            moment = (a * carried).sum(1).mul_(plan.scale).masked_fill_(lse == -torch.inf, 0)
        column_lse = by_column.log() if plan.columns else None
        ctx.save_for_backward(a, k, lse, moment, column_lse, carried, *learnt)
        ctx.plan = plan
        ctx.set_materialize_grads(False)
        return lse, moment, column_lse

    @staticmethod
    def backward(
        ctx: Any, g: Tensor | None, h: Tensor | None, u: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        a, k, lse, moment, column_lse, carried, *learnt = ctx.saved_tensors
        if torch.is_grad_enabled():
            inputs = (a, k, *learnt)
            da, dk, *rest = graph_gradients(plain(a, k, ctx.plan), inputs, (g, h, u))
            return da, dk, None, *rest
        half, wanted, others = k is None, ctx.needs_input_grad, ctx.plan.partners(a, k)
        plan, peaked = ctx.plan, half and ctx.plan.peaked
        tiles = Tiles(a, others, plan.weights, plan.scale, unit=LN2, half=half, peaked=peaked)
        g = torch.zeros_like(lse) if g is None else g
        row = row_side(tiles, g, lse, h, moment)
        column = column_side(tiles, g, lse) if half else None
        if u is not None:
            column = column_side(tiles, u, column_lse)
        folds = column is None and h is None and carried is not None
        da = torch.zeros_like(a) if wanted[0] and not folds else None
        dk = da if half else torch.zeros_like(k) if wanted[1] else None
        sums = Weights()
        if folds and not learnt:
            if dk is not None:
                backward_candidates(tiles, row, dk)
        else:
            sums = backward(tiles, row, column, da, dk)
        if folds and wanted[0]:
            da = carried * (ctx.plan.scale * g).masked_fill_(lse == -torch.inf, 0)[:, None]
        return da, None if half else dk, None, *sums.tensors()
