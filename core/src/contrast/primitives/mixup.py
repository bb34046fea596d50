"""Mixtures of embeddings as negatives and positives, without a tensor of mixtures.

A mixture m = a z_j + (1 - a) z_k is compared with an anchor by the inner product, which is linear:
<z_i, m> = a S_ij + (1 - a) S_ik. All that is needed is S = z sg(z)^T; mixtures carry no gradient,
their anchors do (SupReMix, arXiv:2309.16633). The mixtures themselves would be N^3 x D floats.
"""

from __future__ import annotations

from dataclasses import dataclass
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

    Shapes:  scores: (..., N, N) of anchors against detached samples;  share: (..., N, N) in 0..1;
    returns (..., N, N).     Gradient: to scores and share.
    """
    itself = scores.diagonal(dim1=-2, dim2=-1)
    return torch.lerp(scores, itself[..., None].expand_as(scores), share)


@dataclass(frozen=True)
class Between:
    """Statistics of each anchor's scores with the mixtures that fall on its label.

    Shapes:  lse: (..., N) log-sum-exp, -inf where there is none;  total: (..., N) sum;
    count: (..., N).
    """

    lse: Tensor
    total: Tensor
    count: Tensor


def mixed_between(scores: Tensor, labels: Tensor, window: float) -> Between:
    """What anchors score with mixtures of a smaller and a larger label that equal their own.

    For y_j < y_i < y_k with y_i - y_j < window and y_k - y_i < window (all strict):
    a = (y_k - y_i) / (y_k - y_j),    s_ijk = a S_ij + (1 - a) S_ik

    Shapes:  scores: (..., N, N) of anchors against detached samples, divided by the temperature;
    labels: (..., N) float or integer. Leading axes are problems of their own, solved in step.
    Gradient: to scores, of first order; tiles of mixtures are made again in the backward pass.
    Cost: O(N^2) memory for the scores and O(#mixtures) time, in tiles of 2^20; sorted by label,
    an anchor's mixtures are a block, so that a narrow window costs little.
    Edge cases: the smallest and the largest label have no mixture, nor has a window of 0.
    Raises: ValueError: shapes do not fit.
    """
    if scores.ndim < 2 or scores.shape[:-1] != labels.shape or scores.shape[-1] != labels.shape[-1]:
        raise ValueError(
            "scores and labels must be (..., N, N) and (..., N), got "
            f"{tuple(scores.shape)} and {tuple(labels.shape)}"
        )
    n = labels.shape[-1]
    s, y = wide(scores).reshape(-1, n, n), labels.reshape(-1, n)
    order = y.argsort(1)
    y = y.gather(1, order).to(s.dtype)
    s = s.gather(1, order[:, :, None].expand_as(s)).gather(2, order[:, None].expand_as(s))
    found = _Between.apply(s, y, window)
    back = order.argsort(1)
    return Between(*(each.gather(1, back).view(labels.shape) for each in found))


class _Between(torch.autograd.Function):
    """`mixed_between` of P problems, samples in order of their labels: three of (P, N)."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, y: Tensor, window: float) -> tuple[Tensor, ...]:
        blocks = _Blocks.of(y, window)
        lse, total = scores.new_full(y.shape, -torch.inf), torch.zeros_like(y)
        ctx.tiles = _tiles(blocks)
        for tile in ctx.tiles:
            rows = tile[0]
            valid, _, x, *_ = _mixtures(scores, blocks, tile)
            lse[:, rows] = x.masked_fill(~valid, -torch.inf).flatten(2).logsumexp(2)
            total[:, rows] = x.masked_fill(~valid, 0).sum((2, 3))
        ctx.save_for_backward(scores, lse, *blocks.tensors)
        count = blocks.smaller * blocks.larger
        ctx.mark_non_differentiable(count)
        return lse, total, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_lse: Tensor, g_total: Tensor, _: Any) -> tuple[Tensor | None, ...]:
        scores, lse, *tensors = ctx.saved_tensors
        blocks, found = _Blocks(*tensors), torch.zeros_like(scores)
        for tile in ctx.tiles:
            rows = tile[0]
            valid, a, x, j, k = _mixtures(scores, blocks, tile)
            p = (x - lse[:, rows, None, None]).exp_()
            slope = p.mul_(g_lse[:, rows, None, None]).add_(g_total[:, rows, None, None])
            slope = slope.masked_fill_(~valid, 0)
            low = slope * a
            found[:, rows].scatter_add_(2, j, low.sum(3))
            found[:, rows].scatter_add_(2, k, slope.sub_(low).sum(2))
        return found, None, None


