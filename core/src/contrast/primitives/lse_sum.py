"""The weighted sum of the rows' log-sum-exp, with its gradients formed in the forward pass.

    L = sum_i c_i (l_i - s_{i,i+o} / t_i),    dL/ds_ij = c_i (p_ij - [j = i + o]) / t_i

A loss that is linear in l knows its upstream gradient but for one number, so a strip of rows is
finished while its exponentials are still in memory: three matrix products, no tile formed twice.
With the positives o columns off the diagonal this is one-way InfoNCE: `lse_sum(q, k, positive=0)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from contrast.primitives.kernels import serve
from contrast.primitives.plain import SMALL, Plan, graph_gradients, plain
from contrast.primitives.row_lse import tiled
from contrast.primitives.scores import Score, check_pairs, full_precision, lower_scores, wide
from contrast.primitives.sharing import own_rows, summed
from contrast.primitives.streaming import Parts, Sums, absorb
from contrast.primitives.structure import Structure
from contrast.primitives.tiles import DEVICE_TILE, LN2, Tile, Tiles
from contrast.primitives.weights import Weights, ready

# Rows and columns of a tile on CPU: strips of 256 rows took 1.05 to 1.15 times the bare products,
# of 512 rows 1.13 to 1.17, and tiles 512 columns wide cost 5 % more, at N = 4096 and 16384.
CPU_TILE = (256, 4096)

# The memory of a strip of rows against all candidates, on CPU and elsewhere. With more candidates
# than let a strip be LEAST_ROWS high, the two passes of `row_lse` are faster.
STRIP_BYTES = (64 * 2**20, 2**30)
LEAST_ROWS = 64


def lse_sum(
    anchors: Tensor,
    candidates: Tensor,
    coefficients: Tensor | None = None,
    *,
    temperature: float | Tensor = 1.0,
    score: Score = "inner",
    weights: Sequence[Structure] = (),
    positive: int | None = None,
) -> Tensor:
    """sum_i c_i l_i of the rows' log-sum-exp, as `row_lse` defines them; their mean by default.

    With `positive` = o, each l_i is taken less the anchor's score with candidate i + o over t_i;
    o is the column of the first local anchor among candidates gathered from all ranks.

    Shapes:  anchors: (N, D), candidates: (M, D) float;  coefficients: (N,), 1 / N if None;
    temperature: a number, () or (N,);  weights: structures of N x M pairs.  Returns ().
    Gradient: to every float tensor, formed in the forward pass; a graph of the gradient itself is
    formed in O(N M) memory.
    Cost: O(N M D) time;  O((N + M) D) memory and a strip of at most 64 MiB (1 GiB on a device).
    Edge cases: a row whose weights are all 0 adds nothing. Without rows the sum is 0.
    Raises: ValueError: shapes do not fit, an anchor has no candidate i + o, or temperature <= 0.
    """
    n, m = check_pairs(anchors, candidates, temperature)
    if coefficients is not None and coefficients.shape != (n,):
        raise ValueError(f"coefficients must be ({n},), got {tuple(coefficients.shape)}")
    if positive is not None and not 0 <= positive <= m - n:
        raise ValueError(f"positive must lie in 0..{m - n} for {n} of {m} rows, got {positive}")
    if n * m > SMALL and serve(anchors, score, weights):
        from contrast.primitives.kernels.weighted_sums import weighted_sum

        return weighted_sum(anchors, candidates, coefficients, temperature, weights, positive)
    anchors, candidates = wide(anchors), wide(candidates)
    with full_precision(anchors):
        a, k, scale = lower_scores(anchors, candidates, temperature, score)
        plan = Plan(ready(weights, (n, m), a), scale)
        if n * m <= SMALL:
            return _plain_sum(a, k, coefficients, plan, positive)
        c = a.new_full((n,), 1 / n) if coefficients is None else coefficients.to(a.dtype)
        inputs = (a, k, c, *plan.weights.tensors())
        strips = _Strips.cut(plan, m, positive, a)
        grad = torch.is_grad_enabled() and any(t.requires_grad for t in inputs)
        if grad and strips.shape[0] >= LEAST_ROWS:
            return _by_strips(a, k, c, strips)
        return _total(c, tiled(a, k, plan)[0], a, k, scale, positive)


def _by_strips(a: Tensor, k: Tensor, c: Tensor, strips: _Strips) -> Tensor:
    """The sum by strips; under `pairs_shared` this rank takes some of the rows."""
    if (rows := own_rows(len(a))) is None:
        return _LseSum.apply(a, k, c, strips, *strips.plan.weights.tensors())
    own = strips.of(rows, len(k))
    return summed(_LseSum.apply(a[rows], k, c[rows], own, *own.plan.weights.tensors()))


@dataclass(frozen=True)
class _Strips:
    """How the strips are cut, and where the positives stand."""

    plan: Plan
    shape: tuple[int, int]
    positive: int | None

    @classmethod
    def cut(cls, plan: Plan, m: int, positive: int | None, like: Tensor) -> _Strips:
        """Strips against m candidates that keep to STRIP_BYTES."""
        on_cpu = like.device.type == "cpu"
        height, width = CPU_TILE if on_cpu else DEVICE_TILE
        most = STRIP_BYTES[not on_cpu] // (m * like.element_size())
        return cls(plan, (min(height, most), width), positive)

    def of(self, rows: slice, m: int) -> _Strips:
        """The strips of some of the rows against all m candidates."""
        weights = self.plan.weights.tile(rows, slice(0, m))
        positive = None if self.positive is None else self.positive + rows.start
        return replace(self, plan=replace(self.plan, weights=weights), positive=positive)


def _total(
    c: Tensor, lse: Tensor, a: Tensor, k: Tensor, scale: float, positive: int | None
) -> Tensor:
    """sum_i c_i (l_i - x_{i,i+o}) over the rows that are not empty."""
    each = lse
    if positive is not None:
        each = lse - scale * (a * k[positive : positive + len(a)]).sum(1)
    return (c * each.masked_fill(lse == -torch.inf, 0)).sum()


def _plain_sum(a: Tensor, k: Tensor, c: Tensor | None, plan: Plan, positive: int | None) -> Tensor:
    """The same from all pairs at once; without weights it is torch's own cross-entropy."""
    if positive is None or plan.weights or not len(a):
        c = a.new_full((len(a),), 1 / max(len(a), 1)) if c is None else c
        return _total(c, plain(a, k, plan)[0], a, k, plan.scale, positive)
    target = torch.arange(positive, positive + len(a), device=a.device)
    x = a @ k.T * plan.scale
    return cross_entropy(x, target) if c is None else c @ cross_entropy(x, target, reduction="none")


