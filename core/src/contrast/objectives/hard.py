"""Hard contrastive loss: only the negatives nearest to an anchor count (arXiv:2012.09740).

The temperature of a contrastive loss decides how much its hardest negatives weigh. To choose them
outright lets the temperature be large, or go away altogether (`hard_simple`).
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn.functional import softplus

from contrast.forms import Views
from contrast.objectives.rows import Reduction, reduced, unit
from contrast.objectives.several_views import check_views, mean_over_pairs
from contrast.primitives.row_lse import row_lse
from contrast.primitives.scores import check_pairs
from contrast.primitives.structure import OffDiagonal
from contrast.primitives.topk import row_topk


class HardContrastive(nn.Module):
    """The hard contrastive loss as the objective of a recipe: `hard_contrastive` on `Views`."""

    def __init__(self, temperature: float = 0.3, alpha: float = 0.0819) -> None:
        super().__init__()
        self.temperature, self.alpha = temperature, alpha

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        return hard_contrastive(form.z, temperature=self.temperature, alpha=self.alpha)


class HardSimple(nn.Module):
    """The hard simple loss as the objective of a recipe: `hard_simple` on `Views`."""

    def __init__(self, alpha: float = 0.0819, lam: float | None = None) -> None:
        super().__init__()
        self.alpha, self.lam = alpha, lam

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        return hard_simple(form.z, alpha=self.alpha, lam=self.lam)


def hard_contrastive(
    z: Tensor, *, temperature: float, alpha: float, reduction: Reduction = "mean"
) -> Tensor:
    """InfoNCE of each row's sister view against the share alpha of its hardest negatives.

    L_r = -log e^(s_pos/t) / (e^(s_pos/t) + sum_{j in H_r} e^(s_rj/t)),  H_r: the ceil(alpha 2(N-1))
    most similar rows of other samples, in both views           (arXiv:2012.09740, hard contrastive)

    Shapes:  z: (V, N, D) float, any scale (normalised inside); of more than two views the mean over
    their pairs;  returns () or (V, N) if reduction="none"; at least float32.
    Gradient: flows to all views; none through the choice.
    Cost: O(V^2 N^2 D) time, O(V N (D + alpha N)) memory; with alpha = 1 nothing is chosen.
    Edge cases: at least one negative is kept. Of equal negatives any may be. NaN in, NaN out.
    Raises: ValueError: fewer than two views or two samples, temperature <= 0, alpha not in (0, 1].
    """
    check_views(z, samples=2)

    def loss(x: Tensor) -> Tensor:
        rows, (_, n, _) = x.flatten(0, 1), x.shape
        check_pairs(rows, None, temperature)
        kept, others = _kept(n, alpha), OffDiagonal((-n, 0, n))
        if kept == 2 * (n - 1):
            lse = row_lse(rows, temperature=temperature, weights=(others,)).lse
        else:
            hardest = row_topk(rows, None, kept, weights=(others,)).values  # (2N, K)
            lse = (hardest / temperature).logsumexp(1)
        return softplus(lse.view(2, n) - (x[0] * x[1]).sum(1) / temperature)

    return reduced(mean_over_pairs(unit(z), loss), reduction)


def hard_simple(
    z: Tensor, *, alpha: float, lam: float | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """Similarity of each row's hardest negatives less that of its sister view: no temperature.

    L_r = -s_pos + lambda sum_{j in H_r} s_rj,  H_r as in `hard_contrastive`   (arXiv:2012.09740)

    The paper does not print lambda; None is one over the number kept, the limit of a large
    temperature. With alpha = 1 this is the paper's simple loss.

    Shapes:  z: (V, N, D) float, any scale (normalised inside); of more than two views the mean over
    their pairs;  returns () or (V, N) if reduction="none"; at least float32.
    Gradient: flows to all views; none through the choice.
    Cost: O(V^2 N^2 D) time, O(V N (D + alpha N)) memory; with alpha = 1 O(V^2 N D).
    Edge cases: those of `hard_contrastive`; the loss may be negative.
    Raises: ValueError: fewer than two views or two samples, alpha not in (0, 1].
    """
    check_views(z, samples=2)

    def loss(x: Tensor) -> Tensor:
        rows, (_, n, _) = x.flatten(0, 1), x.shape
        kept = _kept(n, alpha)
        if kept == 2 * (n - 1):
            samples = x.sum(0)
            total = (x * (samples.sum(0) - samples)).sum(2)
        else:
            others = OffDiagonal((-n, 0, n))
            total = row_topk(rows, None, kept, weights=(others,)).values.sum(1).view(2, n)
        return (1 / kept if lam is None else lam) * total - (x[0] * x[1]).sum(1)

    return reduced(mean_over_pairs(unit(z), loss), reduction)


def _kept(n: int, alpha: float) -> int:
    """How many of the 2 (N - 1) negatives are kept."""
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha must be in (0, 1], got {alpha}")
    return max(1, math.ceil(alpha * 2 * (n - 1)))
