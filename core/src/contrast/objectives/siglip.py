"""SigLIP: each pair by itself is a match or none, a sigmoid instead of a softmax."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from contrast.forms import Differ, Pairs, Same
from contrast.objectives.rows import check_aligned, related, unit
from contrast.objectives.temperature import Temperature
from contrast.primitives.pair_sums import pair_sum
from contrast.primitives.scores import check_pairs, wide
from contrast.primitives.structure import OffDiagonal


class SigLIP(nn.Module):
    """SigLIP as the objective of a recipe, on a `Pairs` form; temperature and bias are learnt."""

    def __init__(self, temperature: float = 0.1, bias: float = -10.0) -> None:
        super().__init__()
        self.temperature = Temperature(temperature, learnt=True)
        self.bias = nn.Parameter(torch.tensor(float(bias)))

    def forward(self, form: Pairs) -> Tensor:
        """The loss, a scalar."""
        return siglip(
            form.anchors,
            form.candidates,
            temperature=self.temperature(),
            bias=self.bias,
            positives=form.positives,
            excluded=form.excluded,
        )


def siglip(
    anchors: Tensor,
    candidates: Tensor,
    *,
    temperature: float | Tensor,
    bias: float | Tensor,
    positives: Same | None = None,
    excluded: Same | None = None,
    normalize: bool = True,
    reduction: Literal["mean", "sum"] = "mean",
) -> Tensor:
    """Binary cross-entropy of all pairs, summed over candidates.

    L = -1/N sum_ij log sigmoid(y_ij (s_ij / t + b)),   y = 1 for positives, else -1, s the cosine
                                                                      (arXiv:2303.15343, eq. 2)

    The positive of anchor i is candidate i, or with `positives` all that are related to it.
    `excluded` pairs leave the sum; the aligned positive i of anchor i never does.

    Shapes:  anchors: (N, D) float, candidates: (M, D), any scale (normalised inside, unless told
    not to);  temperature, bias: numbers or ();  positives, excluded: N x M.  Returns (), at least
    float32. There is no loss of each anchor: the sum over pairs is formed as a whole.
    Gradient: to all tensors, formed in the forward pass.
    Cost: O(N M D) time, O((N + M) D) memory.
    Edge cases: the sum over candidates is divided by N, not N M. An anchor without a positive still
    has its negatives. Without pairs the loss is 0. NaN in, NaN out.
    Raises: ValueError: shapes do not fit, temperature <= 0, or an unknown reduction.
    """
    check_pairs(anchors, candidates, temperature)
    check_aligned(anchors, candidates, positives)
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction must be mean or sum, got {reduction!r}")
    a, k = (unit(x) if normalize else wide(x) for x in (anchors, candidates))
    scale = 1 / torch.as_tensor(temperature, dtype=a.dtype, device=a.device)
    bias = torch.as_tensor(bias, dtype=a.dtype, device=a.device)
    kept = () if excluded is None else (Differ(excluded.rows, excluded.columns),)
    if positives is None:
        kept += (OffDiagonal(),)
        matches = softplus(-(scale * (a * k[: len(a)]).sum(1) + bias)).sum()
    else:  # counted as negatives below, and put right by softplus(-x) = softplus(x) - x
        sums, counts = related(positives, k, excluded)
        matches = -(scale * (a * sums).sum() + bias * counts.sum())
    # On the D-wide rows the scale costs no passes over all pairs.
    total = matches + pair_sum(scale * a, k, _mismatch, parameters=(bias,), weights=kept)
    return total / max(len(a), 1) if reduction == "mean" else total


def _mismatch(scores: Tensor, bias: Tensor) -> Tensor:
    return softplus(scores + bias)
