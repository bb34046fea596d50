"""What the objectives share: log-ratios, who is preferred to whom, means over pairs and lists."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from contrast.forms import Lists
from contrast.objectives.rows import Reduction, reduced
from contrast.primitives.scores import wide


def bound(function: Callable[..., Tensor]) -> Callable[..., Callable[[Lists], Tensor]]:
    """What a recipe builds its objective with: settings first, the form later."""

    def build(**settings: Any) -> Callable[[Lists], Tensor]:
        return partial(function, **settings)

    return build


def existing(lists: Lists) -> Tensor:
    """Which alternatives exist, (N, K) bool.

    Raises: ValueError: scores are not (N, K), or another field has another shape.
    """
    scores = lists.scores
    if scores.ndim != 2:
        raise ValueError(f"scores must be (N, K), got {tuple(scores.shape)}")
    for name, value, _ in lists.tensors():
        if name != "ids" and value.shape != scores.shape:
            raise ValueError(
                f"{name} and scores must have one shape, got {tuple(value.shape)} and "
                f"{tuple(scores.shape)}"
            )
    return torch.ones_like(scores, dtype=torch.bool) if lists.mask is None else lists.mask


def log_probs(lists: Lists, *, normalize: bool = False) -> Tensor:
    """log pi of the responses, or if asked its mean over tokens; 0 where none exists.  (N, K)."""
    exists = existing(lists)
    found = wide(lists.scores).masked_fill(~exists, 0)
    return found / token_counts(lists) if normalize else found


def log_ratios(lists: Lists, *, normalize: bool = False) -> Tensor:
    """z = log pi - log ref, or if asked its mean over tokens; 0 where none exists.  (N, K).

    Raises: ValueError: there are no reference scores.
    """
    if lists.reference is None:
        raise ValueError("this objective compares with a reference model; `reference` is missing")
    exists = existing(lists)
    found = (wide(lists.scores) - wide(lists.reference)).masked_fill(~exists, 0)
    return found / token_counts(lists) if normalize else found


def token_counts(lists: Lists) -> Tensor:
    """Tokens of each response, at least 1.

    Raises: ValueError: the form has no lengths.
    """
    if lists.lengths is None:
        raise ValueError("a mean over tokens needs `lengths`, the numbers of response tokens")
    return lists.lengths.clamp_min(1)


def grades(lists: Lists) -> Tensor:
    """The grades; without any, the alternatives stand in order, the best one first.  (N, K).

    0 where no alternative is.
    """
    scores, found = wide(lists.scores), lists.targets
    if found is None:
        found = torch.arange(scores.shape[1], 0, -1, device=scores.device).expand_as(scores)
    return found.to(scores.dtype).masked_fill(~existing(lists), 0)


def preferred(lists: Lists) -> Tensor:
    """Whether i is preferred to j: both exist and i has the larger grade.  (N, K, K) bool."""
    exists, grade = existing(lists), grades(lists)
    return (grade[:, :, None] > grade[:, None, :]) & exists[:, :, None] & exists[:, None, :]


def gaps(scores: Tensor) -> Tensor:
    """s_i - s_j, (N, K, K)."""
    return scores[:, :, None] - scores[:, None, :]


def best(lists: Lists) -> Tensor:
    """The place of the best alternative, the first one among equals.  (N, 1) integer."""
    grade = grades(lists).masked_fill(~existing(lists), -torch.inf)
    return grade.argmax(1, keepdim=True)


def mean_over_pairs(losses: Tensor, pairs: Tensor, reduction: Reduction) -> Tensor:
    """The mean over each list's pairs, reduced over the lists that have any."""
    counts = pairs.sum((1, 2))
    each = losses.masked_fill(~pairs, 0).sum((1, 2)) / counts.clamp_min(1)
    return reduced(each, reduction, counts > 0)


def sum_over_pairs(losses: Tensor, pairs: Tensor, reduction: Reduction) -> Tensor:
    """The sum over each list's pairs, reduced over the lists that have any."""
    each = losses.masked_fill(~pairs, 0).sum((1, 2))
    return reduced(each, reduction, pairs.any(2).any(1))


def contested(lists: Lists) -> Tensor:
    """Whether a list has two alternatives of unequal grade.  (N,) bool."""
    return preferred(lists).any(2).any(1)
