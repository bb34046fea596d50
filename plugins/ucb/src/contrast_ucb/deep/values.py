"""Value learning: n steps, double, and with several atoms a distribution (C51)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss


def expected(values: Tensor, support: Tensor) -> Tensor:
    """What actions are worth, (..., A): the mean of the atoms' distribution, or the one atom."""
    return values[..., 0] if len(support) == 1 else values.softmax(-1) @ support


def n_steps(
    reward: Tensor, terminated: Tensor, ended: Tensor, discount: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Discounted sums of rewards to the end of the episode, and where to go on from.

    Shapes:  reward, terminated, ended: (n, B);  returns the sums (B,), how many steps each holds
    (B,) in 1..n, and what the value of the state after them counts (B,): discount^m, or 0 where
    the episode terminated.
    """
    alive = torch.cat([torch.ones_like(ended[:1]), ~ended[:-1]]).cumprod(0).to(reward)  # (n, B)
    powers = discount ** torch.arange(len(reward), dtype=reward.dtype, device=reward.device)
    total = powers @ (alive * reward)
    steps = alive.sum(0)
    goes_on = 1 - (alive * terminated).amax(0)
    return total, steps.long(), goes_on * discount**steps


def projected(probabilities: Tensor, earned: Tensor, factor: Tensor, support: Tensor) -> Tensor:
    """The distribution of earned + factor Z on the support: C51 (arXiv:1707.06887, Alg. 1).

    Shapes:  probabilities: (B, K);  earned, factor: (B,);  support: (K,), evenly spaced;  returns
    (B, K).
    """
    low, high, step = support[0], support[-1], support[1] - support[0]
    moved = (earned[:, None] + factor[:, None] * support).clamp(low, high)
    # (B, K, K): each moved atom is shared between its two neighbours
    near = (1 - (moved[:, :, None] - support).abs() / step).clamp_min(0)
    return (probabilities[:, None] @ near)[:, 0]


def value_loss(values: Tensor, action: Tensor, target: Tensor) -> Tensor:
    """Huber loss of single values, or cross-entropy of distributions: a scalar.

    Shapes:  values: (B, A, K);  action: (B,);  target: (B,), or (B, K) where K > 1.
    """
    index = action[:, None, None].expand(-1, 1, values.shape[-1])
    chosen = values.gather(1, index)[:, 0]
    if target.ndim == 1:
        return smooth_l1_loss(chosen[:, 0], target)
    return -(target * chosen.log_softmax(-1)).sum(-1).mean()
