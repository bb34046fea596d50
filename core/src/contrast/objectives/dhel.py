"""DHEL: alignment of two views, decoupled from the uniformity of each view by itself."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor, nn

from contrast.forms import Views
from contrast.objectives.rows import Reduction, reduced, unit
from contrast.objectives.several_views import check_views
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import OffDiagonal


class DHEL(nn.Module):
    """DHEL as the objective of a recipe: `dhel` on a `Views` form."""

    def __init__(self, temperature: float = 0.3, include_augs: bool = True) -> None:
        super().__init__()
        self.temperature, self.include_augs = temperature, include_augs

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        return dhel(form.z, temperature=self.temperature, include_augs=self.include_augs)


def dhel(
    z: Tensor, *, temperature: float, include_augs: bool = True, reduction: Reduction = "mean"
) -> Tensor:
    """Decoupled hyperspherical energy loss: negatives come from the anchor's own view alone.

    L_i = -s_(1i),(2i) / t + l_1i + l_2i,   l_vi = log sum_{j != i} exp(s_(vi),(vj) / t), cosines
                                                                       (arXiv:2405.18045)

    `include_augs=False` drops l_2i, the energy of the second view.

    Shapes:  z: (V, N, D) float, any scale (normalised inside); of more than two views the mean over
    their pairs, the earlier view first;  returns () or (N,) if reduction="none"; at least float32.
    Gradient: flows to all views.     Cost: O(V N^2 D) time, O(V N D) memory.
    Edge cases: the loss may be negative. N = 1 has no negatives and raises. NaN in, NaN out.
    Raises: ValueError: fewer than two views or two samples, or temperature <= 0.
    """
    check_views(z, samples=2)
    x = unit(z)
    energies = view_energies(x, temperature)
    losses = []
    for a, b in combinations(range(len(x)), 2):
        energy = energies[a] + energies[b] if include_augs else energies[a]
        losses.append(energy - (x[a] * x[b]).sum(1) / temperature)
    return reduced(torch.stack(losses).mean(0), reduction)


def view_energies(x: Tensor, temperature: float) -> Tensor:
    """log sum_{j != i} exp(<x_vi, x_vj> / t) inside each view v: (V, N, D) to (V, N)."""
    others = (OffDiagonal(),)
    return torch.stack([row_lse(v, temperature=temperature, weights=others).lse for v in x])
