"""Mixtures of embeddings as negatives and positives, without a tensor of mixtures.

A mixture m = a z_j + (1 - a) z_k is compared with an anchor by the inner product, which is linear:
<z_i, m> = a S_ij + (1 - a) S_ik. All that is needed is S = z sg(z)^T; mixtures carry no gradient,
their anchors do (SupReMix, arXiv:2309.16633). The mixtures themselves would be N^3 x D floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from contrast.primitives.scores import wide

TILE = 2**20  # mixtures whose scores are in memory at once
# Anchors share a tile while it stays this small, or mostly holds mixtures that there are: a tile
# costs about as much time as so many scores.
SMALL_TILE, WASTE = 2**13, 4


def mixed_with_anchor(scores: Tensor, share: Tensor) -> Tensor:
    """The scores of anchors against mixtures of themselves with each other sample.

    s_ik = share_ik S_ii + (1 - share_ik) S_ik: a hard negative, for it contains the anchor.

    Shapes:  scores: (N, N) of anchors against detached samples;  share: (N, N) in 0..1;
    returns (N, N).     Gradient: to scores and share.
    """
    return torch.lerp(scores, scores.diagonal()[:, None].expand_as(scores), share)


@dataclass(frozen=True)
class Between:
    """Statistics of each anchor's scores with the mixtures that fall on its label.

    Shapes:  lse: (N,) log-sum-exp, -inf where there is none;  total: (N,) sum;  count: (N,).
    """

    lse: Tensor
    total: Tensor
    count: Tensor


def mixed_between(scores: Tensor, labels: Tensor, window: float) -> Between:
    """What anchors score with mixtures of a smaller and a larger label that equal their own.

    For y_j < y_i < y_k with y_i - y_j < window and y_k - y_i < window (all strict):
    a = (y_k - y_i) / (y_k - y_j),    s_ijk = a S_ij + (1 - a) S_ik

    Shapes:  scores: (N, N) of anchors against detached samples, divided by the temperature;
    labels: (N,) float or integer.
    Gradient: to scores, of first order; tiles of mixtures are made again in the backward pass.
    Cost: O(N^2) memory for the scores and O(#mixtures) time, in tiles of 2^20; sorted by label,
    an anchor's mixtures are a block, so that a narrow window costs little.
    Edge cases: the smallest and the largest label have no mixture, nor has a window of 0.
    Raises: ValueError: shapes do not fit.
    """
    if scores.ndim != 2 or not scores.shape[0] == scores.shape[1] == len(labels):
        raise ValueError(
            "scores and labels must be (N, N) and (N,), got "
            f"{tuple(scores.shape)} and {tuple(labels.shape)}"
        )
    order = labels.argsort()
    y = labels[order].to(wide(scores).dtype)
    lse, total, count = _Between.apply(wide(scores)[order][:, order], y, window)
    back = order.argsort()
    return Between(lse[back], total[back], count[back])


class _Between(torch.autograd.Function):
    """`mixed_between` for samples in order of their labels: three vectors, (N,)."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, y: Tensor, window: float) -> tuple[Tensor, ...]:
        lse, total = scores.new_full(y.shape, -torch.inf), torch.zeros_like(y)
        count = torch.zeros_like(y, dtype=torch.long)
        for tile in _tiles(y, window):
            rows = tile[0]
            valid, _, x = _mixtures(scores, y, window, tile)
            lse[rows] = x.masked_fill(~valid, -torch.inf).flatten(1).logsumexp(1)
            total[rows] = x.masked_fill(~valid, 0).sum((1, 2))
            count[rows] = valid.sum((1, 2))
        ctx.window = window
        ctx.save_for_backward(scores, y, lse)
        ctx.mark_non_differentiable(count)
        return lse, total, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_lse: Tensor, g_total: Tensor, _: Any) -> tuple[Tensor | None, ...]:
        scores, y, lse = ctx.saved_tensors
        found = torch.zeros_like(scores)
        for tile in _tiles(y, ctx.window):
            rows, lower, upper = tile
            valid, a, x = _mixtures(scores, y, ctx.window, tile)
            p = (x - lse[rows, None, None]).exp()
            slope = p * g_lse[rows, None, None] + g_total[rows, None, None]
            slope = torch.where(valid, slope, 0)
            found[rows, lower] += (slope * a).sum(2)
            found[rows, upper] += (slope * (1 - a)).sum(1)
        return found, None, None


Tile = tuple[slice, slice, slice]  # anchors, samples of smaller and of larger label


def _mixtures(
    scores: Tensor, y: Tensor, window: float, tile: Tile
) -> tuple[Tensor, Tensor, Tensor]:
    """Which mixtures of a tile there are, their shares a and their scores, each (b, J, K)."""
    rows, lower, upper = tile
    below, above = y[rows, None] - y[lower], y[upper] - y[rows, None]
    fits = [(gap > 0) & (gap < window) for gap in (below, above)]
    valid = fits[0][:, :, None] & fits[1][:, None]
    a = torch.where(valid, above[:, None] / (below[:, :, None] + above[:, None]), 0)
    return valid, a, torch.lerp(scores[rows, None, upper], scores[rows, lower, None], a)


def _tiles(y: Tensor, window: float) -> list[Tile]:
    """Runs of anchors, each as long as its block fits into a tile without much waste."""
    reach = 1.001 * window  # the ends of a block are found before rounding decides who is in it
    bounds = [
        torch.searchsorted(y, y - reach),
        torch.searchsorted(y, y),
        torch.searchsorted(y, y, right=True),
        torch.searchsorted(y, y + reach, right=True),
    ]
    ends = torch.stack(bounds, 1).tolist()

    def tile(first: int, last: int) -> Tile:
        (a, _, c, _), (_, b, _, d) = ends[first], ends[last]
        return slice(first, last + 1), slice(a, max(a, b)), slice(c, max(c, d))

    found: list[Tile] = []
    needed = 0  # scores of the last tile's anchors, each taken alone
    for i in range(len(ends)):
        alone = tile(i, i)
        first = found[-1][0].start if found else i
        grown, needed = tile(first, i), needed + _size(alone)
        if found and _size(grown) <= min(TILE, max(SMALL_TILE, WASTE * needed)):
            found[-1] = grown
        else:
            found.append(alone)
            needed = _size(alone)
    return [each for each in found if _size(each)]


def _size(tile: Tile) -> int:
    return prod(part.stop - part.start for part in tile)
