"""Contrasts of two dropouts of the states behind rewards (arXiv:2401.06080, section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor

from contrast.objectives.infonce import infonce
from contrast.objectives.rows import Reduction, reduced, unit

ROUNDS, SHARPNESS = 3, 0.05  # of Sinkhorn-Knopp


def simcse(
    states: Tensor, again: Tensor, *, temperature: float, reduction: Reduction = "mean"
) -> Tensor:
    """Each state must find itself under the other dropout.

    L_s = -log exp(cos(h_s, h'_s) / T) / sum_j exp(cos(h_s, h'_j) / T)

    Shapes:  states, again: (N, D) float, any scale;  returns () or (N,) if reduction="none".
    Gradient: flows to both.     Edge cases: one state has nothing to choose from and gives 0.
    Raises: ValueError: shapes do not fit, or temperature <= 0.
    """
    return infonce(states, again, temperature=temperature, reduction=reduction)


def swav(
    states: Tensor,
    again: Tensor,
    prototypes: Tensor,
    *,
    temperature: float,
    reduction: Reduction = "mean",
) -> Tensor:
    """Each state must tell to which prototype the other dropout of it belongs.

    L_s = -1/2 [ q_s . log softmax(h'_s C' / T) + q'_s . log softmax(h_s C' / T) ],
    rows of unit length, q the balanced codes of h C', without gradient

    Shapes:  states, again: (N, D) float, any scale;  prototypes: (P, D);  returns () or (N,).
    Gradient: flows to states and prototypes.
    Raises: ValueError: temperature <= 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be > 0, got {temperature}")
    centres = unit(prototypes)
    near, near_again = (unit(each) @ centres.T for each in (states, again))
    swapped = (codes(near), near_again), (codes(near_again), near)
    losses = [-(q * (s / temperature).log_softmax(1)).sum(1) / 2 for q, s in swapped]
    return reduced(losses[0] + losses[1], reduction)


@torch.no_grad()
def codes(scores: Tensor) -> Tensor:
    """Shares of each row in the columns, such that all columns get about as much.

    exp(scores / 0.05), columns then rows scaled to one sum each, three times (Sinkhorn-Knopp).

    Shapes:  scores: (N, P);  returns (N, P), rows that add up to 1.
    """
    log_q = scores / SHARPNESS
    for _ in range(ROUNDS):
        log_q = log_q - log_q.logsumexp(0)
        log_q = log_q - log_q.logsumexp(1, keepdim=True)
    return log_q.exp()
