"""Meta-path graphs: path counts, the cut by PathSim, normalisation, masks; all sparse, vectorised.

arXiv:2212.13847 as its official code computes it, except for ties in the cut: there the order of
the nodes decided, which leaks the labels; here a random `tie_rank` does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy import sparse
from torch import Generator


def path_counts(half: sparse.csr_array) -> sparse.csr_array:
    """C = B B^T: in how many ways the meta-path joins two targets.

    Shapes:  half: (N, M) counts of the way out;  returns (N, N), float64.
    """
    return (half @ half.T).tocsr()


def pathsim(counts: sparse.csr_array) -> sparse.csr_array:
    """s_ij = 2 C_ij / (C_ii + C_jj) wherever there is a path, (N, N)."""
    own = counts.diagonal()
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    similarity = 2 * counts.data / (own[rows] + own[counts.indices])
    return sparse.csr_array((similarity, counts.indices, counts.indptr), shape=counts.shape)


def cut(counts: sparse.csr_array, keep: int, tie_rank: np.ndarray) -> sparse.csr_array:
    """The counts of the `keep` columns of largest PathSim in each row; the node itself may be one.

    Equal PathSim goes to the smaller `tie_rank`, never to the smaller index.

    Shapes:  counts: (N, N);  tie_rank: (N,), a permutation of 0..N-1;  returns (N, N).
    Edge cases: a row with fewer paths than `keep` stays whole, an isolated node's stays empty.
    """
    by_rank = np.argsort(tie_rank)
    ranked = counts[:, by_rank]  # columns in the order in which ties are decided
    ranked.sort_indices()
    length = np.diff(ranked.indptr)
    rows = np.repeat(np.arange(len(length)), length)
    order = np.lexsort((-pathsim(counts)[:, by_rank].sorted_indices().data, rows))
    place = np.arange(ranked.nnz) - np.repeat(ranked.indptr[:-1], length)
    kept = order[place < keep]
    columns = by_rank[ranked.indices[kept]]
    return _sorted(sparse.coo_array((ranked.data[kept], (rows[kept], columns)), counts.shape))


def normalise(kept: sparse.csr_array) -> sparse.csr_array:
    """D^-1/2 A^T D^-1/2 with D the row sums of A: node j hears those that kept j.

    Shapes:  (N, N), not symmetric.  Edge cases: a row sum of 0 gives 0.
    """
    degree = np.asarray(kept.sum(1)).ravel()
    scale = np.divide(1.0, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    heard = kept.T.tocsr()
    data = heard.data * np.repeat(scale, np.diff(heard.indptr)) * scale[heard.indices]
    return sparse.csr_array((data, heard.indices, heard.indptr), shape=heard.shape)


def mask_edges(kept: sparse.csr_array, fraction: float, generator: Generator) -> sparse.csr_array:
    """The graph without its diagonal and a random share of its directed edges, all weights 1, + I.

    Shapes:  (N, N), to be normalised.
    """
    edges = kept.tocoo()
    other = edges.row != edges.col
    row, column = edges.row[other], edges.col[other]
    left = survivors(len(row), fraction, generator)
    ones = sparse.coo_array((np.ones(len(left)), (row[left], column[left])), shape=kept.shape)
    return (ones.tocsr() + sparse.eye_array(kept.shape[0], format="csr")).tocsr()


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
    order = torch.randperm(count, generator=generator).numpy()
    return np.sort(order[int(fraction * count) :])


def average(graphs: Sequence[sparse.csr_array]) -> sparse.csr_array:
    """The coarse graph: the mean of the normalised graphs of all meta-paths."""
    return sum(graphs[1:], graphs[0]) / len(graphs)


def mean_over_neighbours(incidence: sparse.csr_array) -> sparse.csr_array:
    """B with its entries made 1 and each row divided by its number of entries, at least 1."""
    ones = (incidence > 0).astype(np.float64).tocsr()
    return scale_rows(ones, np.asarray(ones.sum(1)).ravel())


def scale_rows(matrix: sparse.csr_array, divisor: np.ndarray) -> sparse.csr_array:
    """Each row divided by its divisor; a row whose divisor is 0 stays as it is."""
    divisor = np.where(divisor == 0, 1.0, divisor)
    data = matrix.data / np.repeat(divisor, np.diff(matrix.indptr))
    return sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _sorted(matrix: sparse.coo_array) -> sparse.csr_array:
    rows = matrix.tocsr()
    rows.sort_indices()
    return rows
