"""LiPO: alignment as learning to rank, by any of seven ranking losses on s = beta z."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax, softplus

from contrast.forms import Lists
from contrast.objectives.rows import Reduction, reduced
from contrast_alignment.objectives.compared import (
    bound,
    contested,
    existing,
    gaps,
    grades,
    log_ratios,
    preferred,
)
from contrast_alignment.objectives.plackett_luce import order_loss

Kind = Literal["lambda", "logistic", "hinge", "list_mle", "softmax", "mse", "sigmoid"]


def lipo(
    lists: Lists, *, beta: float = 0.05, kind: Kind = "lambda", reduction: Reduction = "mean"
) -> Tensor:
    """A ranking loss on the scores s = beta (log pi - log ref) of each list, with grades psi.

    lambda    sum over psi_i > psi_j of Delta_ij softplus(-(s_i - s_j)), see `lambda_weights`
    logistic  the same with weight 1: DPO over all pairs
    hinge     sum over psi_i > psi_j of max(0, 1 - (s_i - s_j)): SLiC over all pairs
    list_mle  sum_k [ log sum_{i >= k} exp(s_i) - s_k ] in order of falling psi
    softmax   - sum_i psi_i / (sum psi) log softmax(s)_i
    mse       sum_i (psi_i - s_i)^2
    sigmoid   - sum_i [ psi_i log sigmoid(s_i) + (1 - psi_i) log sigmoid(-s_i) ], psi in 0..1
                                                            (arXiv:2402.01878, table 1 and eq. 11)

    Shapes:  scores, reference, targets: (N, K);  returns () or (N,) if reduction="none".
    Gradient: flows to the scores; the weights Delta have none.     Cost: O(N K^2).
    Edge cases: equal grades make no pair; softmax of grades that sum to 0 is 0.
    Differs: the formula of lambda circulates with its sign reversed; minimised, that trains
    backwards.
    Raises: ValueError: an unknown kind, or no reference.
    """
    s = beta * log_ratios(lists)
    if kind in PAIRWISE:
        each = PAIRWISE[kind](s, lists).masked_fill(~preferred(lists), 0).sum((1, 2))
        counted = contested(lists)
    elif kind == "list_mle":
        each, counted = order_loss(s, lists), contested(lists)
    elif kind in POINTWISE:
        each, counted = POINTWISE[kind](s, lists), existing(lists).any(1)
    else:
        raise ValueError(f"kind must be one of {(*PAIRWISE, 'list_mle', *POINTWISE)}, got {kind!r}")
    return reduced(each.masked_fill(~counted, 0), reduction, counted)


def lambda_weights(s: Tensor, lists: Lists) -> Tensor:
    """Delta_ij = |G_i - G_j| |1/D(tau_i) - 1/D(tau_j)|,  G = 2^psi - 1,  D(r) = log(1 + r).

    tau is the rank by the model's own scores, from 1; equal scores rank in the order of the list,
    so that lists should be shuffled. Without gradient.  (N, K, K).
    """
    exists = existing(lists)
    order = s.detach().masked_fill(~exists, -torch.inf).argsort(dim=1, descending=True, stable=True)
    rank = order.argsort(1) + 1
    gain = torch.exp2(grades(lists)) - 1
    discount = 1 / torch.log1p(rank.to(s.dtype))
    return gaps(gain).abs() * gaps(discount).abs()


def _softmax(s: Tensor, lists: Lists) -> Tensor:
    exists, psi = existing(lists), grades(lists)
    share = psi / psi.sum(1, keepdim=True).clamp_min(torch.finfo(s.dtype).tiny)
    floor = torch.finfo(s.dtype).min / 2  # not -inf: 0 times it is 0
    return -(share * log_softmax(s.masked_fill(~exists, floor), 1)).sum(1)


def _mse(s: Tensor, lists: Lists) -> Tensor:
    return (grades(lists) - s).square().masked_fill(~existing(lists), 0).sum(1)


def _sigmoid(s: Tensor, lists: Lists) -> Tensor:
    psi = grades(lists)
    losses = binary_cross_entropy_with_logits(s, psi, reduction="none")
    return losses.masked_fill(~existing(lists), 0).sum(1)


PAIRWISE = {
    "lambda": lambda s, lists: lambda_weights(s, lists) * softplus(-gaps(s)),
    "logistic": lambda s, lists: softplus(-gaps(s)),
    "hinge": lambda s, lists: (1 - gaps(s)).clamp_min(0),
}
POINTWISE = {"softmax": _softmax, "mse": _mse, "sigmoid": _sigmoid}

build = bound(lipo)
