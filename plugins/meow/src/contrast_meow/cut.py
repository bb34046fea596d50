"""The cut by PathSim: which columns of its path counts a target keeps, and who decides ties.

Inside one subject of ACM every PathSim is 1, so that the order among equals decides which 700 of up
to 1841 papers are kept. The files are nearly sorted by class: an order by node number leaks labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy import sparse

Rule = Literal["random", "official", "larger_index", "next_index"]

STRIP_ENTRIES = 2**22  # path counts held at a time, about 0.15 GB with what the sort needs


@dataclass(frozen=True)
class Ties:
    """Which of two columns with equal PathSim goes first.

    `random`: the smaller `rank`, a permutation of the nodes that knows nothing of their order;
    `official`: whatever numpy's unstable sort of the dense row leaves last, as in the official
    code, which depends on the processor;  `larger_index`: the larger node number;  `next_index`:
    the next in cyclic order after the row's own, itself last. All but `random` leak labels where
    the nodes are sorted by class: they are there to measure that.

    Shapes:  rank: (N,), a permutation of 0..N-1.
    """

    rank: np.ndarray
    rule: Rule = "random"

    def take(
        self, similarity: sparse.csr_array, counts: sparse.csr_array, rows: np.ndarray, keep: int
    ) -> sparse.csr_array:
        """The counts of the `keep` first columns of some rows.

        Shapes:  similarity, counts: (n, N), of one pattern;  rows: (n,), the rows' numbers.
        """
        if self.rule == "official":
            return _by_unstable_sort(similarity, counts, keep)
        N = counts.shape[1]
        row = np.repeat(np.arange(len(rows)), np.diff(counts.indptr))
        if self.rule == "next_index":
            late = (counts.indices - rows[row] - 1) % N
        else:
            late = self.rank[counts.indices] if self.rule == "random" else -counts.indices
        return _first(similarity, counts, row, late, keep)


def path_counts(half: sparse.csr_array) -> sparse.csr_array:
    """C = B B^T: in how many ways the meta-path joins two targets.

    Shapes:  half: (N, M) counts of the way out;  returns (N, N), float64.
    """
    return (half @ half.T).tocsr()


def pathsim(
    counts: sparse.csr_array, own: np.ndarray, of_row: np.ndarray | None = None
) -> sparse.csr_array:
    """s_ij = 2 C_ij / (C_ii + C_jj) wherever there is a path.

    Shapes:  counts: (n, N), some rows of C;  own: (N,), its diagonal;  of_row: (n,), that of the
    rows, `own` if None;  returns (n, N).
    """
    of_row = own if of_row is None else of_row
    divisor = np.repeat(of_row, np.diff(counts.indptr)) + own[counts.indices]
    return sparse.csr_array(
        (2 * counts.data / divisor, counts.indices, counts.indptr), counts.shape
    )


def cut(half: sparse.csr_array, keep: int, ties: Ties) -> sparse.csr_array:
    """The path counts of the `keep` columns of largest PathSim in each row; itself may be one.

    Rows of C are formed some at a time, and once where several targets have the same way out.

    Shapes:  half: (N, M) counts of the way out;  returns (N, N).
    Edge cases: a row with fewer paths than `keep` stays whole, an isolated node's stays empty.
    """
    first, member = distinct_rows(half)
    if ties.rule == "next_index":  # where equal rows differ in what they keep
        first = member = np.arange(half.shape[0])
    own, back = np.asarray(half.multiply(half).sum(1)).ravel(), half.T.tocsr()
    kept = []
    for rows in _strips(half, first):
        counts = (half[rows] @ back).tocsr()
        counts.sort_indices()
        kept.append(ties.take(pathsim(counts, own, own[rows]), counts, rows, keep))
    return sparse.vstack(kept, format="csr")[member]


def distinct_rows(matrix: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """The first of each kind of row, and the kind of every row: matrix[first][member] = matrix.

    Shapes:  matrix: (N, M);  returns first: (G,), member: (N,).
    """
    matrix = matrix.sorted_indices()
    kinds: dict[tuple[bytes, bytes], int] = {}
    first, member = [], np.empty(matrix.shape[0], dtype=np.int64)
    for i, (start, end) in enumerate(pairwise(matrix.indptr)):
        key = matrix.indices[start:end].tobytes(), matrix.data[start:end].tobytes()
        member[i] = kinds.setdefault(key, len(kinds))
        if member[i] == len(first):
            first.append(i)
    return np.array(first, dtype=np.int64), member


def _strips(half: sparse.csr_array, rows: np.ndarray) -> list[np.ndarray]:
    """The rows in parts whose path counts are few enough to be held."""
    reach = half.astype(bool).astype(np.float64) @ np.diff(half.T.tocsr().indptr)  # an upper bound
    part = (reach[rows].cumsum() // STRIP_ENTRIES).astype(np.int64)
    return np.split(rows, np.flatnonzero(np.diff(part)) + 1)


def _first(
    similarity: sparse.csr_array,
    counts: sparse.csr_array,
    row: np.ndarray,
    late: np.ndarray,
    keep: int,
) -> sparse.csr_array:
    """The first entries of each row by falling similarity, then by rising `late`."""
    length = np.diff(counts.indptr)
    long = np.flatnonzero((length > keep)[row])  # the others stay whole, unsorted
    order = long[np.lexsort((late[long], -similarity.data[long], row[long]))]
    begin = np.concatenate([[0], np.where(length > keep, length, 0).cumsum()[:-1]])
    place = np.arange(len(order)) - begin[row[order]]
    taken = (length <= keep)[row]
    taken[order[place < keep]] = True
    where = row[taken].astype(np.int32), counts.indices[taken].astype(np.int32)
    found = (counts.data[taken], where)
    return sparse.coo_array(found, shape=counts.shape).tocsr()


def _by_unstable_sort(
    similarity: sparse.csr_array, counts: sparse.csr_array, keep: int
) -> sparse.csr_array:
    """What an unstable sort of the dense rows leaves last, among the entries with a path."""
    parts = []
    for start in range(0, counts.shape[0], 256):
        dense = similarity[start : start + 256].toarray()
        columns = np.argsort(dense, axis=1)[:, ::-1][:, :keep]
        row = np.repeat(np.arange(len(dense)), columns.shape[1])
        chosen = sparse.coo_array(
            (np.ones(columns.size), (row, columns.ravel())), shape=dense.shape
        ).tocsr()
        parts.append(counts[start : start + 256].multiply(chosen).tocsr())
    kept = sparse.vstack(parts, format="csr")
    kept.sort_indices()
    return kept