class _LseSum(torch.autograd.Function):
    """sum_i c_i (l_i - x_{i,i+o}) of x = scale a k^T, strip by strip of rows."""

    @staticmethod
    def forward(
        ctx: Any, a: Tensor, k: Tensor, c: Tensor, strips: _Strips, *learnt: Tensor
    ) -> Tensor:
        plan = strips.plan
        tiles = Tiles(a, k, plan.weights, plan.scale, unit=LN2, shape=strips.shape)
        sums = Sums(a, tiles.by_row, bounded=tiles.bounded)
        da, each, to_weights = torch.zeros_like(a), torch.empty_like(c), plan.weights.zeros()
        dk = torch.zeros_like(k) if ctx.needs_input_grad[1] else None
        to_a, to_k = tiles.by_row(da), None if dk is None else tiles.by_column(dk)
        for i, (coefficient, out) in enumerate(zip(*map(tiles.by_row, (c, each)), strict=True)):
            strip = []
            for j in range(len(tiles.columns)):
                tile = Tile(tiles, i, j, f"x{j}")
                if not tiles.bounded:
                    tile.hide_excluded_()
                absorb(tile, sums, to_a)
                strip.append((tile, None if tiles.bounded else sums.shifts[i].clone()))
            lse = sums.log(i)
            empty = lse == -torch.inf
            out.copy_(lse.masked_fill_(empty, 0))
            share = (coefficient / sums.totals[i]).masked_fill_(empty, 0)
            to_a[i].mul_(plan.scale * share[:, None])
            for tile, shift in strip:
                late = share if shift is None else share * (shift - sums.shifts[i]).exp2_()
                _finish(tile, late, to_k, to_weights)
            if strips.positive is not None:
                coefficient = coefficient.masked_fill(empty, 0)[:, None] * -plan.scale
                first = strips.positive + i * tiles.height
                own = slice(first, first + len(coefficient))
                out.sub_((tiles.rows[i] * k[own]).sum(1).masked_fill_(empty, 0), alpha=plan.scale)
                to_a[i].addcmul_(k[own], coefficient)
                if dk is not None:
                    dk[own].addcmul_(tiles.rows[i], coefficient)
        ctx.save_for_backward(a, k, c, each, da, dk, *learnt, *to_weights.tensors())
        ctx.strips = strips
        return c @ each

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        a, k, c, each, da, dk, *rest = ctx.saved_tensors
        learnt, to_learnt = rest[: len(rest) // 2], rest[len(rest) // 2 :]
        if torch.is_grad_enabled():
            total = _plain_sum(a, k, c, ctx.strips.plan, ctx.strips.positive)
            da, dk, dc, *others = graph_gradients((total,), (a, k, c, *learnt), (g,))
            return da, dk, dc, None, *others
        return (
            g * da,
            None if dk is None else g * dk,
            g * each,
            None,
            *(g * part for part in to_learnt),
        )


def _finish(tile: Tile, share: Tensor, to_k: Parts | None, to_weights: Weights) -> None:
    """Add to dL/dk, and to what learns in the weights, what a tile of exponentials brings."""
    tiles = tile.tiles
    if to_k is not None:
        scaled = tiles.rows[tile.i] * share[:, None]
        to_k[tile.j].addmm_(tile.x.t(), scaled, alpha=tiles.scale)
    if to_weights:
        part = to_weights.tile(*tiles.span(tile.i, tile.j))
        tile.weights.add_gradients(tile.x.mul_(share[:, None]), part)
