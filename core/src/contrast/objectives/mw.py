"""MW: every positive of a batch against every negative, whichever anchor it is of (2510.00137).

A contrastive loss does not notice if all scores of one anchor are shifted; this one does, and
bounds the area over the ROC curve of all pairs pooled: AoC <= L / log 2.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.utils.checkpoint import checkpoint

from contrast.errors import BatchError
from contrast.forms import Differ, Pairs, Same
from contrast.objectives.rows import related, related_pairs, unit
from contrast.primitives.pair_sums import pair_sum, softplus_against
from contrast.primitives.scores import check_pairs, wide
from contrast.primitives.structure import OffDiagonal, Structure

PairReduction = Literal["mean", "sum_neg"]

# Steps of the table within one temperature: the interpolated loss is out by 1e-7 of its own.
STEPS = 8
# Numbers of the table that are in memory at once.
TABLE_PART = 2**21


class MW(nn.Module):
    """MW as the objective of a recipe: `mw` on a `Pairs` form."""

    def __init__(
        self,
        temperature: float = 0.01,
        reduction: PairReduction = "mean",
        approx: bool = False,
    ) -> None:
        super().__init__()
        self.temperature, self.reduction, self.approx = temperature, reduction, approx

    def forward(self, form: Pairs) -> Tensor:
        """The loss, a scalar."""
        return mw(
            form.anchors,
            form.candidates,
            temperature=self.temperature,
            positives=form.positives,
            excluded=form.excluded,
            reduction=self.reduction,
            approx=self.approx,
        )


def mw(
    anchors: Tensor,
    candidates: Tensor,
    *,
    temperature: float,
    positives: Same | None = None,
    excluded: Same | None = None,
    reduction: PairReduction = "mean",
    approx: bool = False,
    normalize: bool = True,
) -> Tensor:
    """Mean of softplus((s- - s+) / t) over all pairs of a positive and a negative score.

    L = mean_{p, n} softplus((s_n - s_p) / t)                       (arXiv:2510.00137, eq. 2)

    s_p are the scores of positive pairs, (i, i) unless `positives` says which; s_n those of all
    others that are not `excluded`. "sum_neg" sums over n (eq. 3 as printed).
    `approx` reads sum_p softplus((s - s_p) / t), one smooth function of s, off a table, by cubic
    interpolation.

    Shapes:  anchors: (N, D), candidates: (M, D) float, any scale (normalised inside, unless told
    not to);  positives, excluded: N x M;  returns (); at least float32.
    Gradient: flows to both sides; under `approx` that of the interpolated loss.
    Cost: O(N M (D + P)) time for P positives, under `approx` O(N M D + P / t); O((N + M) D) memory.
    Edge cases: no positive or no negative gives 0 with zero gradient. NaN in, NaN out.
    Raises: ValueError: shapes do not fit, temperature <= 0, an unknown reduction, `approx` of rows
    that are not unit, or one pair only, which has no negative.
    """
    n, m = check_pairs(anchors, candidates, temperature)
    if positives is None and (n > m or n == m == 1):
        raise BatchError(
            f"each of {n} anchors needs a candidate of its own, and a negative, among {m}"
        )
    if reduction not in ("mean", "sum_neg"):
        raise ValueError(f"reduction must be mean or sum_neg, got {reduction!r}")
    if approx and not normalize:
        raise ValueError("`approx` has a table of cosines: it needs `normalize`")
    prepare = unit if normalize else wide
    with torch.autocast(anchors.device.type, enabled=False):
        a, k = prepare(anchors), prepare(candidates)
        if positives is None:
            rows = columns = torch.arange(n, device=a.device)
        else:
            rows, columns = related_pairs(positives, excluded)
        own = (a[rows] * k[columns]).sum(1)  # (P,)
        if not len(own):
            return own.sum()
        if approx:
            function, parameters = _read_off, _table(own, temperature)
        else:
            function, parameters = partial(softplus_against, temperature=temperature), (own,)
        negatives = _negatives(positives, excluded)
        total = pair_sum(a, k, function, parameters=parameters, weights=negatives)
    if reduction == "sum_neg":
        return total / len(own)
    number = _number_of_negatives(a, k, len(own), positives, excluded)
    return total / len(own) / number.clamp_min(1).to(total)


def _negatives(positives: Same | None, excluded: Same | None) -> list[Structure]:
    structures: list[Structure] = [
        OffDiagonal() if positives is None else Differ(positives.rows, positives.columns)
    ]
    return structures + ([] if excluded is None else [Differ(excluded.rows, excluded.columns)])


def _number_of_negatives(
    a: Tensor, k: Tensor, own: int, positives: Same | None, excluded: Same | None
) -> Tensor:
    """How many of the N M pairs are neither positive nor excluded, ()."""
    number = a.new_tensor(len(a) * len(k) - own, dtype=torch.float64)
    if excluded is not None:
        number = number - related(excluded, k[:, :1].double())[1].sum()
        if positives is None:  # anchor i and candidate i stay positive though they are excluded
            number = number + (excluded.rows == excluded.columns[: len(a)]).sum()
    return number


def _table(own: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """sum_p softplus((s - s_p) / t) and its derivative at equal steps of s from -1 to 1: (G,)."""
    steps = max(math.ceil(2 * STEPS / temperature), STEPS)
    grid = torch.linspace(-1, 1, steps + 1, dtype=own.dtype, device=own.device)
    parts = own.split(max(TABLE_PART // len(grid), 1))
    if len(parts) == 1:
        values, slopes = _table_part(grid, own, temperature)
        return values, slopes
    options = {"use_reentrant": False, "preserve_rng_state": False}
    found = [checkpoint(_table_part, grid, part, temperature, **options) for part in parts]
    values, slopes = torch.stack(found).sum(0)
    return values, slopes


def _table_part(grid: Tensor, own: Tensor, temperature: float) -> Tensor:
    x = (grid[:, None] - own) / temperature
    return torch.stack((softplus(x).sum(1), x.sigmoid().sum(1) / temperature))


def _read_off(scores: Tensor, values: Tensor, slopes: Tensor) -> Tensor:
    """The tabulated function of the scores, cubic between grid points (Hermite)."""
    step = 2 / (len(values) - 1)
    place = (scores + 1) / step
    left = place.nan_to_num().floor().clamp(0, len(values) - 2).long()
    x, left = place - left, left.flatten()

    def at(table: Tensor, index: Tensor) -> Tensor:
        return table.index_select(0, index).view_as(scores)

    low, high = at(values, left), at(values, left + 1)
    bend_low, bend_high = at(slopes, left) * step, at(slopes, left + 1) * step
    rise = x * x * (3 - 2 * x)
    bends = x * (1 - x).square() * bend_low + x * x * (x - 1) * bend_high
    return low + rise * (high - low) + bends
