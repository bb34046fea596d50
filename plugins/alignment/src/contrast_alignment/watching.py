"""What is logged beside the loss: implicit rewards, margins, accuracy, distance to the start."""

from __future__ import annotations

import torch
from torch import Tensor

from contrast.forms import Lists
from contrast_alignment.objectives.compared import (
    existing,
    gaps,
    grades,
    log_probs,
    log_ratios,
    preferred,
)


@torch.no_grad()
def watched(lists: Lists) -> dict[str, Tensor]:
    """Means over a batch, in nats: rewards are log-ratios, those without a beta.

    `chosen` is each list's best response, `rejected` its worst; of lists of one those graded above
    1/2, and the others, without an accuracy. Without a reference there are log-probabilities alone.
    """
    exists, grade, log_pi = existing(lists), grades(lists), log_probs(lists)
    good, bad = extremes(grade, exists)
    found = {"logps/chosen": _mean(log_pi, good), "logps/rejected": _mean(log_pi, bad)}
    if lists.reference is None:
        return found
    z = log_ratios(lists)
    gap, pairs = gaps(z), preferred(lists)
    lengths = exists.sum() if lists.lengths is None else lists.lengths.sum()
    if pairs.shape[1] > 1:
        found["accuracy"] = ((gap > 0) & pairs).sum() / pairs.sum().clamp_min(1)
    return found | {
        "rewards/chosen": _mean(z, good),
        "rewards/rejected": _mean(z, bad),
        "margins": _mean(z, good) - _mean(z, bad),
        "log_ratio/token": z.sum() / lengths.clamp_min(1),
    }


def extremes(grade: Tensor, exists: Tensor) -> tuple[Tensor, Tensor]:
    """The best and the worst response of each list; of lists of one, the good and the bad ones.

    Shapes:  grade, exists: (N, K);  returns (N, K) bool each.
    """
    if grade.shape[1] == 1:
        return exists & (grade > 0.5), exists & (grade <= 0.5)
    places = torch.arange(grade.shape[1], device=grade.device)
    best = grade.masked_fill(~exists, -torch.inf).argmax(1, keepdim=True)
    worst = grade.masked_fill(~exists, torch.inf).argmin(1, keepdim=True)
    return places == best, places == worst


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    return values.masked_fill(~chosen, 0).sum() / chosen.sum().clamp_min(1)
