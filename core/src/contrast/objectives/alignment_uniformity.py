"""Alignment of views and uniformity on the sphere, as measures and as a loss (arXiv:2005.10242)."""

from __future__ import annotations

import math
from itertools import combinations

import torch
from torch import Tensor, nn

from contrast.forms import Views
from contrast.objectives.rows import Reduction, reduced, unit
from contrast.objectives.several_views import check_views
from contrast.primitives.row_lse import row_lse
from contrast.primitives.scores import wide
from contrast.primitives.structure import OffDiagonal


class AlignmentUniformity(nn.Module):
    """The weighted sum of both on a `Views` form: over view pairs, and over views, the mean."""

    def __init__(
        self,
        alpha: float = 2.0,
        t: float = 2.0,
        alignment_weight: float = 1.0,
        uniformity_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.alpha, self.t = alpha, t
        self.weights = alignment_weight, uniformity_weight

    def forward(self, form: Views) -> dict[str, Tensor]:
        """The two weighted terms by name, scalars whose sum is the loss."""
        check_views(form.z, samples=2)
        aligned = [alignment(x, y, alpha=self.alpha) for x, y in combinations(form.z, 2)]
        spread = [uniformity(x, t=self.t) for x in form.z]
        pull, push = torch.stack(aligned).mean(), torch.stack(spread).mean()
        return {"alignment": self.weights[0] * pull, "uniformity": self.weights[1] * push}


def alignment(
    x: Tensor,
    y: Tensor,
    *,
    alpha: float = 2.0,
    normalize: bool = True,
    reduction: Reduction = "mean",
) -> Tensor:
    """How far the two views of a sample lie apart.

    L_i = |x_i - y_i|^alpha, unit rows                                (arXiv:2005.10242, sec. 4.1)

    Shapes:  x, y: (N, D) float, any scale (normalised inside, unless told not to);  returns () or
    (N,) if reduction="none"; at least float32.
    Gradient: flows to both; 0 at equal rows, whatever alpha.     Cost: O(N D).
    Edge cases: no samples give 0. NaN in, NaN out.
    Raises: ValueError: shapes differ, or alpha <= 0.
    """
    if x.ndim != 2 or x.shape != y.shape:
        raise ValueError(f"x and y must both be (N, D), got {tuple(x.shape)} and {tuple(y.shape)}")
    if not alpha > 0:
        raise ValueError(f"alpha must be > 0, got {alpha}")
    x, y = (unit(x), unit(y)) if normalize else (wide(x), wide(y))
    square = (x - y).square().sum(1)
    equal = square == 0  # where a root has no gradient
    return reduced(square.masked_fill(equal, 1).pow(alpha / 2).masked_fill(equal, 0), reduction)


def uniformity(x: Tensor, *, t: float = 2.0, normalize: bool = True) -> Tensor:
    """How unevenly the rows cover the sphere: the smaller, the more evenly.

    L = log mean_{i < j} exp(-t |x_i - x_j|^2), unit rows             (arXiv:2005.10242, sec. 4.1)

    Shapes:  x: (N, D) float, any scale (normalised inside, unless told not to);  returns (), at
    least float32.
    Gradient: flows to all rows.     Cost: O(N^2 D) time, O(N D) memory.
    Edge cases: equal rows give 0, the largest value. Unit rows are at a squared distance of
    2 - 2 <x, y>, and so is a zero row, of 2 from all. NaN in, NaN out.
    Raises: ValueError: x is not (N, D), has fewer than two rows, or t <= 0.
    """
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"x must be (N, D) of two rows or more, got {tuple(x.shape)}")
    if not t > 0:
        raise ValueError(f"t must be > 0, got {t}")
    others = (OffDiagonal(),)
    if normalize:
        lse = row_lse(unit(x), temperature=1 / (2 * t), weights=others).lse - 2 * t
    else:
        lse = row_lse(x, temperature=1 / t, score="distance", weights=others).lse
    return lse.logsumexp(0) - math.log(len(x) * (len(x) - 1))
