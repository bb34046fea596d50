"""DPO and cDPO: the log-ratio of the better response should exceed that of the worse one."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from contrast.forms import Lists
from contrast.objectives.rows import Reduction
from contrast_alignment.objectives.compared import (
    bound,
    gaps,
    log_ratios,
    mean_over_pairs,
    preferred,
)


def dpo(
    lists: Lists,
    *,
    beta: float = 0.1,
    label_smoothing: float = 0.0,
    length_normalize: bool = False,
    reduction: Reduction = "mean",
) -> Tensor:
    """Direct preference optimisation over the pairs of each list.

    u = beta (z_i - z_j),  z = log pi - log ref
    L = mean over i preferred to j of [ (1 - e) softplus(-u) + e softplus(u) ]
                                        (arXiv:2305.18290, eq. 7; e > 0: cDPO, a label is wrong
                                        with probability e)
    With `length_normalize` z is the mean over the response's tokens.

    Shapes:  scores, reference: (N, K);  returns () or (N,) if reduction="none".
    Gradient: flows to the scores.     Cost: O(N K^2).
    Edge cases: pi = ref gives log 2 exactly; see `contrast_alignment.objectives` for ties.
    Raises: ValueError: no reference, or shapes differ.
    """
    u = beta * gaps(log_ratios(lists, normalize=length_normalize))
    losses = (1 - label_smoothing) * softplus(-u) + label_smoothing * softplus(u)
    return mean_over_pairs(losses, preferred(lists), reduction)


build = bound(dpo)
