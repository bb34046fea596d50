"""The pair statistics of one tile that holds all pairs, its exponentials kept for the gradient.

Three matrix products where tiles that are forgotten take four, and two for rows against themselves:

    l_i = log sum_j w_ij e^(x_ij),    e_ij = w_ij e^(x_ij - m_i),    f_i = g_i / sum_j e_ij
    da = r diag(f) e k,    dk = r e^T diag(f) a        rows alone: no pass over the pairs is left
    G_ij = e_ij f_i + e'_ij u'_j,    da = r G k        with columns, whose e' and u' are alike
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from contrast.primitives.plain import Plan, Statistics, graph_gradients, plain
from contrast.primitives.scores import mirrored
from contrast.primitives.streaming import forward
from contrast.primitives.tiles import LN2, Tiles


def keepable(plan: Plan) -> bool:
    """Whether there is a gradient that needs exponentials alone: no scores, no learnt weights."""
    return plan.grad and not (plan.moment or plan.weights.logs)


def kept(a: Tensor, k: Tensor | None, plan: Plan) -> Statistics:
    """l and c of x = scale a k^T, O(N M) memory until the backward pass; k = None stands for a."""
    lse, column_lse = _Kept.apply(a, k, plan)
    return lse, None, column_lse


class _Kept(torch.autograd.Function):
    """l and c; nothing that is saved is written to, so that a graph may be used twice."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, k: Tensor | None, plan: Plan) -> tuple[Tensor, Tensor | None]:
        half, others = k is None, plan.partners(a, k)
        shape = len(a), len(others)
        tiles = Tiles(
            a,
            others,
            plan.weights,
            plan.scale,
            unit=LN2,
            half=half,
            shape=shape,
            peaked=half and plan.peaked,
        )
        rows, columns, _ = forward(tiles, columns=plan.columns, carry=False)
        e, turned = tiles.scratch("x", *shape), None
        if plan.columns and not tiles.bounded:  # columns then have shifts of their own
            turned = tiles.scratch("column", *shape)
        ctx.save_for_backward(a, k, rows.total, columns.total, e, turned)
        ctx.plan, ctx.symmetric = plan, half and tiles.bounded
        ctx.set_materialize_grads(False)
        return rows.log(), columns.log() if plan.columns else None

    @staticmethod
    def backward(ctx: Any, g: Tensor | None, u: Tensor | None) -> tuple[Tensor | None, ...]:
        a, k, rows, columns, e, turned = ctx.saved_tensors
        if torch.is_grad_enabled():
            lse, _, column_lse = plain(a, k, ctx.plan)
            return *graph_gradients((lse, column_lse), (a, k), (g, u)), None
        f = _share(torch.zeros_like(rows) if g is None else g, rows)[:, None]
        others, scale = ctx.plan.partners(a, k), ctx.plan.scale
        if u is None and not ctx.symmetric:
            da = (e @ others).mul_(scale * f)
            dk = e.t() @ (scale * f * a)
            if k is None:
                return da.add_(mirrored(dk) if ctx.plan.mirror else dk), None, None
            return da, dk, None
        v = f[:, 0] if ctx.symmetric else _share(u, columns)
        gradient = (f + v).mul_(e) if turned is None else (e * f).addcmul_(turned, v)
        da = torch.addmm(a, gradient, others, beta=0, alpha=scale)
        if k is None:
            return da, None, None
        return da, torch.addmm(k, gradient.t(), a, beta=0, alpha=scale), None


def _share(g: Tensor, total: Tensor) -> Tensor:
    """What each exponential of a sum receives; an empty sum sends nothing."""
    return (g / total).masked_fill_(total == 0, 0)
