"""InfoNCE of anchors among candidates, one way (arXiv:1807.03748) or both (CLIP, arXiv:2103.00020).

A queue needs nothing more: candidates beyond the N-th are nobody's positive.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from contrast.forms import Differ, Pairs, Same
from contrast.objectives.rows import Reduction, check_aligned, reduced, related, unit
from contrast.objectives.temperature import Temperature
from contrast.primitives.lse_sum import lse_sum
from contrast.primitives.row_lse import row_lse
from contrast.primitives.scores import check_pairs, wide
from contrast.primitives.structure import OffDiagonal, Structure


class InfoNCE(nn.Module):
    """InfoNCE as the objective of a recipe: `infonce` or `clip` on a `Pairs` form."""

    def __init__(
        self,
        temperature: float = 0.1,
        symmetric: bool = False,
        learn_temperature: bool = False,
    ) -> None:
        super().__init__()
        self.temperature = Temperature(temperature, learnt=learn_temperature, least=0.01)
        self.symmetric = symmetric

    def forward(self, form: Pairs) -> Tensor:
        """The loss, a scalar."""
        return infonce(
            form.anchors,
            form.candidates,
            temperature=self.temperature(),
            positives=form.positives,
            excluded=form.excluded,
            symmetric=self.symmetric,
        )


def infonce(
    anchors: Tensor,
    candidates: Tensor,
    *,
    temperature: float | Tensor,
    positives: Same | None = None,
    excluded: Same | None = None,
    negatives: Tensor | None = None,
    symmetric: bool = False,
    normalize: bool = True,
    reduction: Reduction = "mean",
) -> Tensor:
    """Cross-entropy of each anchor's positive among all candidates.

    L_i = log sum_j exp(s_ij / t) - mean_{p in P_i} s_ip / t,   s_ij = <a_i, c_j>, unit rows
                                                                    (arXiv:1807.03748, eq. 4)

    P_i is {i} without `positives`, else the candidates related to anchor i (all of which stay in
    the sum). `excluded` pairs leave the sum, and P_i where that is given by `positives`; the
    positive i of anchor i is never excluded, so that sample ids may serve as the relation.
    `negatives` are hard negatives that join the sum of their own anchor alone. `symmetric` is the
    mean with the other way, in which candidates that have a positive look for it among the anchors.

    Shapes:  anchors: (N, D) float, candidates: (M, D), any scale (normalised inside, unless told
    not to);  temperature: a number or ();  positives, excluded: N x M;  negatives: (N, H, D).
    Returns () or (N,) if reduction="none"; at least float32.
    Gradient: flows to all tensors.     Cost: O(N M D) time, O((N + M) D) memory.
    Edge cases: one candidate gives 0 (nothing to choose from). An anchor without a positive is
    left out of the mean and is 0 under "none"; without any the loss is 0 with zero gradient.
    Zero rows are similar to nothing (s = 0). NaN in, NaN out.
    Raises: ValueError: shapes do not fit, temperature <= 0, an unknown reduction, or "none" of the
    symmetric loss with `positives`, whose two ways have different rows.
    """
    check_pairs(anchors, candidates, temperature)
    check_aligned(anchors, candidates, positives)
    _check_negatives(negatives, anchors)
    a, k = (unit(x) if normalize else wide(x) for x in (anchors, candidates))
    plain = positives is excluded is negatives is None and not symmetric
    if plain and reduction in ("mean", "sum"):
        return _one_way(a, k, temperature, reduction)
    kept = _kept(positives, excluded)
    found = row_lse(a, k, temperature=temperature, weights=kept, columns=symmetric)
    lse = found.lse
    if negatives is not None and negatives.shape[1]:
        own = unit(negatives) if normalize else wide(negatives)
        hard = (a[:, None] * own).sum(2) / temperature  # (N, H)
        lse = torch.logaddexp(lse, hard.logsumexp(1))
    if positives is None:
        attraction = (a * k[: len(a)]).sum(1) / temperature
        losses = _competing(lse, attraction, kept)
        if symmetric:
            losses = (losses + _competing(found.column_lse[: len(a)], attraction, kept)) / 2
        return reduced(losses, reduction)
    ahead = _related(a, k, lse, temperature, positives, excluded, reduction)
    if not symmetric:
        return ahead
    if reduction == "none":
        raise ValueError("the two ways of related pairs have rows of their own: use mean or sum")
    turned = _turned(positives), _turned(excluded)
    return (ahead + _related(k, a, found.column_lse, temperature, *turned, reduction)) / 2


def _one_way(a: Tensor, k: Tensor, temperature: float | Tensor, reduction: Reduction) -> Tensor:
    """The loss of aligned pairs, its gradient formed together with it."""
    share = a.new_full((len(a),), 1.0 if reduction == "sum" else 1 / max(len(a), 1))
    attraction = ((a * k[: len(a)]).sum(1) * share).sum() / temperature
    return lse_sum(a, k, share, temperature=temperature) - attraction


def _kept(positives: Same | None, excluded: Same | None) -> tuple[Structure, ...]:
    """The pairs that stay in the sum; that of an aligned positive is left to `_competing`."""
    if excluded is None:
        return ()
    kept = Differ(excluded.rows, excluded.columns)
    return (kept, OffDiagonal()) if positives is None else (kept,)


def _competing(lse: Tensor, attraction: Tensor, kept: tuple[Structure, ...]) -> Tensor:
    """The loss of each aligned positive, which has to join the sum where that lacks it."""
    return -logsigmoid(attraction - lse) if kept else lse - attraction


def _related(
    a: Tensor,
    k: Tensor,
    lse: Tensor,
    temperature: float | Tensor,
    positives: Same,
    excluded: Same | None,
    reduction: Reduction,
) -> Tensor:
    """The loss of the anchors that have related candidates."""
    sums, counts = related(positives, k, excluded)
    has = counts > 0
    attraction = (a * sums).sum(1) / counts.clamp(1) / temperature
    return reduced((lse - attraction).masked_fill(~has, 0), reduction, has)


def _turned(relation: Same | None) -> Same | None:
    return None if relation is None else Same(relation.columns, relation.rows)


def _check_negatives(negatives: Tensor | None, anchors: Tensor) -> None:
    if negatives is None:
        return
    n, d = anchors.shape
    if negatives.ndim != 3 or negatives.shape[0] != n or negatives.shape[2] != d:
        raise ValueError(
            f"negatives must be ({n}, H, {d}), some for each anchor, got {tuple(negatives.shape)}"
        )
