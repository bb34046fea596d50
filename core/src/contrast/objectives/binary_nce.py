"""Binary noise-contrastive estimation on log-scores: is this one true, or noise?"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from contrast.forms import Lists
from contrast.objectives.rows import Reduction, reduced
from contrast.primitives.scores import wide


class BinaryNCE(nn.Module):
    """Binary NCE as the objective of a recipe: `binary_nce` on a `Lists` form of log-scores."""

    def __init__(self, negative_weight: float = 1.0) -> None:
        super().__init__()
        self.negative_weight = negative_weight

    def forward(self, form: Lists) -> Tensor:
        """The loss, a scalar."""
        return binary_nce(
            form.scores,
            targets=form.targets,
            mask=form.mask,
            negative_weight=self.negative_weight,
        )


def binary_nce(
    log_scores: Tensor,
    *,
    targets: Tensor | None = None,
    mask: Tensor | None = None,
    negative_weight: float = 1.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """Cross-entropy of true against noise, whose log-odds are the log-scores.

    L = mean[ y log(1 + 1/f) + (1 - y) w log(1 + f) ],   log(1 + 1/f) = softplus(-log f)
                                                        (arXiv:2207.14800, its contrastive loss)
    At the minimum f is the density ratio of truth to noise where both come equally often; with M
    noise samples for each true one, w = 1/M makes it so. Without targets the first alternative of
    a list is true and the others are noise.

    Shapes:  log_scores: (N, K) float;  targets: (N, K), true where > 1/2;  mask: (N, K) bool, True
    where an alternative exists;  returns () or (N, K) if reduction="none"; at least float32.
    Gradient: flows to the log-scores.     Cost: O(N K) time and memory.
    Edge cases: a log-score of -inf is 0 for noise and infinite for truth. An alternative that does
    not exist is left out of the mean; if none exists the loss is 0 with zero gradient.
    Raises: ValueError: shapes differ, or negative_weight < 0.
    """
    for name, given in (("targets", targets), ("mask", mask)):
        if given is not None and given.shape != log_scores.shape:
            raise ValueError(
                f"{name} and log_scores must have one shape, got {tuple(given.shape)} and "
                f"{tuple(log_scores.shape)}"
            )
    if not negative_weight >= 0:
        raise ValueError(f"negative_weight must be >= 0, got {negative_weight}")
    logits = wide(log_scores)
    if mask is not None:
        logits = logits.masked_fill(~mask, 0)
    if targets is None:
        true = torch.zeros_like(logits, dtype=torch.bool)
        true[:, :1] = True
    else:
        true = targets > 0.5
    losses = softplus(torch.where(true, -logits, logits))
    losses = torch.where(true, losses, negative_weight * losses)
    if mask is not None:
        losses = losses.masked_fill(~mask, 0)
    return reduced(losses, reduction, mask)
