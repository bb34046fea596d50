"""IPO: the log-ratio of the better response exceeds that of the worse one by 1 / (2 tau)."""

from __future__ import annotations

from torch import Tensor

from contrast.forms import Lists
from contrast.objectives.rows import Reduction
from contrast_alignment.objectives.compared import (
    bound,
    gaps,
    log_ratios,
    mean_over_pairs,
    preferred,
)


def ipo(
    lists: Lists,
    *,
    tau: float = 0.1,
    length_normalize: bool = True,
    reduction: Reduction = "mean",
) -> Tensor:
    """Identity preference optimisation over the pairs of each list.

    L = mean over i preferred to j of (z_i - z_j - 1 / (2 tau))^2     (arXiv:2310.12036, eq. 17)

    Two conventions bear this name. With `length_normalize` z is the mean over the response's
    tokens, as TRL has it; without, the sum, as the formula and the official DPO code have it. The
    same tau means very different things in the two.

    Shapes:  scores, reference: (N, K);  returns () or (N,) if reduction="none".
    Gradient: flows to the scores.     Cost: O(N K^2).
    Raises: ValueError: no reference, shapes differ, or tau <= 0.
    """
    if tau <= 0:
        raise ValueError(f"tau must be > 0, got {tau}")
    gap = gaps(log_ratios(lists, normalize=length_normalize))
    return mean_over_pairs((gap - 1 / (2 * tau)).square(), preferred(lists), reduction)


build = bound(ipo)
