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

    `chosen` is each list's best response, `rejected` its worst. Without a reference there are
    log-probabilities alone.
    """
    exists, grade, log_pi = existing(lists), grades(lists), log_probs(lists)
    best = grade.masked_fill(~exists, -torch.inf).argmax(1, keepdim=True)
    worst = grade.masked_fill(~exists, torch.inf).argmin(1, keepdim=True)
    found = {
        "logps/chosen": log_pi.gather(1, best).mean(),
        "logps/rejected": log_pi.gather(1, worst).mean(),
    }
    if lists.reference is None:
        return found
    z = log_ratios(lists)
    gap, pairs = gaps(z), preferred(lists)
    lengths = exists.sum() if lists.lengths is None else lists.lengths.sum()
    return found | {
        "rewards/chosen": z.gather(1, best).mean(),
        "rewards/rejected": z.gather(1, worst).mean(),
        "margins": (z.gather(1, best) - z.gather(1, worst)).mean(),
        "accuracy": ((gap > 0) & pairs).sum() / pairs.sum().clamp_min(1),
        "log_ratio/token": z.sum() / lengths.clamp_min(1),
    }
