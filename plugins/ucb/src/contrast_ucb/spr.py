"""Self-predictive representations (arXiv:2007.05929): the loss of the official deep code.

It predicts latent states and has no negatives; `contrast_ucb.objective` is the paper's own loss.
"""

from __future__ import annotations

import torch
from torch import Tensor

SHORTEST = 1e-3  # of a vector that is brought to length 1


def spr_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """|p - t|^2 of unit vectors, 2 - 2 cos(p, t), for every jump and item: mean over views.

    Shapes:  predicted, target: (V, J, B, D), jumps j ahead;  returns (J, B).
    Gradient: to the predicted side; give a detached target.
    Edge cases: a vector shorter than 1e-3 is divided by 1e-3.
    """
    p, t = (
        each / each.norm(dim=-1, keepdim=True).clamp_min(SHORTEST) for each in (predicted, target)
    )
    return (p - t).square().sum(-1).mean(0)


def renormalize(x: Tensor, first_dim: int = 1) -> Tensor:
    """Brought to [0, 1] over all axes from `first_dim` on, as latent states of SPR are.

    Differs: a constant item gives 0, where the official code divides 0 by 0.
    """
    flat = x.flatten(first_dim)
    low, high = flat.min(-1, keepdim=True).values, flat.max(-1, keepdim=True).values
    span = torch.where(high > low, high - low, 1)
    return ((flat - low) / span).reshape(x.shape)
