"""CACR against targets of a momentum encoder, as pre-trained on ImageNet (arXiv:2105.03746).

Plain functions: the targets come from an encoder that learns by averaging, so no form holds them
and a recipe calls the function in its own step, once for each target view, and takes the mean.
"""

from __future__ import annotations

import torch
from torch import Tensor

from contrast.objectives.rows import unit
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import OffDiagonal


def cacr_momentum_rbf(queries: Tensor, targets: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Cross-entropy of each query's target, weighted by how far that query is among its sisters.

    L = mean_i sum_q 2 T p_qi [ lse_j s_qij / T - s_qii / T ],    p_q = softmax_q(|q - k|^2 / T)

    Shapes:  queries: (Q, N, D), targets: (N, D) float, any scale (normalised inside);  returns ().
    Gradient: to the queries alone; none through p.     Cost: O(Q N^2 D) time, O(Q N D) memory.
    Edge cases: one sample has nothing to choose from: loss 0.
    Raises: ValueError: shapes do not fit, or temperature <= 0.
    """
    q, k, share = _prepared(queries, targets, temperature)
    terms = [
        p * (temperature * row_lse(each, k, temperature=temperature).lse - (each * k).sum(1))
        for each, p in zip(q, share, strict=True)
    ]
    return 2 * torch.stack(terms).sum(0).mean()


def cacr_momentum_euclidean(
    queries: Tensor, targets: Tensor, *, temperature: float = 1.0
) -> Tensor:
    """Pull of the far queries to their target, push from the near targets of other samples.

    L = sum_i sum_q p_qi [ (1 - s_qii) - sum_{j!=i} w_qij (1 - s_qij) ],
    p_q = softmax_q(|q - k|^2 / T),  w = softmax_{j!=i}(-(1 - s_qij) / T), both detached;
    the sum over samples, as in the official code.

    Shapes:  queries: (Q, N, D), targets: (N, D) float, any scale (normalised inside);  returns ().
    Gradient: to the queries alone.     Cost: O(Q N^2 D) time, O(Q N D) memory.
    Edge cases: equal and zero rows are no NaN. NaN in, NaN out.
    Raises: ValueError: shapes do not fit, temperature <= 0, or one sample without a negative.
    """
    q, k, share = _prepared(queries, targets, temperature)
    if len(k) == 1:
        raise ValueError("one sample has no negative: the batch must hold 2 or more")
    terms = []
    for each, p in zip(q, share, strict=True):
        near = row_lse(each, k, temperature=temperature, weights=(OffDiagonal(),), moment=True)
        # the gradient of T l is that of the moment under fixed weights
        push = near.moment.detach() + temperature * (near.lse - near.lse.detach())
        terms.append(p * (push - (each * k).sum(1)))
    return torch.stack(terms).sum()


def _prepared(
    queries: Tensor, targets: Tensor, temperature: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Unit queries, unit detached targets, and the share of each query: (Q, N)."""
    if queries.ndim != 3 or queries.shape[1:] != targets.shape:
        raise ValueError(
            "queries must be (Q, N, D) and targets (N, D), got "
            f"{tuple(queries.shape)} and {tuple(targets.shape)}"
        )
    if not temperature > 0:
        raise ValueError(f"temperature must be > 0, got {temperature}")
    q, k = unit(queries), unit(targets.detach())
    far = (q.detach() - k).square().sum(2)  # (Q, N)
    return q, k, (far / temperature).softmax(0)
