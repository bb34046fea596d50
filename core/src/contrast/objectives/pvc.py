"""PVC: poly-view contrast, one positive at a time against the other samples (arXiv:2403.05490)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from contrast.forms import Views
from contrast.objectives.rows import Reduction, reduced, unit
from contrast.objectives.several_views import check_views, products
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import OffDiagonal


class PVC(nn.Module):
    """PVC as the objective of a recipe: `pvc` on a `Views` form."""

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        return pvc(form.z, temperature=self.temperature)


def pvc(z: Tensor, *, temperature: float, reduction: Reduction = "mean") -> Tensor:
    """InfoNCE of each ordered pair of views whose sum holds that one positive (geometric PVC).

    L_(v,i) = 1/(V-1) sum_{u != v} log(1 + exp(l_vi - s_(vi),(ui) / t)),
    l_vi = log sum over all views w of all j != i of exp(s_(vi),(wj) / t), s the cosine
                                                             (arXiv:2403.05490, geometric mean)

    Shapes:  z: (V, N, D) float, any scale (normalised inside);  returns () or (V, N) if
    reduction="none"; at least float32.
    Gradient: flows to all views.     Cost: O(V^2 N^2 D) time, O(V N D) memory.
    Edge cases: one sample has no negatives, and a loss of 0. NaN in, NaN out.
    Raises: ValueError: fewer than two views, or temperature <= 0.
    """
    views, n = check_views(z)
    x = unit(z)
    same_sample = OffDiagonal(tuple(n * shift for shift in range(1 - views, views)))
    lse = row_lse(x.flatten(0, 1), temperature=temperature, weights=(same_sample,)).lse
    margins = products(x) / temperature - lse.view(views, n).T[:, :, None]  # (N, V, V)
    itself = torch.eye(views, dtype=torch.bool, device=z.device)
    losses = -logsigmoid(margins).masked_fill(itself, 0).sum(2).T / (views - 1)
    return reduced(losses, reduction)
