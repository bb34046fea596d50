"""Is this the true successor, or noise? The contrastive loss on transitions, arXiv:2207.14800."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from contrast.objectives.binary_nce import binary_nce
from contrast.objectives.rows import Reduction
from contrast_ucb.form import Transitions

LOWEST = 1e-13  # of a score: log f underflows below about -30


class TransitionNCE(nn.Module):
    """The loss of all steps on `Transitions`: the sum over h of each step's mean.

    L = sum_h 1/n_h sum_{s,a,s'} [ seen log(1 + 1/f_h) + noise log(1 + f_h) ],  n_h = sum of seen

    It is `transition_loss` of every stored sample with the same transitions taken together:
    O(H S A S) whatever their number. A step without samples adds nothing.
    """

    def forward(self, form: Transitions) -> Tensor:
        """The loss, a scalar."""
        log_f = form.log_scores
        terms = form.seen * softplus(-log_f) + form.noise * softplus(log_f)
        per_step = form.seen.sum((1, 2)).clamp_min(1)
        return (terms.sum((1, 2)) / per_step).sum()


def transition_loss(
    phi: Tensor, psi: Tensor, y: Tensor, *, reduction: Reduction = "mean"
) -> Tensor:
    """Binary NCE of samples (s, a, s', y) with the score f = psi(s')^T phi(s, a) > 0.

    L = mean[ y log(1 + 1/f) + (1 - y) log(1 + f) ]

    Shapes:  phi, psi: (N, d) >= 0;  y: (N,), 1 for a true successor, 0 for noise;  returns ()
    or (N,) if reduction="none".
    Gradient: flows to both.     Edge cases: a score below 1e-13 counts as 1e-13.
    """
    log_f = log_score((phi * psi).sum(-1))
    per_sample = binary_nce(log_f[:, None], targets=y[:, None], reduction="none")[:, 0]
    return per_sample if reduction == "none" else per_sample.mean()


def log_score(f: Tensor) -> Tensor:
    """log f, at least about -30."""
    return torch.log(f.clamp_min(LOWEST))
