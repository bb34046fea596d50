"""The k best candidates of each row, with gradients to those k scores alone.

The scores of a strip of rows stand in memory at once. Selecting k among many is slow, so columns
are first grouped by 32: the k best of all lie in the k groups whose maxima are largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from contrast.primitives.plain import SMALL
from contrast.primitives.products import in_halves
from contrast.primitives.scores import Score, check_pairs, full_precision, lower_scores, wide
from contrast.primitives.sharing import joined, own_rows
from contrast.primitives.structure import Structure
from contrast.primitives.tiles import LOWEST, Tile, Tiles
from contrast.primitives.weights import Weights, ready

# A strip of 256 x 8192 scores in float32 is 8 MiB; at k = 10 a selection by groups costs 1.2 ns an
# entry against 9 ns without.
CPU_TILE = (256, 8192)
GROUP = 32
# From k = M / 160 on two products with the whole strip beat gathering k rows (k = 335, M = 4096,
# 4096 rows, D = 128: 0.07 s against 1.3 s).
SCATTERED = 160


@dataclass(frozen=True)
class TopK:
    """The best candidates of each row, best first.

    Shapes:  values: (N, k);  indices: (N, k) integer.
    """

    values: Tensor
    indices: Tensor


def row_topk(
    anchors: Tensor,
    candidates: Tensor | None,
    k: int,
    *,
    score: Score = "inner",
    weights: Sequence[Structure] = (),
) -> TopK:
    """The k candidates of the highest score for each anchor, without all scores in memory.

    Log-weights are added to the scores that are compared; other weights only allow (w > 0) or
    exclude. Without candidates the anchors are compared with one another.

    Shapes:  anchors: (N, D), candidates: (M, D) float;  weights: structures of N x M pairs.
    Gradient: of the values to anchors and candidates, by the N k scores; none to log-weights.
    Cost: O(N M D) time, O((N + M) D + N k) memory.
    Edge cases: a row with fewer than k allowed candidates ends in values -inf, whose indices mean
    nothing and whose gradient is 0. Of equal scores any may come first, or make it into the k.
    Raises: ValueError: shapes do not fit, or k is not in 1..M.
    """
    n, m = check_pairs(anchors, candidates)
    if not 1 <= k <= m:
        raise ValueError(f"k must lie in 1..{m}, the number of candidates, got {k}")
    half = in_halves(anchors, anchors if candidates is None else candidates, score)
    anchors = wide(anchors)
    candidates = anchors if candidates is None else wide(candidates)
    with full_precision(anchors):
        a, c, _ = lower_scores(anchors, candidates, 1.0, score)
        values, indices = _best_of_rows(a, c, k, ready(weights, (n, m), a), half)
    return TopK(values, indices)


def _best_of_rows(
    a: Tensor, c: Tensor, k: int, weights: Weights, half: torch.dtype | None
) -> tuple[Tensor, Tensor]:
    """Values and indices; under `pairs_shared` this rank finds some of the rows."""
    n, m = len(a), len(c)
    if n * m <= SMALL or (rows := own_rows(n)) is None:
        return _TopK.apply(a, c, k, weights, half)
    values, indices = _TopK.apply(a[rows], c, k, weights.tile(rows, slice(0, m)), half)
    return joined(values, rows, n), joined(indices, rows, n)


class _TopK(torch.autograd.Function):
    """The selection has no gradient; the selected scores are k inner products a row."""

    @staticmethod
    def forward(
        ctx: Any, a: Tensor, c: Tensor, k: int, weights: Weights, half: torch.dtype | None
    ) -> tuple[Tensor, Tensor]:
        shape = CPU_TILE if a.device.type == "cpu" else None
        tiles = Tiles(a, c, weights, shape=shape, products=half)
        found = [_best_of_strip(tiles, i, k) for i in range(len(tiles.rows))]
        values = torch.cat([v for v, _ in found]) if found else a.new_empty(0, k)
        indices = torch.cat([j for _, j in found]) if found else values.long()
        ctx.save_for_backward(a, c, values, indices)
        ctx.mark_non_differentiable(indices)
        return values, indices

    @staticmethod
    def backward(ctx: Any, g: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        a, c, values, indices = ctx.saved_tensors
        g = g.masked_fill(values == -torch.inf, 0)
        da, dc = [], torch.zeros_like(c)
        for rows, share, own in zip(*(t.split(CPU_TILE[0]) for t in (a, g, indices)), strict=True):
            mine, theirs = _strip_gradients(rows, c, share, own)
            da.append(mine)
            dc = dc + theirs
        return torch.cat(da) if da else torch.zeros_like(a), dc, None, None, None


def _strip_gradients(rows: Tensor, c: Tensor, share: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """What a strip's scores give to its anchors, (n, D), and to all candidates, (M, D)."""
    if own.shape[1] * SCATTERED >= len(c):
        strip = share.new_zeros(len(rows), len(c)).scatter_add(1, own, share)
        return strip @ c, strip.T @ rows
    mine = (share[:, :, None] * c[own]).sum(1)
    pushed = (share[:, :, None] * rows[:, None]).flatten(0, 1)
    return mine, torch.zeros_like(c).index_add(0, own.flatten(), pushed)


def _best_of_strip(tiles: Tiles, i: int, k: int) -> tuple[Tensor, Tensor]:
    """The best of all candidates for one strip of rows: values and indices, (n, k)."""
    values, indices = [], []
    for j in range(len(tiles.columns)):
        tile = Tile(tiles, i, j)
        tile.hide_excluded_()
        best, where = _best(tile.x, min(k, tile.m))
        values.append(best)
        indices.append(where + j * tiles.width)
    best, where = torch.cat(values, 1).topk(k)
    best = best.masked_fill_(best <= LOWEST / 2, -torch.inf)
    return best, torch.cat(indices, 1).gather(1, where)


def _best(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """`x.topk(k)` by way of groups of columns: column j belongs to group j mod G."""
    n, m = x.shape
    groups = m // GROUP
    if groups <= 2 * k:
        return x.topk(k)
    grouped = x[:, : groups * GROUP].unflatten(1, (GROUP, groups))  # (n, GROUP, G)
    _, likely = grouped.amax(1).topk(k)  # (n, k)
    columns = likely[:, None] + groups * torch.arange(GROUP, device=x.device)[:, None]
    rest = torch.arange(groups * GROUP, m, device=x.device).expand(n, -1)
    columns = torch.cat((columns.flatten(1), rest), 1)
    best, where = x.gather(1, columns).topk(k)
    return best, columns.gather(1, where)
