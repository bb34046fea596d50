"""Direct Nash Optimization: win rates against the last policy, by regression or by large gaps."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from contrast.forms import Lists
from contrast.objectives.rows import Reduction
from contrast_alignment.objectives.compared import (
    bound,
    existing,
    gaps,
    grades,
    log_ratios,
    mean_over_pairs,
    preferred,
)


def dno_regression(lists: Lists, *, eta: float = 0.1, reduction: Reduction = "mean") -> Tensor:
    """Regress the policy's own reward difference onto the difference of win rates.

    h = eta (z_i - z_j),  p = sigmoid(r_i - r_j),  r = win rate against the reference, in 0..1
    L = mean over i < j of [ p softplus(-h) + (1 - p) softplus(h) ]     (arXiv:2404.03715, Alg. 1)

    The reference is the policy at the start of the iteration, and moves with each one.

    Shapes:  scores, reference, targets: (N, K);  returns () or (N,) if reduction="none".
    Gradient: flows to the scores.     Cost: O(N K^2).
    Edge cases: equal win rates pull z_i and z_j together; they are pairs like any other.
    """
    h = eta * gaps(log_ratios(lists))
    p = torch.sigmoid(gaps(grades(lists)))
    exists = existing(lists)
    pairs = (exists[:, :, None] & exists[:, None, :]).triu(1)
    return mean_over_pairs(p * softplus(-h) + (1 - p) * softplus(h), pairs, reduction)


def dno_contrastive(
    lists: Lists,
    *,
    beta: float = 0.1,
    margin: float = 0.0,
    floor: float = 0.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """DPO on the pairs whose winner is good and much better than the loser.

    L = mean of softplus(-beta (z_i - z_j)) over r_i - r_j >= margin, r_i >= floor, r_i > r_j
                                                                        (arXiv:2404.03715, Alg. 2)

    Shapes, gradient and cost: as `dno_regression`.
    Edge cases: a list without such a pair is left out, see `accepted`.
    """
    u = beta * gaps(log_ratios(lists))
    return mean_over_pairs(softplus(-u), accepted(lists, margin, floor), reduction)


def accepted(lists: Lists, margin: float, floor: float) -> Tensor:
    """Which pairs pass the filter of Algorithm 2.  (N, K, K) bool."""
    grade = grades(lists)
    return preferred(lists) & (gaps(grade) >= margin) & (grade >= floor)[:, :, None]


build = bound(dno_regression)
build_contrastive = bound(dno_contrastive)
