"""MAPL: preferences between prompts for one response, and between gaps of preferences."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from contrast.forms import Lists
from contrast.objectives.rows import Reduction, reduced
from contrast_alignment.objectives.compared import existing, log_probs, log_ratios
from contrast_alignment.objectives.dpo import dpo


def mapl_intra(lists: Lists, *, beta: float = 0.1, reduction: Reduction = "mean") -> Tensor:
    """One response under a prompt that it satisfies (alternative 0) and under one that it does not.

    L = softplus(-beta [ z(x_w, y) - z(x_l, y) ])                           (arXiv:2505.12845)

    With rewards instead of log-ratios it is `contrast.objectives.bradley_terry`.

    Shapes:  scores, reference: (N, 2);  returns () or (N,) if reduction="none".
    Gradient: flows to the scores.
    Differs: nothing from the paper's DPO form, but that form is an approximation: the prompts
    differ, so that beta log Z(x_w) - beta log Z(x_l) does not cancel, and is dropped.
    """
    return dpo(lists, beta=beta, reduction=reduction)


def mapl_inter(
    plain: Lists, extended: Lists, *, beta: float = 0.1, reduction: Reduction = "mean"
) -> Tensor:
    """The pair's gap should widen under a prompt whose added constraints only y_w meets.

    L = softplus(-([r(x', y_w) - r(x', y_l)] - [r(x, y_w) - r(x, y_l)]))

    r is beta z where the forms have references, else the score itself. Inferred: the paper's own
    formula was not available; this is one reading of its text, and experimental.

    Shapes:  plain, extended: (N, 2), y_w first;  returns () or (N,) if reduction="none".
    Gradient: flows to the scores of both.
    """
    gap = [_reward(lists, beta) for lists in (plain, extended)]
    both = existing(plain).all(1) & existing(extended).all(1)
    losses = softplus(gap[0] - gap[1]).masked_fill(~both, 0)
    return reduced(losses, reduction, both)


def _reward(lists: Lists, beta: float) -> Tensor:
    """r(y_w) - r(y_l), (N,)."""
    r = log_probs(lists) if lists.reference is None else beta * log_ratios(lists)
    return r[:, 0] - r[:, 1]
