"""Contrastive policy gradient: the difference of rewards is that of log-ratios, times beta."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from contrast.forms import Lists
from contrast.objectives.rows import Reduction
from contrast_alignment.objectives.compared import (
    bound,
    existing,
    gaps,
    grades,
    log_ratios,
    mean_over_pairs,
)


def copg(
    lists: Lists,
    *,
    beta: float = 0.05,
    variant: Literal["gradient", "squared"] = "gradient",
    reduction: Reduction = "mean",
) -> Tensor:
    """Policy gradient of any reward from any responses, each the baseline of the others.

    With R the reward (the grade), R_b = R - beta z the regularised one, and D = z_i - z_j:

    gradient:  L = - mean over pairs i < j of [(R_i - R_j) D - beta/2 D^2]        (arXiv:2406.19185)
    squared:   L = mean over pairs i < j of (R_b,i - R_b,j)^2, whose gradient is 2 beta times that

    Both are least at pi ~ ref exp(R / beta), whoever wrote the responses. Rewards count by their
    size: dividing them by a number is multiplying beta by it. z is a sum over tokens and is not
    divided by their number, which would move the optimum.

    Shapes:  scores, reference, targets: (N, K);  returns () or (N,) if reduction="none".
    Gradient: flows to the scores.     Cost: O(N K^2).
    Edge cases: equal rewards pull their log-ratios together and stay in the mean; a list of one
    gives 0 and is left out.
    Raises: ValueError: no reference, shapes differ, or beta <= 0.
    """
    if beta <= 0:
        raise ValueError(f"beta must be > 0, got {beta}")
    exists = existing(lists)
    pairs = (exists[:, :, None] & exists[:, None, :]).triu(1)
    R, D = gaps(grades(lists)), gaps(log_ratios(lists))
    if variant == "squared":
        return mean_over_pairs((R - beta * D).square(), pairs, reduction)
    return mean_over_pairs(beta / 2 * D.square() - R * D, pairs, reduction)


build = bound(copg)
