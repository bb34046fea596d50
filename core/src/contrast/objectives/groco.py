"""GroCo: positives shall be sorted behind the hardest negatives (arXiv:2301.02009).

A differentiable sorting network orders the similarities of each anchor; the loss asks where the
network's permutation puts negatives and positives.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from contrast.errors import BatchError
from contrast.forms import Views
from contrast.objectives.rows import Reduction, reduced, unit
from contrast.objectives.several_views import check_views
from contrast.primitives.structure import OffDiagonal
from contrast.primitives.topk import row_topk


class GroCo(nn.Module):
    """GroCo as the objective of a recipe: `groco` on the views of a `Views` form."""

    def __init__(
        self,
        topk_neg: int = 10,
        steepness: float = 1.0,
        stop_grad: bool = True,
        full_views: int = 0,
    ) -> None:
        super().__init__()
        self.topk_neg, self.steepness, self.stop_grad = topk_neg, steepness, stop_grad
        self.full_views = full_views

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        return groco(
            form.z,
            topk_neg=self.topk_neg,
            steepness=self.steepness,
            stop_grad=self.stop_grad,
            full_views=self.full_views,
        )


def groco(
    z: Tensor,
    *,
    topk_neg: int = 10,
    steepness: float = 1.0,
    stop_grad: bool = True,
    full_views: int = 0,
    reduction: Reduction = "mean",
) -> Tensor:
    """Cross-entropy of where each of K negatives and P positives lands when they are sorted.

    x = [K largest s_(vi),(vj), j != i, ascending; s_(vi),(ui), u != v, ascending],
    L = BCE(p, 1[first K]),  p_i = sum_{j <= K} X_ij,  X the soft permutation that sorts x
                                                                        (arXiv:2301.02009)
    Negatives are of the same view, positives the other views; only the first `full_views` views
    are positives where that is not 0 (multi-crop: the small crops are anchors only).

    Differs: the official mean of two cross-entropies, of p and 1 - p, which are equal.
    Shapes:  z: (V, N, D) float, any scale (normalised inside);  returns () or (V, N) if
    reduction="none"; at least float32.
    Gradient: to the anchors, and to both sides without `stop_grad`: through K + P scores a row.
    Cost: O(V N^2 D + V N (K + P)^2) time, O(V N (D + (K + P)^2)) memory.
    Edge cases: equal scores are left half exchanged. NaN in, NaN out.
    Raises: ValueError: fewer than two views, no K other samples, or steepness <= 0.
    """
    views, samples = check_views(z)
    if not 1 <= topk_neg < samples:
        raise BatchError(
            f"topk_neg must be >= 1 and less than the {samples} samples of the batch, got "
            f"{topk_neg}; set `objective.topk_neg` lower or the batch larger"
        )
    if not steepness > 0:
        raise ValueError(f"steepness must be > 0, got {steepness}")
    if not 0 <= full_views <= views:
        raise ValueError(f"full_views must be in 0..{views}, the number of views, got {full_views}")
    z = unit(z)
    others = z.detach() if stop_grad else z
    losses = []
    for v, anchors in enumerate(z):
        negatives = row_topk(anchors, others[v], topk_neg, weights=(OffDiagonal(),)).values
        sisters = [u for u in range(full_views or views) if u != v]
        positives = (anchors * others[sisters]).sum(2).T.sort(1).values  # (N, P)
        losses.append(_misplaced(negatives.flip(1), positives, steepness))
    return reduced(torch.stack(losses), reduction)


def _misplaced(negatives: Tensor, positives: Tensor, steepness: float) -> Tensor:
    """The cross-entropy of one view's anchors.     Shapes:  (N, K), (N, P);  returns (N,)."""
    k = negatives.shape[1]
    scores = torch.cat((negatives, positives), 1)
    is_low = torch.zeros_like(scores)
    is_low[:, :k] = 1
    ends_low = sorted_mass(scores, is_low, steepness)
    in_place = torch.where(is_low == 1, ends_low, 1 - ends_low)
    least = max(math.exp(-100), torch.finfo(scores.dtype).tiny)  # as torch's BCE clamps its log
    return -in_place.clamp(least, 1).log().mean(1)


def sorted_mass(x: Tensor, mass: Tensor, steepness: float) -> Tensor:
    """X m of the soft permutation X that an odd-even network sorts x by: (N, n) of (N, n).

    Layer t compares the wires (t mod 2, +1), (+2, +3), ...; a comparator leaves (a, b) in place to
    the share 1/2 + atan(steepness (b - a)) / pi and swaps the rest. X is the product of the layers,
    so that X m needs no n x n matrix: they are applied to m, the last one first.
    """
    n = x.shape[1]
    layers = []
    for t in range(n):
        pairs = slice(t % 2, t % 2 + (n - t % 2) // 2 * 2)
        a, b = x[:, pairs].unflatten(1, (-1, 2)).unbind(2)
        stay = 0.5 + (steepness * (b - a)).atan() / math.pi
        layers.append((pairs, stay))
        x = _exchange(x, pairs, stay)
    for pairs, stay in reversed(layers):
        mass = _exchange(mass, pairs, stay)
    return mass


def _exchange(x: Tensor, pairs: slice, stay: Tensor) -> Tensor:
    """The wires of each pair mixed: (a, b) to (stay a + (1 - stay) b, (1 - stay) a + stay b)."""
    a, b = x[:, pairs].unflatten(1, (-1, 2)).unbind(2)
    mixed = torch.stack((stay * a + (1 - stay) * b, (1 - stay) * a + stay * b), 2).flatten(1)
    return torch.cat((x[:, : pairs.start], mixed, x[:, pairs.stop :]), 1)