@dataclass(frozen=True)
class _Blocks:
    """Where in the order of labels each anchor's mixtures come from.

    Shapes:  gaps: (P, N, N) y_i - y_j;  first_smaller, smaller, first_larger, larger: (P, N), the
    first sample of smaller label within the window and how many there are, and of larger label.
    """

    gaps: Tensor
    first_smaller: Tensor
    smaller: Tensor
    first_larger: Tensor
    larger: Tensor

    @classmethod
    def of(cls, y: Tensor, window: float) -> _Blocks:
        gaps = y[:, :, None] - y[:, None]
        far, below, not_above = (each.sum(2) for each in (gaps >= window, gaps > 0, gaps >= 0))
        near = (gaps > -window).sum(2)
        return cls(gaps, far, (below - far).clamp(0), not_above, (near - not_above).clamp(0))

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them, to be saved."""
        return self.gaps, self.first_smaller, self.smaller, self.first_larger, self.larger


Tile = tuple[slice, int, int]  # anchors, and the most samples of smaller and of larger label


def _mixtures(
    scores: Tensor, blocks: _Blocks, tile: Tile
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Which mixtures of a tile there are, their shares a and their scores, each (P, b, J, K), and
    of which samples they are made, (P, b, J) and (P, b, K)."""
    rows, most_smaller, most_larger = tile
    gaps, own = blocks.gaps[:, rows], scores[:, rows]
    there, below, low, j = _side(
        gaps, own, blocks.first_smaller[:, rows], blocks.smaller[:, rows], most_smaller
    )
    also, above, high, k = _side(
        -gaps, own, blocks.first_larger[:, rows], blocks.larger[:, rows], most_larger
    )
    valid = there[..., None] & also[..., None, :]
    a = above[..., None, :] / (below[..., None] + above[..., None, :])
    return valid, a, torch.lerp(high[..., None, :], low[..., None], a), j, k


def _side(
    gaps: Tensor, scores: Tensor, first: Tensor, count: Tensor, most: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Runs of samples padded to one length: which are there, their gaps, scores and places."""
    step = torch.arange(most, device=gaps.device)
    there = step < count[..., None]
    place = (first[..., None] + step).clamp_(max=gaps.shape[2] - 1)
    # Any gap will do where nothing is: shares stay finite.
    return there, gaps.gather(2, place).masked_fill(~there, 1), scores.gather(2, place), place


def _tiles(blocks: _Blocks) -> list[Tile]:
    """Runs of anchors, each as long as its blocks fit into a tile without much waste."""
    problems = len(blocks.gaps)
    most = torch.stack([blocks.smaller.amax(0), blocks.larger.amax(0)], 1).tolist()
    found: list[Tile] = []
    first = lows = highs = needed = 0

    for i, (low, high) in enumerate(most):
        more = max(lows, low), max(highs, high)
        grown, alone = (i + 1 - first) * more[0] * more[1], low * high
        if i > first and problems * grown > min(
            TILE, max(SMALL_TILE, WASTE * problems * (needed + alone))
        ):
            found.append((slice(first, i), lows, highs))
            first, more, needed = i, (low, high), 0
        (lows, highs), needed = more, needed + alone
    found.append((slice(first, len(most)), lows, highs))
    return [tile for tile in found if tile[1] and tile[2]]
