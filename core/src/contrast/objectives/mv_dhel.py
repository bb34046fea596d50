"""MV-DHEL: all views aligned in one term, each view made uniform by itself (arXiv:2507.06979)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from contrast.forms import Views
from contrast.objectives.dhel import view_energies
from contrast.objectives.rows import Reduction, reduced, unit
from contrast.objectives.several_views import check_views, products


class MVDHEL(nn.Module):
    """MV-DHEL as the objective of a recipe: `mv_dhel` on a `Views` form."""

    def __init__(self, temperature: float = 0.5) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        return mv_dhel(form.z, temperature=self.temperature)


def mv_dhel(z: Tensor, *, temperature: float, reduction: Reduction = "mean") -> Tensor:
    """One term a sample: the energies of all its views, against the alignment of all view pairs.

    L_i = sum_v log sum_{j != i} exp(s_(vi),(vj) / t) - log sum_{v < u} exp(s_(vi),(ui) / t)
                                                                  (arXiv:2507.06979, MV-DHEL)

    Two views give DHEL.

    Shapes:  z: (V, N, D) float, any scale (normalised inside);  returns () or (N,) if
    reduction="none"; at least float32.
    Gradient: flows to all views.     Cost: O(V N^2 D) time, O(V N D) memory.
    Edge cases: the loss may be negative. N = 1 has no negatives and raises. NaN in, NaN out.
    Differs: j = i is left out, as in the official code; its README prints it with j = i. The code
    multiplies the energies, which overflows; here their logarithms are added.
    Raises: ValueError: fewer than two views or two samples, or temperature <= 0.
    """
    views, _ = check_views(z, samples=2)
    x = unit(z)
    energy = view_energies(x, temperature).sum(0)
    first, second = torch.triu_indices(views, views, offset=1, device=z.device)
    alignment = (products(x)[:, first, second] / temperature).logsumexp(1)
    return reduced(energy - alignment, reduction)
