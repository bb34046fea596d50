"""Supervised contrast: all rows of an anchor's class are its positives (arXiv:2004.11362)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from contrast.forms import Same, Views
from contrast.objectives.rows import Reduction, reduced, related, unit
from contrast.objectives.several_views import check_views
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import OffDiagonal

Variant = Literal["out", "in"]


class SupCon(nn.Module):
    """SupCon as the objective of a recipe: `supcon` on a `Views` form with labels."""

    def __init__(
        self,
        temperature: float = 0.1,
        variant: Variant = "out",
        base_temperature: float | None = None,
    ) -> None:
        super().__init__()
        self.temperature, self.variant = temperature, variant
        self.base_temperature = base_temperature

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        if form.labels is None:
            raise ValueError("supcon needs labels, the form has none")
        return supcon(
            form.z,
            form.labels,
            temperature=self.temperature,
            variant=self.variant,
            base_temperature=self.base_temperature,
        )


def supcon(
    z: Tensor,
    labels: Tensor,
    *,
    temperature: float,
    variant: Variant = "out",
    base_temperature: float | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Cross-entropy of each row's class mates, of all views, among all other rows.

    out: L_r = l_r - 1/|P_r| sum_{p in P_r} s_rp / t                  (arXiv:2004.11362, eq. 2)
    in:  L_r = l_r - log 1/|P_r| sum_{p in P_r} exp(s_rp / t)         (arXiv:2004.11362, eq. 3)

    with l_r = log sum_{r' != r} exp(s_rr' / t), P_r the other rows of r's label, s the cosine.
    `base_temperature` multiplies the loss by t / base_temperature; the reference code's is 0.07.

    Shapes:  z: (V, N, D) float, any scale (normalised inside);  labels: (N,) integer;  returns ()
    or (V, N) if reduction="none"; at least float32.
    Gradient: flows to all views.     Cost: O(V^2 N^2 D) time, twice for `in`; O(V N D) memory.
    Edge cases: a row without a class mate is left out of the mean (and 0 under "none"), and stays
    a negative of others; without any positive the loss is 0 with zero gradient. NaN in, NaN out.
    Raises: ValueError: shapes do not fit, a temperature <= 0, or an unknown variant.
    """
    views, n = check_views(z, views=1)
    if labels.shape != (n,):
        raise ValueError(f"labels must be ({n},), one a sample, got {tuple(labels.shape)}")
    if base_temperature is not None and not base_temperature > 0:
        raise ValueError(f"base_temperature must be > 0, got {base_temperature}")
    x = unit(z).flatten(0, 1)
    label = labels.repeat(views)
    mates, alone = Same(label, label), OffDiagonal()
    sums, counts = related(mates, x)
    counts = counts - 1  # the row itself
    has = counts > 0
    repulsion = row_lse(x, temperature=temperature, weights=(alone,)).lse
    if variant == "out":
        attraction = (x * (sums - x)).sum(1) / counts.clamp(1) / temperature
    elif variant == "in":
        within = row_lse(x, temperature=temperature, weights=(alone, mates)).lse
        attraction = within - counts.clamp(1).log()
    else:
        raise ValueError(f"variant must be out or in, got {variant!r}")
    factor = 1.0 if base_temperature is None else temperature / base_temperature
    losses = factor * (repulsion - attraction).masked_fill(~has, 0)
    return reduced(losses.view(views, n), reduction, has)
