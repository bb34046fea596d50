"""Decoupled contrastive learning: InfoNCE without the positive among those it competes with."""

from __future__ import annotations

from torch import Tensor, nn

from contrast.forms import Views
from contrast.objectives.rows import Reduction, reduced, unit
from contrast.objectives.several_views import check_views, mean_over_pairs
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import OffDiagonal


class DCL(nn.Module):
    """DCL as the objective of a recipe: `dcl` on a `Views` form."""

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        return dcl(form.z, temperature=self.temperature)


class DCLW(nn.Module):
    """DCLW as the objective of a recipe: `dclw` on a `Views` form."""

    def __init__(
        self, temperature: float = 0.1, sigma: float = 0.5, detach_weights: bool = True
    ) -> None:
        super().__init__()
        self.temperature, self.sigma, self.detach_weights = temperature, sigma, detach_weights

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        return dclw(
            form.z,
            temperature=self.temperature,
            sigma=self.sigma,
            detach_weights=self.detach_weights,
        )


def dcl(z: Tensor, *, temperature: float, reduction: Reduction = "mean") -> Tensor:
    """Decoupled InfoNCE of two views: the positive does not compete with the negatives.

    L_(v,i) = -s_i / t + log sum_{w, j != i} exp(s_(vi),(wj) / t),   s_i = s_(1i),(2i), cosines
                                                                   (arXiv:2110.06848, L_DC)

    Shapes:  z: (V, N, D) float, any scale (normalised inside); of more than two views the mean over
    their pairs;  returns () or (V, N) if reduction="none"; at least float32.
    Gradient: flows to all views.     Cost: O(V^2 N^2 D) time, O(V N D) memory.
    Edge cases: the loss may be negative. N = 1 has no negatives and raises. NaN in, NaN out.
    Raises: ValueError: fewer than two views or two samples, or temperature <= 0.
    """
    check_views(z, samples=2)
    losses = mean_over_pairs(unit(z), lambda x: _two_views(x, temperature, 1.0))
    return reduced(losses, reduction)


def dclw(
    z: Tensor,
    *,
    temperature: float,
    sigma: float = 0.5,
    detach_weights: bool = True,
    reduction: Reduction = "mean",
) -> Tensor:
    """DCL whose positives are weighted: the less alike the two views, the stronger their pull.

    L_(v,i) = -w_i s_i / t + log sum_{w, j != i} exp(s_(vi),(wj) / t),
    w_i = 2 - N softmax_i(s_i / sigma), of mean 1                  (arXiv:2110.06848, L_DCW)

    Shapes and cost are those of `dcl`.
    Gradient: flows to all views, through the weights only if they are not detached.
    Edge cases: those of `dcl`; equal positives have weight 1 each. NaN in, NaN out.
    Differs: the weights are detached by default, as lightly has it; other public code lets their
    gradient flow.
    Raises: ValueError: as `dcl`, or sigma <= 0.
    """
    check_views(z, samples=2)
    if not sigma > 0:
        raise ValueError(f"sigma must be > 0, got {sigma}")

    def loss(x: Tensor) -> Tensor:
        alike = _alike(x).detach() if detach_weights else _alike(x)
        return _two_views(x, temperature, 2 - len(alike) * (alike / sigma).softmax(0))

    return reduced(mean_over_pairs(unit(z), loss), reduction)


def _two_views(x: Tensor, temperature: float, weight: float | Tensor) -> Tensor:
    """The loss of both views of each sample as anchors: (2, N, D) to (2, N)."""
    n = x.shape[1]
    same_sample = OffDiagonal((-n, 0, n))
    lse = row_lse(x.flatten(0, 1), temperature=temperature, weights=(same_sample,)).lse
    return lse.view(2, n) - weight * _alike(x) / temperature


def _alike(x: Tensor) -> Tensor:
    return (x[0] * x[1]).sum(1)
