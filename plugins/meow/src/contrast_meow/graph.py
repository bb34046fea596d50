"""Meta-path graphs: path counts, normalisation, masks; all sparse, vectorised.

arXiv:2212.13847 as its official code computes it; which columns a row keeps stands in `cut.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy import sparse
from torch import Generator

from contrast_meow.cut import distinct_rows


def normalise(kept: sparse.csr_array) -> sparse.csr_array:
    """D^-1/2 A^T D^-1/2 with D the row sums of A: node j hears those that kept j.

    Shapes:  (N, N), not symmetric.  Edge cases: a row sum of 0 gives 0.
    """
    scale = inverse_root(np.asarray(kept.sum(1)).ravel())
    heard = kept.T.tocsr()
    data = heard.data * np.repeat(scale, np.diff(heard.indptr)) * scale[heard.indices]
    return sparse.csr_array((data, heard.indices, heard.indptr), shape=heard.shape)


def factors(kept: sparse.csr_array) -> tuple[sparse.csr_array, sparse.csr_array] | None:
    """`normalise(kept)` as left @ right, where many targets keep the very same columns.

    With U the distinct rows of A and E who has which, A = E U and A^T = U^T E^T: inside one subject
    of ACM all papers keep the same 700. None where this would not halve the work.
    Shapes:  left: (N, G);  right: (G, N).
    """
    first, member = distinct_rows(kept)
    rows, N = kept[first], kept.shape[0]
    if 2 * (rows.nnz + N) > kept.nnz:
        return None
    scale = inverse_root(np.asarray(kept.sum(1)).ravel())
    right = sparse.coo_array((scale, (member, np.arange(N))), shape=(len(first), N)).tocsr()
    left = rows.T.tocsr()
    left.data = left.data * np.repeat(scale, np.diff(left.indptr))
    return left, right


def inverse_root(degree: np.ndarray) -> np.ndarray:
    """1 / sqrt(degree), 0 where the degree is 0."""
    return np.divide(1.0, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)


def mask_edges(kept: sparse.csr_array, fraction: float, generator: Generator) -> sparse.csr_array:
    """The graph without its diagonal and a random share of its directed edges, all weights 1, + I.

    Shapes:  (N, N), to be normalised.
    """
    N = kept.shape[0]
    nodes = np.arange(N, dtype=np.int32)
    row, column = np.repeat(nodes, np.diff(kept.indptr)), kept.indices.astype(np.int32)
    other = row != column
    row, column = row[other], column[other]
    left = survivors(len(row), fraction, generator)
    edges = np.concatenate([row[left], nodes]), np.concatenate([column[left], nodes])
    return sparse.coo_array((np.ones(len(edges[0])), edges), shape=kept.shape).tocsr()


def mask_features(
    features: sparse.csr_array, fraction: float, generator: Generator
) -> sparse.csr_array:
    """The features with a random share of their non-zero entries set to 0."""
    masked = features.copy()
    masked.eliminate_zeros()
    entries = masked.tocoo()
    left = survivors(entries.nnz, fraction, generator)
    kept = (entries.data[left], (entries.row[left], entries.col[left]))
    return sparse.coo_array(kept, shape=entries.shape).tocsr()


def survivors(count: int, fraction: float, generator: Generator) -> np.ndarray:
    """The sorted positions that remain of `count` after floor(fraction * count) are dropped."""
    left = np.ones(count, dtype=bool)
    left[torch.randperm(count, generator=generator)[: int(fraction * count)].numpy()] = False
    return np.flatnonzero(left)


def average(graphs: Sequence[sparse.csr_array]) -> sparse.csr_array:
    """The coarse graph: the mean of the normalised graphs of all meta-paths."""
    return sum(graphs[1:], graphs[0]) / len(graphs)


def mean_over_neighbours(incidence: sparse.csr_array) -> sparse.csr_array:
    """B with its entries made 1 and each row divided by its number of entries, at least 1."""
    ones = (incidence > 0).astype(np.float64).tocsr()
    return scale_rows(ones, np.asarray(ones.sum(1)).ravel())


def mean_factors(
    first: sparse.csr_array, second: sparse.csr_array
) -> tuple[sparse.csr_array, sparse.csr_array] | None:
    """`mean_over_neighbours(first @ second)` as left @ right, where that is exact and less work.

    The product says how often a neighbour is reached, the mean whether it is. They agree where
    each end is reached by one way only, as a paper from its one conference.
    """
    first, second = ((each > 0).astype(np.float64).tocsr() for each in (first, second))
    ways_in, ways_out = np.diff(second.T.tocsr().indptr), np.diff(second.indptr)
    reached = first @ ways_out.astype(np.float64)
    if ways_in.max(initial=0) > 1 or first.nnz + second.nnz > reached.sum():
        return None
    return scale_rows(first, reached), second


def scale_rows(matrix: sparse.csr_array, divisor: np.ndarray) -> sparse.csr_array:
    """Each row divided by its divisor; a row whose divisor is 0 stays as it is."""
    divisor = np.where(divisor == 0, 1.0, divisor)
    data = matrix.data / np.repeat(divisor, np.diff(matrix.indptr))
    return sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
