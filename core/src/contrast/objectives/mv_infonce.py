"""MV-InfoNCE: one term a sample, all pairs of its views over all energies (arXiv:2507.06979)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from contrast.forms import Differ, Views
from contrast.objectives.rows import Reduction, reduced, unit
from contrast.objectives.several_views import check_views, products
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import OffDiagonal

Denominator = Literal["all_others", "cross_view"]


class MVInfoNCE(nn.Module):
    """MV-InfoNCE as the objective of a recipe: `mv_infonce` on a `Views` form."""

    def __init__(self, temperature: float = 0.5, denominator: Denominator = "all_others") -> None:
        super().__init__()
        self.temperature, self.denominator = temperature, denominator

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        return mv_infonce(form.z, temperature=self.temperature, denominator=self.denominator)


def mv_infonce(
    z: Tensor,
    *,
    temperature: float,
    denominator: Denominator = "all_others",
    reduction: Reduction = "mean",
) -> Tensor:
    """One term a sample: the energies of all its views in one sum, over all its view pairs.

    L_i = log sum_v exp(l_vi) - log sum_{v != u} exp(s_(vi),(ui) / t),
    l_vi = log sum_r exp(s_(vi),r / t), s the cosine           (arXiv:2507.06979, MV-InfoNCE)

    The rows r are `all_others`, of every view and sample but (v, i) itself, as in the official
    code; or `cross_view`, all samples of the other views, as in the printed formula.

    Shapes:  z: (V, N, D) float, any scale (normalised inside);  returns () or (N,) if
    reduction="none"; at least float32.
    Gradient: flows to all views.     Cost: O(V^2 N^2 D) time, O(V N D) memory.
    Edge cases: one sample has no negatives, and a loss of 0. NaN in, NaN out.
    Raises: ValueError: fewer than two views, temperature <= 0, or an unknown denominator.
    """
    views, n = check_views(z)
    if denominator == "all_others":
        compared = OffDiagonal()
    elif denominator == "cross_view":
        view = torch.arange(views, device=z.device).repeat_interleave(n)
        compared = Differ(view, view)
    else:
        raise ValueError(f"denominator must be all_others or cross_view, got {denominator!r}")
    x = unit(z)
    lse = row_lse(x.flatten(0, 1), temperature=temperature, weights=(compared,)).lse
    energy = lse.view(views, n).logsumexp(0)
    itself = torch.eye(views, dtype=torch.bool, device=z.device)
    alignment = (products(x) / temperature).masked_fill(itself, -torch.inf)
    return reduced(energy - alignment.flatten(1).logsumexp(1), reduction)
