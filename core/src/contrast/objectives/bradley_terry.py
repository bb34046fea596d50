"""Bradley-Terry on lists of scores: the preferred alternative should have the larger score."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from contrast.forms import Lists
from contrast.objectives.rows import Reduction, reduced
from contrast.primitives.scores import wide


class BradleyTerry(nn.Module):
    """Bradley-Terry as the objective of a recipe: `bradley_terry` on a `Lists` form."""

    def __init__(self, reward_l2: float = 0.0) -> None:
        super().__init__()
        self.reward_l2 = reward_l2

    def forward(self, form: Lists) -> Tensor:
        """The loss, a scalar."""
        return bradley_terry(
            form.scores, targets=form.targets, mask=form.mask, reward_l2=self.reward_l2
        )


def bradley_terry(
    scores: Tensor,
    *,
    targets: Tensor | None = None,
    mask: Tensor | None = None,
    reward_l2: float = 0.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """Cross-entropy of the preferences among each list's alternatives, as its scores predict them.

    L_n = mean over pairs of [ y softplus(r_b - r_a) + (1 - y) softplus(r_a - r_b) ]
          + reward_l2 sum_a r_a^2,    y = 1 where a is preferred to b, 1/2 where they are equal
    (Bradley and Terry 1952, on two alternatives arXiv:2301.00810)

    Without targets the alternatives stand in order of preference, the best one first.

    Shapes:  scores: (N, K) float;  targets: (N, K), larger is better;  mask: (N, K) bool, True
    where an alternative exists;  returns () or (N,) if reduction="none"; at least float32.
    Gradient: flows to the scores.     Cost: O(N K^2) time and memory.
    Edge cases: a list of fewer than two alternatives is left out of the mean; if all are, the loss
    is 0 with zero gradient.
    Raises: ValueError: shapes differ.
    """
    if scores.ndim != 2:
        raise ValueError(f"scores must be (N, K), got {tuple(scores.shape)}")
    for name, given in (("targets", targets), ("mask", mask)):
        if given is not None and given.shape != scores.shape:
            raise ValueError(
                f"{name} and scores must have one shape, got {tuple(given.shape)} and "
                f"{tuple(scores.shape)}"
            )
    scores = wide(scores)
    if mask is not None:
        scores = scores.masked_fill(~mask, 0)
    preferred = _preferences(scores, targets, mask)
    gain = scores[:, :, None] - scores[:, None, :]  # (N, K, K)
    pairs = preferred.sum((1, 2))
    losses = (preferred * softplus(-gain)).sum((1, 2)) / pairs.clamp_min(1)
    penalty = reward_l2 * scores.square().sum(1)
    has_pair = pairs > 0
    return reduced((losses + penalty).masked_fill(~has_pair, 0), reduction, has_pair)


def _preferences(scores: Tensor, targets: Tensor | None, mask: Tensor | None) -> Tensor:
    """How far a is preferred to b: 1, 1/2 or 0; both ways of a pair add up to 1.  (N, K, K)."""
    if targets is None:
        targets = torch.arange(scores.shape[1], 0, -1, device=scores.device).expand_as(scores)
    targets = targets.double()  # unsigned and boolean ones have no difference
    difference = targets[:, :, None] - targets[:, None, :]
    preferred = difference.sign().to(scores.dtype) / 2 + 0.5
    exists = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask
    both = exists[:, :, None] & exists[:, None, :]
    both = both & ~torch.eye(scores.shape[1], dtype=torch.bool, device=scores.device)
    return preferred.masked_fill(~both, 0)
