"""SLiC: a hinge on log-ratios (the normalised form), or on log-probabilities without reference."""

from __future__ import annotations

from torch import Tensor

from contrast.forms import Lists
from contrast.objectives.rows import Reduction, reduced
from contrast_alignment.objectives.compared import (
    best,
    bound,
    contested,
    gaps,
    log_probs,
    log_ratios,
    mean_over_pairs,
    preferred,
)


def slic(lists: Lists, *, beta: float = 0.1, reduction: Reduction = "mean") -> Tensor:
    """The hinge on normalised scores, over the pairs of each list.

    L = mean over i preferred to j of max(0, 1 - beta (z_i - z_j))
                                                (arXiv:2309.06657, the form named SLiC-norm)

    Shapes:  scores, reference: (N, K);  returns () or (N,) if reduction="none".
    Gradient: flows to the scores.     Cost: O(N K^2).
    Raises: ValueError: no reference, or shapes differ.
    """
    hinge = (1 - beta * gaps(log_ratios(lists))).clamp_min(0)
    return mean_over_pairs(hinge, preferred(lists), reduction)


def slic_hf(
    lists: Lists, *, delta: float = 1.0, sft_weight: float = 0.1, reduction: Reduction = "mean"
) -> Tensor:
    """Rank calibration with a regulariser towards the best response; needs no reference.

    L = mean over i preferred to j of max(0, delta - log pi_i + log pi_j) - sft_weight log pi_best
                                                                        (arXiv:2305.10425, eq. 1)

    Shapes:  scores: (N, K);  returns () or (N,) if reduction="none".
    Gradient: flows to the scores.     Cost: O(N K^2).
    Differs: the regulariser's target is the list's best response, where the paper has the
    supervised model's own.
    """
    log_pi = log_probs(lists)
    hinge = (delta - gaps(log_pi)).clamp_min(0)
    each = mean_over_pairs(hinge, preferred(lists), "none")
    each = each - sft_weight * log_pi.gather(1, best(lists))[:, 0]
    counted = contested(lists)
    return reduced(each.masked_fill(~counted, 0), reduction, counted)


build = bound(slic)
build_hf = bound(slic_hf)
