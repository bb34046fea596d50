"""RRHF: mean log-probabilities in the order of the grades, and likelihood of the best."""

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
    preferred,
    sum_over_pairs,
)


def rrhf(lists: Lists, *, sft_weight: float = 1.0, reduction: Reduction = "mean") -> Tensor:
    """Rank responses to align; needs no reference.

    L = sum over i preferred to j of max(0, p_j - p_i) - sft_weight p_best,   p = log pi / tokens
                                                            (arXiv:2304.05302, eqs. 2 to 4)

    Shapes:  scores, lengths: (N, K);  returns () or (N,) if reduction="none".
    Gradient: flows to the scores.     Cost: O(N K^2).
    Edge cases: the best is the first among equals.
    """
    p = log_probs(lists, normalize=True)
    ranking = sum_over_pairs((-gaps(p)).clamp_min(0), preferred(lists), "none")
    counted = contested(lists)
    each = (ranking - sft_weight * p.gather(1, best(lists))[:, 0]).masked_fill(~counted, 0)
    return reduced(each, reduction, counted)


build = bound(rrhf)
