"""Agreement of scores with graded lists: read off the signs of all pairwise differences.

N lists of K alternatives, padded to one length; `mask` says which alternatives exist. Each
function gives the mean over the lists in which it is defined, or None when there is no such list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

_CHUNK = 1 << 22  # pairs looked at together: 32 MB of float64


def pairwise_accuracy(scores: Tensor, targets: Tensor, mask: Tensor | None = None) -> float | None:
    """The share of pairs with different targets that the scores order rightly; a tie is a half.

    Each list counts alike. A list whose targets are all equal has no such pair and is left out.

    Shapes:  scores, targets: (N, K);  mask: (N, K) bool.
    Raises: ValueError: shapes differ, or a score or target in the mask is not finite.
    """

    def of_lists(score_sign: Tensor, target_sign: Tensor) -> Tensor:
        agreement = (1 + score_sign * target_sign) / 2 * target_sign.abs()
        return agreement.sum((1, 2)) / target_sign.abs().sum((1, 2))

    return _mean_over_lists(of_lists, scores, targets, mask)


def kendall(scores: Tensor, targets: Tensor, mask: Tensor | None = None) -> float | None:
    """Kendall's tau-b, the correlation of the pairwise signs; lists without two levels left out.

    Shapes and errors: as `pairwise_accuracy`.
    """

    def of_lists(score_sign: Tensor, target_sign: Tensor) -> Tensor:
        return _correlation(score_sign.flatten(1), target_sign.flatten(1))

    return _mean_over_lists(of_lists, scores, targets, mask)


def spearman(scores: Tensor, targets: Tensor, mask: Tensor | None = None) -> float | None:
    """Spearman's rho: the correlation of the mean ranks; lists without two levels are left out.

    The sum of an alternative's signs is twice its rank, less the mean, so nothing is sorted.
    Shapes and errors: as `pairwise_accuracy`.
    """

    def of_lists(score_sign: Tensor, target_sign: Tensor) -> Tensor:
        return _correlation(score_sign.sum(2), target_sign.sum(2))

    return _mean_over_lists(of_lists, scores, targets, mask)


def ndcg(
    scores: Tensor,
    targets: Tensor,
    mask: Tensor | None = None,
    *,
    k: int | None = None,
    gain: Literal["linear", "exponential"] = "linear",
) -> float | None:
    """Normalised discounted cumulative gain of the first `k` (all when None), in 0..1.

    sum_r gain(target at rank r) / log2(1 + r), over the same in the ideal order; the gain of a
    target y is y or 2^y - 1. Tied scores share the mean gain of their ranks, as in scikit-learn.
    A list without gain is left out.

    Shapes:  scores, targets: (N, K), targets >= 0;  mask: (N, K) bool.
    Raises: ValueError: shapes differ, a value in the mask is not finite, or a target is negative.
    """
    scores, targets, mask = _checked(scores, targets, mask)
    if (targets < 0).any():
        raise ValueError(f"targets of ndcg must be >= 0, got {float(targets.min())}")
    gains = torch.where(mask, targets if gain == "linear" else torch.exp2(targets) - 1, 0)
    rank = torch.arange(1, scores.shape[1] + 1, device=scores.device)
    discount = torch.where(rank <= (k or len(rank)), 1 / (1 + rank).double().log2(), 0)
    order = scores.masked_fill(~mask, -torch.inf).sort(1, descending=True)
    tied = _tie_groups(order.values)
    total = torch.zeros_like(gains).scatter_add_(1, tied, gains.gather(1, order.indices))
    size = torch.zeros_like(gains).scatter_add_(1, tied, torch.ones_like(gains))
    mean_gain = (total / size.clamp(min=1)).gather(1, tied)
    ideal = gains.sort(1, descending=True).values @ discount
    return _mean((mean_gain @ discount / ideal)[ideal > 0])


def _tie_groups(ordered: Tensor) -> Tensor:
    """The number of the group of equal values that each position of a sorted row belongs to."""
    fresh = torch.zeros_like(ordered, dtype=torch.long)
    fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    return fresh.cumsum(1)


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """The correlation of rows that have mean zero by construction; NaN where a row is constant."""
    return (a * b).sum(1) / (a.square().sum(1) * b.square().sum(1)).sqrt()


def _mean_over_lists(
    of_lists: Callable[[Tensor, Tensor], Tensor],
    scores: Tensor,
    targets: Tensor,
    mask: Tensor | None,
) -> float | None:
    scores, targets, mask = _checked(scores, targets, mask)
    rows = max(1, _CHUNK // scores.shape[1] ** 2)
    values = []
    for s, t, m in zip(scores.split(rows), targets.split(rows), mask.split(rows), strict=True):
        both = m[:, :, None] & m[:, None, :]
        values.append(of_lists(_signs(s) * both, _signs(t) * both))
    found = torch.cat(values)
    return _mean(found[found.isfinite()])


def _signs(values: Tensor) -> Tensor:
    return torch.sign(values[:, :, None] - values[:, None, :])  # (n, K, K)


def _checked(scores: Tensor, targets: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """The three as float64 and bool, with zeros where the mask is false."""
    mask = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask.bool()
    if scores.ndim != 2 or not scores.shape == targets.shape == mask.shape or not scores.numel():
        raise ValueError(
            "scores, targets and mask must have one filled shape (N, K), got "
            f"{tuple(scores.shape)}, {tuple(targets.shape)} and {tuple(mask.shape)}"
        )
    scores, targets = (v.double().masked_fill(~mask, 0) for v in (scores, targets))
    if not (scores.isfinite().all() and targets.isfinite().all()):
        raise ValueError("scores and targets must be finite, got NaN or infinity")
    return scores, targets, mask


def _mean(values: Tensor) -> float | None:
    return float(values.mean()) if len(values) else None
