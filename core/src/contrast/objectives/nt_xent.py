"""NT-Xent: each view of a sample must find the others among all views of all samples (SimCLR)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from contrast.forms import Views
from contrast.objectives.rows import Reduction, reduced, unit
from contrast.objectives.several_views import check_views, mean_over_pairs
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import OffDiagonal

Several = Literal["joint", "pairwise", "average"]


class NTXent(nn.Module):
    """NT-Xent as the objective of a recipe: `nt_xent` on a `Views` form."""

    def __init__(self, temperature: float = 0.1, several: Several = "joint") -> None:
        super().__init__()
        self.temperature, self.several = temperature, several

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        return nt_xent(form.z, temperature=self.temperature, several=self.several)


def nt_xent(
    z: Tensor, *, temperature: float, several: Several = "joint", reduction: Reduction = "mean"
) -> Tensor:
    """Cross-entropy of each view's other views among all rows but itself (SimCLR).

    L_r = log sum_{r' != r} exp(s_rr' / t) - 1/(V-1) sum_{u != v} s_(vi),(ui) / t,   r = (v, i),
    s the cosine                                                       (arXiv:2002.05709, eq. 1)

    With more than two views (arXiv:2507.06979) `joint` keeps the other positives in the sum,
    `pairwise` is the mean over all pairs of views, and `average` compares each view with the mean
    of the others' unit rows, which is not scaled to unit length again.

    Shapes:  z: (V, N, D) float, any scale (normalised inside);  returns () or (V, N) if
    reduction="none"; at least float32. Under `average` that is the mean of view and mean as anchor.
    Gradient: flows to all views.     Cost: O(V^2 N^2 D) time, O(V N D) memory.
    Edge cases: two views of one sample have nothing to choose from: 0. NaN in, NaN out.
    Raises: ValueError: fewer than two views, temperature <= 0, or `several` is unknown.
    """
    views, _ = check_views(z)
    x = unit(z)
    if several == "joint":
        losses = _joint(x, temperature)
    elif several == "pairwise":
        losses = mean_over_pairs(x, lambda pair: _joint(pair, temperature))
    elif several == "average":
        others = (x.sum(0) - x) / (views - 1)
        pairs = zip(x, others, strict=True)
        losses = torch.stack([_joint(torch.stack(pair), temperature).mean(0) for pair in pairs])
    else:
        raise ValueError(f"several must be joint, pairwise or average, got {several!r}")
    return reduced(losses, reduction)


def _joint(x: Tensor, temperature: float) -> Tensor:
    """The loss of each row with all views in one sum: (V, N)."""
    repulsion = row_lse(x.flatten(0, 1), temperature=temperature, weights=(OffDiagonal(),)).lse
    others = x.sum(0) - x
    attraction = (x * others).sum(2) / (len(x) - 1)
    return repulsion.view(x.shape[:2]) - attraction / temperature
