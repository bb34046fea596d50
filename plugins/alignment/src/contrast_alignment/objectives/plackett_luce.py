"""Plackett-Luce: the likelihood of a whole order, on log-ratios or on mean log-probabilities."""

from __future__ import annotations

import torch
from torch import Tensor

from contrast.forms import Lists
from contrast.objectives.rows import Reduction, reduced
from contrast_alignment.objectives.compared import (
    best,
    bound,
    contested,
    existing,
    grades,
    log_probs,
)


def pro_ranking(lists: Lists, *, sft_weight: float = 0.0, reduction: Reduction = "mean") -> Tensor:
    """Preference Ranking Optimization: each response against all that are worse.

    L = sum_k [ log sum_{i >= k} exp(p_i) - p_k ] - sft_weight p_best,   p = log pi / tokens,
    in order of falling grade                                          (arXiv:2306.17492, eq. 6)

    Shapes:  scores, lengths: (N, K);  returns () or (N,) if reduction="none".
    Gradient: flows to the scores.     Cost: O(N K log K).
    Differs: without the paper's temperatures from reward differences; equal grades stand in the
    order of the list.
    """
    p = log_probs(lists, normalize=True)
    each = order_loss(p, lists) - sft_weight * p.gather(1, best(lists))[:, 0]
    counted = contested(lists)
    return reduced(each.masked_fill(~counted, 0), reduction, counted)


def order_loss(scores: Tensor, lists: Lists) -> Tensor:
    """-log probability of the order by falling grade; equal ones in the order of the list.  (N,)

    sum_k [ log sum_{i >= k} exp(s_i) - s_k ]
    """
    exists = existing(lists)
    grade = grades(lists).masked_fill(~exists, -torch.inf)
    order = grade.argsort(dim=1, descending=True, stable=True)
    exists = exists.gather(1, order)
    ordered = scores.gather(1, order).masked_fill(~exists, -torch.inf)
    rest = ordered.flip(1).logcumsumexp(1).flip(1)
    return torch.where(exists, rest - ordered, 0).sum(1)


build = bound(pro_ranking)
