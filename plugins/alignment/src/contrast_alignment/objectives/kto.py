"""KTO: each response by itself, desirable or not, against the policy's mean divergence."""

from __future__ import annotations

import torch
from torch import Tensor

from contrast.forms import Lists
from contrast.objectives.rows import Reduction, reduced
from contrast.primitives.scores import wide
from contrast_alignment.form import Responses
from contrast_alignment.objectives.compared import bound, existing, grades, log_ratios


def kto(
    lists: Lists,
    *,
    beta: float = 0.1,
    weight_desirable: float = 1.0,
    weight_undesirable: float = 1.0,
    kl: Tensor | float | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Kahneman-Tversky optimisation of responses that need no partner.

    L = mean of  w_D (1 - sigmoid(beta (z - k)))   where desirable
                 w_U (1 - sigmoid(beta (k - z)))   where undesirable     (arXiv:2402.01306, eq. 8)
    k = max(0, mean z of mismatched prompts and responses), without gradient

    `kl` gives k; without it the form's `mismatched` log-ratios do. In a list of one a response is
    desirable above the grade 1/2; in a longer one above the mean grade of the list, and left out
    at that mean.

    Shapes:  scores, reference, mismatched: (N, K);  returns () or (N, K) if reduction="none".
    Gradient: flows to the scores.     Cost: O(N K).
    Raises: ValueError: neither `kl` nor mismatched log-ratios, or no reference.
    """
    z = log_ratios(lists)
    k = mismatch_kl(lists) if kl is None else kl
    good, counted = desirable(lists)
    u = beta * torch.where(good, z - k, k - z)
    weight = torch.full_like(z, weight_undesirable).masked_fill(good, weight_desirable)
    losses = (weight * torch.sigmoid(-u)).masked_fill(~counted, 0)
    return reduced(losses, reduction, counted)


def mismatch_kl(lists: Lists) -> Tensor:
    """k = max(0, mean z of mismatched prompts and responses), without gradient."""
    found = lists.mismatched if isinstance(lists, Responses) else None
    if found is None:
        raise ValueError("kto needs log-ratios of mismatched prompts and responses, or `kl`")
    exists = existing(lists)
    total = wide(found.detach()).masked_fill(~exists, 0).sum()
    return (total / exists.sum().clamp_min(1)).clamp_min(0)


def desirable(lists: Lists) -> tuple[Tensor, Tensor]:
    """Which responses are desirable, and which count at all.  (N, K) bool each."""
    exists, grade = existing(lists), grades(lists)
    count = exists.sum(1, keepdim=True)
    mean = grade.sum(1, keepdim=True) / count.clamp_min(1)
    line = torch.where(count > 1, mean, 0.5)
    return grade > line, exists & ((grade != line) | (count == 1))


build = bound(kto)
