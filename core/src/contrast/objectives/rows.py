"""What objectives share: rows of unit length, losses reduced, and sums over related rows."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from contrast.forms import Same
from contrast.primitives.scores import wide

Reduction = Literal["mean", "sum", "none"]


def unit(x: Tensor) -> Tensor:
    """The rows scaled to length 1, in float32 at least; a zero row stays zero."""
    return normalize(wide(x), dim=-1, eps=1e-12)


def reduced(losses: Tensor, reduction: Reduction, counted: Tensor | None = None) -> Tensor:
    """The losses as they are, their sum, or their mean over those that count (all if None).

    The mean of nothing is 0, attached to the graph.

    Raises: ValueError: the reduction is none of the three.
    """
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if reduction != "mean":
        raise ValueError(f"reduction must be mean, sum or none, got {reduction!r}")
    return losses.sum() / (max(losses.numel(), 1) if counted is None else counted.sum().clamp(1))


def check_aligned(anchors: Tensor, candidates: Tensor, positives: Same | None) -> None:
    """Raises: ValueError: there are no `positives`, and not for each anchor a candidate."""
    if positives is None and len(anchors) > len(candidates):
        raise ValueError(
            f"without `positives` each anchor needs a candidate of its own, got {len(anchors)} "
            f"anchors and {len(candidates)} candidates"
        )


def related(relation: Same, x: Tensor, excluded: Same | None = None) -> tuple[Tensor, Tensor]:
    """The sum of the rows of x to which each anchor is related, and how many those are.

    Pairs that are `excluded` as well are left out. Costs O((N + M) D): sums by id, and no mask.

    Shapes:  relation, excluded: N x M;  x: (M, D);  returns (N, D) and (N,), in the dtype of x.
    """
    numbers = _numbers(relation)
    sums, counts = _sums_by_number(numbers, len(relation.rows), x)
    if excluded is not None:
        both = numbers * len(numbers) + _numbers(excluded)
        out_sums, out_counts = _sums_by_number(_renumbered(both), len(relation.rows), x)
        sums, counts = sums - out_sums, counts - out_counts
    return sums, counts


def related_pairs(relation: Same, excluded: Same | None = None) -> tuple[Tensor, Tensor]:
    """The pairs that are related and not `excluded`, by anchor: their rows and their columns.

    Shapes:  relation, excluded: N x M;  returns (E,) and (E,) integer.     Cost: O(N + M + E).
    """
    numbers, n = _numbers(relation), len(relation.rows)
    ordered, order = numbers[n:].sort()
    first = torch.searchsorted(ordered, numbers[:n])
    counts = torch.searchsorted(ordered, numbers[:n], right=True) - first
    rows = torch.arange(n, device=counts.device).repeat_interleave(counts)
    begin = first - (counts.cumsum(0) - counts)  # of each anchor's run, less the pairs before it
    columns = order[torch.arange(len(rows), device=counts.device) + begin[rows]]
    if excluded is None:
        return rows, columns
    kept = excluded.rows[rows] != excluded.columns[columns]
    return rows[kept], columns[kept]


def _numbers(relation: Same) -> Tensor:
    """The ids of the anchors, then of the candidates, numbered from 0: (N + M,)."""
    return _renumbered(torch.cat((relation.rows, relation.columns)))


def _renumbered(ids: Tensor) -> Tensor:
    return torch.unique(ids, return_inverse=True)[1]


def _sums_by_number(numbers: Tensor, n: int, x: Tensor) -> tuple[Tensor, Tensor]:
    """The sums and counts of the candidates of each anchor's number."""
    sums = x.new_zeros(len(numbers), x.shape[1]).index_add(0, numbers[n:], x)
    counts = x.new_zeros(len(numbers)).index_add(0, numbers[n:], x.new_ones(len(x)))
    return sums[numbers[:n]], counts[numbers[:n]]
