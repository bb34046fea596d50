"""The triplet loss: each positive nearer than a negative by a margin, of triples or of a batch."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from contrast.forms import Differ, Pairs, Same
from contrast.objectives.rows import Reduction, check_aligned, reduced, related_pairs, unit
from contrast.primitives.pair_sums import pair_sum
from contrast.primitives.scores import check_pairs, wide
from contrast.primitives.structure import OffDiagonal, Structure

Distance = Literal["euclidean", "squared", "cosine"]


class Triplet(nn.Module):
    """The triplet loss as the objective of a recipe: `batch_triplet` on a `Pairs` form."""

    def __init__(self, margin: float = 1.0, distance: Distance = "euclidean") -> None:
        super().__init__()
        self.margin, self.distance = margin, distance

    def forward(self, form: Pairs) -> Tensor:
        """The loss, a scalar."""
        return batch_triplet(
            form.anchors,
            form.candidates,
            margin=self.margin,
            distance=self.distance,
            positives=form.positives,
            excluded=form.excluded,
        )


def triplet(
    anchors: Tensor,
    positives: Tensor,
    negatives: Tensor,
    *,
    margin: float = 1.0,
    distance: Distance = "euclidean",
    symmetric: bool = False,
    reduction: Reduction = "mean",
) -> Tensor:
    """How much farther than its negative, less a margin, each anchor's positive lies.

    L_i = max(0, d(a_i, p_i) - d(a_i, n_i) + margin)                  (arXiv:1503.03832, eq. 1)

    d is the Euclidean distance, its square (as printed there), or 1 - cosine. `symmetric` adds the
    loss with anchor and positive exchanged, for triples in which two are alike (arXiv:2301.00810).

    Shapes:  anchors, positives, negatives: (N, D) float, as they are (normalised for the cosine
    alone);  returns () or (N,) if reduction="none"; at least float32.
    Gradient: flows to all three; 0 where the margin is kept or just met, and of a distance of 0.
    Cost: O(N D).     Edge cases: no triples give 0. NaN in, NaN out.
    Differs: no epsilon inside the norm, unlike torch's TripletMarginLoss.
    Raises: ValueError: shapes differ, or the distance is unknown.
    """
    if anchors.ndim != 2 or not anchors.shape == positives.shape == negatives.shape:
        shapes = ", ".join(str(tuple(x.shape)) for x in (anchors, positives, negatives))
        raise ValueError(f"anchors, positives and negatives must all be (N, D), got {shapes}")
    a, p, n = (_prepared(x, distance) for x in (anchors, positives, negatives))
    near = distances(a, p, distance)
    losses = (near - distances(a, n, distance) + margin).relu()
    if symmetric:
        losses = losses + (near - distances(p, n, distance) + margin).relu()
    return reduced(losses, reduction)


def batch_triplet(
    anchors: Tensor,
    candidates: Tensor,
    *,
    margin: float = 1.0,
    distance: Distance = "euclidean",
    positives: Same | None = None,
    excluded: Same | None = None,
) -> Tensor:
    """The mean triplet loss of all positive pairs against all negatives of their anchor.

    L = mean over i, p in P_i, j not in P_i of max(0, d(a_i, k_p) - d(a_i, k_j) + margin)
                                                                      (arXiv:1503.03832, eq. 2)

    P_i is {i} without `positives`, else the candidates related to anchor i. `excluded` pairs are
    neither positives nor negatives; the aligned positive i of anchor i is never excluded.

    Shapes:  anchors: (N, D) float, candidates: (M, D), as they are (normalised for the cosine
    alone);  positives, excluded: N x M.  Returns (), at least float32.
    Gradient: to all rows, formed in the forward pass; 0 where the margin is kept.
    Cost: O(E M D) time, O((E + M) D) memory, for E positive pairs (N without `positives`).
    Edge cases: without a triple the loss is 0 with zero gradient. Distances come from inner
    products, to a rounding of 1e-3 of the rows' spread in float32. NaN in, NaN out.
    Raises: ValueError: shapes do not fit, or the distance is unknown.
    """
    check_pairs(anchors, candidates)
    check_aligned(anchors, candidates, positives)
    a, k = _prepared(anchors, distance), _prepared(candidates, distance)
    if positives is None:
        rows = columns = torch.arange(len(a), device=a.device)
        negative: tuple[Structure, ...] = (OffDiagonal(),)
    else:
        rows, columns = related_pairs(positives, excluded)
        negative = (Differ(positives.rows[rows], positives.columns),)
    if excluded is not None:
        negative += (Differ(excluded.rows[rows], excluded.columns),)
    a = a[rows]
    level = distances(a, k[columns], distance) + margin
    hinge, score = _HINGES[distance]
    total = pair_sum(a, k, hinge, rows=(level,), score=score, weights=negative)
    nothing = a.new_zeros(len(a), 1), k.new_zeros(len(k), 1)
    return total / pair_sum(*nothing, torch.ones_like, weights=negative).clamp(1)


def distances(x: Tensor, y: Tensor, distance: Distance) -> Tensor:
    """The distance of each row of x to its row of y, (N,); the cosine's of unit rows."""
    if distance == "cosine":
        return 1 - (x * y).sum(1)
    if distance == "squared":
        return (x - y).square().sum(1)
    return torch.linalg.vector_norm(x - y, dim=1)


def _prepared(x: Tensor, distance: Distance) -> Tensor:
    if distance not in ("euclidean", "squared", "cosine"):
        raise ValueError(f"distance must be euclidean, squared or cosine, got {distance!r}")
    return unit(x) if distance == "cosine" else wide(x)


def _over_cosine(scores: Tensor, level: Tensor) -> Tensor:
    return (level - 1 + scores).relu()


def _over_square(scores: Tensor, level: Tensor) -> Tensor:
    return (level + scores).relu()


def _over_euclidean(scores: Tensor, level: Tensor) -> Tensor:
    apart = ~(scores >= 0)  # elsewhere the root has no gradient; NaN goes through it
    return (level - (-scores).where(apart, 1).sqrt().where(apart, 0)).relu()


_HINGES = {
    "cosine": (_over_cosine, "inner"),
    "squared": (_over_square, "distance"),
    "euclidean": (_over_euclidean, "distance"),
}
