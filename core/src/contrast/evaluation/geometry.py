"""The shape of an embedding: how close positives lie, how evenly all lie, how many directions.

Every function looks at rows scaled to unit length unless it says otherwise; an all-zero row stays
zero. Memory is O(N D), or one tile of a fixed number of rows against all.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from contrast.evaluation.inputs import as_dense, as_labels

_TILE = 1024


def alignment(z1: Any, z2: Any, alpha: float = 2.0) -> float:
    """The mean distance of positives, mean_i ||z1_i - z2_i||^alpha (arXiv:2005.10242, sec. 4.1).

    Shapes:  z1, z2: (N, D), row i with row i.      0 is best.
    Raises: ValueError: shapes differ.  DataError: embeddings are unfit.
    """
    z1, z2 = _unit(z1), _unit(z2)
    if z1.shape != z2.shape:
        raise ValueError(
            f"positives must have one shape, got {tuple(z1.shape)} and {tuple(z2.shape)}"
        )
    return float((z1 - z2).norm(dim=1).pow(alpha).mean())


def uniformity(z: Any, t: float = 2.0) -> float | None:
    """log mean_{i != j} exp(-t ||z_i - z_j||^2) (arXiv:2005.10242, sec. 4.1); lower is more even.

    In [-4t, 0]; None for fewer than two rows.      Cost: O(N^2 D) time, O(N D) memory.
    """
    z = _unit(z)
    n = len(z)
    if n < 2:
        return None
    square = z.square().sum(1)
    total = torch.zeros((), dtype=z.dtype)
    for first in range(0, n, _TILE):
        rows = slice(first, min(first + _TILE, n))
        distance = square[rows, None] + square - 2 * z[rows] @ z.T  # (tile, N) squared
        kernel = torch.exp(-t * distance.clamp(min=0))
        kernel.diagonal(first).zero_()
        total += kernel.sum()
    return float((total / (n * (n - 1))).log())


def tolerance(z: Any, labels: Any) -> float | None:
    """The mean similarity of two different rows of one class (arXiv:2012.09740).

    Differs: pairs of two classes are left out and not counted as 0, as the printed values have it.

    Shapes:  z: (N, D);  labels: (N,) integer, negative where unknown.
    Edge cases: None where no class has two rows.      Cost: O(N D), by the sums of the classes.
    Raises: DataError: embeddings or labels are unfit.
    """
    z, labels = _unit(z), torch.from_numpy(as_labels(labels, len(z)))
    z = z[labels >= 0]
    _, numbers, sizes = labels[labels >= 0].unique(return_inverse=True, return_counts=True)
    pairs = int((sizes * (sizes - 1)).sum())
    if pairs == 0:
        return None
    sums = z.new_zeros(len(sizes), z.shape[1]).index_add_(0, numbers, z)
    return float((sums.square().sum() - z.square().sum()) / pairs)


def effective_rank(z: Any) -> float | None:
    """exp of the entropy of the normalised singular values (Roy and Vetterli 2007; RankMe).

    In 1..min(N, D): how many directions the rows, taken as they are, fill. None for a zero matrix.
    """
    values = torch.linalg.svdvals(torch.from_numpy(as_dense(z)).double())
    if not values[0] > 0:
        return None
    share = values / values.sum()
    return float(torch.special.entr(share).sum().exp())


def mean_cosine(z: Any) -> float | None:
    """The mean cosine similarity of two different rows; near 1 where the embedding collapsed.

    (||sum_i z_i||^2 - sum_i ||z_i||^2) / (N (N - 1)); None for fewer than two rows.
    """
    z = _unit(z)
    if len(z) < 2:
        return None
    total = z.sum(0).square().sum() - z.square().sum()
    return float(total / (len(z) * (len(z) - 1)))


def geometry_scores(z: Any, positives: Any = None) -> dict[str, float | None]:
    """All of it by name; `alignment` only where the rows' `positives` are given.

    `norm_mean` and `norm_std` are of the rows as they are.

    Shapes:  z, positives: (N, D).      Raises: ValueError, DataError: as the single functions.
    """
    norms = torch.from_numpy(as_dense(z)).double().norm(dim=1)
    found = {} if positives is None else {"alignment": alignment(z, positives)}
    return found | {
        "uniformity": uniformity(z),
        "effective_rank": effective_rank(z),
        "mean_cosine": mean_cosine(z),
        "norm_mean": float(norms.mean()),
        "norm_std": float(norms.std(correction=0)),
    }


def _unit(z: Any) -> Tensor:
    return normalize(torch.from_numpy(as_dense(z)).double(), dim=1)
