"""Reward models: Bradley-Terry with margins, flips and soft labels from an ensemble's votes."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

from contrast.forms import Lists
from contrast.objectives.rows import Reduction
from contrast.primitives.scores import wide
from contrast_alignment.form import Judged
from contrast_alignment.objectives.compared import (
    bound,
    existing,
    gaps,
    log_probs,
    mean_over_pairs,
    preferred,
)

Kind = Literal[
    "plain", "smoothing", "margin", "flip", "flip_margin", "soft_label_margin", "released"
]
RELEASED_FLOOR = 1e-5  # what the released trainer adds inside the logarithm


def reward(
    lists: Lists, *, kind: Kind = "plain", alpha: float = 0.1, reduction: Reduction = "mean"
) -> Tensor:
    """Preference among rewards, with what an ensemble's votes say of each pair.

    D = r_i - r_j for i preferred to j,  u = strength_i - strength_j, the voters' mean of D
    plain              softplus(-D)
    smoothing          (1 - alpha) softplus(-D) + alpha softplus(D)
    margin             softplus(-(D - u)) on every pair; u < 0 lowers the bar
    flip               labels swapped where u < 0
    flip_margin        the same with margin |u|
    soft_label_margin  smoothing where u < 0 only, margin u everywhere
    released           -log(sigmoid(D) + 1e-5), the released trainer's form: bounded by 11.5
                                                                    (arXiv:2401.06080, section 2)

    Shapes:  scores: (N, K) rewards;  strength: (N, K);  returns () or (N,) if reduction="none".
    Gradient: flows to the scores.     Cost: O(N K^2).
    Raises: ValueError: an unknown kind, or one that needs votes and has none.
    """
    if kind not in FORMULAS:
        raise ValueError(f"kind must be one of {tuple(FORMULAS)}, got {kind!r}")
    gap = gaps(log_probs(lists))
    losses = FORMULAS[kind](gap, alpha, lists)
    return mean_over_pairs(losses, preferred(lists), reduction)


def votes(rewards: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and population deviation of the voters' differences.  (M, N) to (N,) and (N,)."""
    return rewards.mean(0), rewards.std(0, correction=0)


def metarm_difference(lists: Lists, *, reduction: Reduction = "mean") -> Tensor:
    """How far a reward model tells a policy's own responses apart: to be made larger.

    J = mean over i < j of sigmoid(|r_i - r_j|)                     (arXiv:2405.00438, eq. 5)

    Shapes:  scores: (N, K) rewards of K responses a prompt;  returns () or (N,).
    Gradient: flows to the scores; 0 between equal ones, where |.| has a kink.
    Differs: the factor 2 / (K (K - 1)); a summary of the paper prints 2 K instead.
    Edge cases: a prompt with fewer than two responses is left out.
    """
    r, exists = log_probs(lists), existing(lists)
    pairs = (exists[:, :, None] & exists[:, None, :]).triu(1)
    return mean_over_pairs(torch.sigmoid(gaps(r).abs()), pairs, reduction)


def released(gap: Tensor) -> Tensor:
    """-log(sigmoid(D) + 1e-5)."""
    return -torch.log(torch.sigmoid(gap) + RELEASED_FLOOR)


def _strength(lists: Lists) -> Tensor:
    found = lists.strength if isinstance(lists, Judged) else None
    if found is None:
        raise ValueError("this kind needs the votes of an ensemble; `strength` is missing")
    return gaps(wide(found).masked_fill(~existing(lists), 0))


def _soft(gap: Tensor, alpha: Tensor | float) -> Tensor:
    return (1 - alpha) * softplus(-gap) + alpha * softplus(gap)


def _flip(gap: Tensor, alpha: float, lists: Lists) -> Tensor:
    return softplus(-torch.where(_strength(lists) < 0, -gap, gap))


def _flip_margin(gap: Tensor, alpha: float, lists: Lists) -> Tensor:
    u = _strength(lists)
    return softplus(-(torch.where(u < 0, -gap, gap) - u.abs()))


def _soft_label_margin(gap: Tensor, alpha: float, lists: Lists) -> Tensor:
    u = _strength(lists)
    return _soft(gap - u, alpha * (u < 0))


FORMULAS = {
    "plain": lambda gap, alpha, lists: softplus(-gap),
    "smoothing": lambda gap, alpha, lists: _soft(gap, alpha),
    "margin": lambda gap, alpha, lists: softplus(-(gap - _strength(lists))),
    "flip": _flip,
    "flip_margin": _flip_margin,
    "soft_label_margin": _soft_label_margin,
    "released": lambda gap, alpha, lists: released(gap),
}

build = bound(reward)
