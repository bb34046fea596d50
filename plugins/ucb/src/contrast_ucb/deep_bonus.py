"""The bonus of the deep experiments of arXiv:2207.14800: features of replayed sequences."""

from __future__ import annotations

import torch
from torch import Tensor


def accumulate(precision: Tensor, features: Tensor) -> Tensor:
    """Lambda + sum of phi phi^T over all replayed features.

    It counts draws from the replay, not visits, as the official code does: the bonus shrinks with
    every update.

    Shapes:  precision: (K, K);  features: (..., K);  returns (K, K).
    """
    flat = features.flatten(0, -2)
    return precision + flat.mT @ flat


def replay_bonus(features: Tensor, precision: Tensor, factor: float = 1.0) -> Tensor:
    """b = factor sqrt(phi^T Lambda^-1 phi), (...): read after Lambda took the same features in.

    Shapes:  features: (..., K);  precision: (K, K), positive definite.
    """
    flat = features.flatten(0, -2)
    factored = torch.linalg.cholesky(precision)
    whitened = torch.linalg.solve_triangular(factored, flat.mT, upper=False)
    return factor * whitened.square().sum(0).sqrt().reshape(features.shape[:-1])


def n_step_bonus(
    bonus: Tensor, done: Tensor, *, n_step: int, discount: float, official: bool = False
) -> Tensor:
    """Discounted sums of the next n bonuses, B_i = sum_{j<n} discount^j c_ij b_{i+j}.

    c_ij = prod_{l<j} (1 - done_{i+l}): the last bonus is that of the step that ends the episode.
    `official`: c_ij = 1 - done_i, which runs on into the next episode, as in the authors' code.

    Shapes:  bonus, done: (T, B);  returns (T - n, B).
    Raises: ValueError: the sequence is no longer than n.
    """
    if len(bonus) <= n_step:
        raise ValueError(f"{len(bonus)} steps are too few for sums over {n_step}")
    windows = bonus.unfold(0, n_step, 1)[:-1]  # (T - n, B, n)
    alive = 1 - done.unfold(0, n_step, 1)[:-1]
    running = alive.roll(1, -1)
    running[..., 0] = 1
    counted = alive[..., :1] if official else running.cumprod(-1)
    powers = discount ** torch.arange(n_step, dtype=bonus.dtype, device=bonus.device)
    return (windows * counted * powers).sum(-1)
