"""Supervised fine-tuning as implicit reward learning, under five divergences."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from contrast.forms import Lists
from contrast.objectives.rows import Reduction, reduced
from contrast_alignment.objectives.compared import best, bound, existing, log_ratios

Phi = Literal[
    "total_variation", "pearson_chi2", "squared_hellinger", "jensen_shannon", "reverse_kl"
]
DOMAIN = {"squared_hellinger": -1.0, "jensen_shannon": -math.log(2)}  # r must lie above
EDGE = 1e-3  # how far within its domain r is clamped


def fdiv_sft(
    lists: Lists,
    *,
    beta: float = 1.0,
    phi: Phi = "total_variation",
    reduction: Reduction = "mean",
) -> Tensor:
    """Minus a concave function of the implicit reward of each list's best response.

    L = -mean phi(r),   r = beta (log pi - log ref)
    total_variation    r                    this is plain fine-tuning, up to a constant
    pearson_chi2       r - r^2 / 4          pushes down once r > 2
    squared_hellinger  r / (1 + r)          r > -1
    jensen_shannon     log(2 - exp(-r))     r > -log 2
    reverse_kl         -exp(-(r + 1))
                                            (arXiv:2507.00018; inferred, see below)

    Below its domain r is clamped 0.001 inside it, where it has no gradient; `clamped` counts them.
    Inferred: the paper's parametrisation was not seen; this is the distribution-matching form.

    Shapes:  scores, reference: (N, K);  returns () or (N,) if reduction="none".
    Gradient: flows to the score of each list's best response.
    Raises: ValueError: an unknown phi, or no reference.
    """
    if phi not in FORMULAS:
        raise ValueError(f"phi must be one of {tuple(FORMULAS)}, got {phi!r}")
    r = implicit_reward(lists, beta)
    if phi in DOMAIN:
        r = r.clamp_min(DOMAIN[phi] + EDGE)
    counted = existing(lists).any(1)
    return reduced((-FORMULAS[phi](r)).masked_fill(~counted, 0), reduction, counted)


def implicit_reward(lists: Lists, beta: float) -> Tensor:
    """beta (log pi - log ref) of each list's best response.  (N,)."""
    return beta * log_ratios(lists).gather(1, best(lists))[:, 0]


def clamped(lists: Lists, beta: float, phi: Phi) -> Tensor:
    """How many responses lie below the domain of phi.  () integer."""
    low = DOMAIN.get(phi, -math.inf) + EDGE
    return ((implicit_reward(lists, beta) < low) & existing(lists).any(1)).sum()


FORMULAS = {
    "total_variation": lambda r: r,
    "pearson_chi2": lambda r: r - r.square() / 4,
    "squared_hellinger": lambda r: r / (1 + r),
    "jensen_shannon": lambda r: torch.log(2 - torch.exp(-r)),
    "reverse_kl": lambda r: -torch.exp(-(r + 1)),
}

build = bound(fdiv_sft)
