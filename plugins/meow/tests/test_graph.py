import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from contrast.engine.randomness import generator
from contrast.testing.vectors import assert_close, vector_cases
from contrast_meow.graph import (
    average,
    cut,
    mask_edges,
    mask_features,
    mean_over_neighbours,
    normalise,
    path_counts,
    pathsim,
)

NOTHING = generator("unused")


def random_incidence(seed: int, N: int = 12, M: int = 7, density: float = 0.3) -> sparse.csr_array:
    drawn = torch.rand(N, M, generator=generator(seed)).numpy()
    return sparse.csr_array((drawn < density).astype(float))


def naive_cut(counts: np.ndarray, keep: int, tie_rank: np.ndarray) -> np.ndarray:
    """Section 2 of the specification, entry by entry."""
    kept = np.zeros_like(counts)
    for i in range(len(counts)):
        with_path = [j for j in range(len(counts)) if counts[i, j] > 0]
        s = {j: 2 * counts[i, j] / (counts[i, i] + counts[j, j]) for j in with_path}
        for j in sorted(with_path, key=lambda j: (-s[j], tie_rank[j]))[:keep]:
            kept[i, j] = counts[i, j]
    return kept


def naive_normalise(A: np.ndarray) -> np.ndarray:
    out, degree = np.zeros_like(A), A.sum(1)
    for i in range(len(A)):
        for j in range(len(A)):
            if degree[i] > 0 and degree[j] > 0:
                out[i, j] = A[j, i] / np.sqrt(degree[i] * degree[j])
    return out


@pytest.mark.parametrize("case", vector_cases(__file__, "meow", "metapath_adjacency"))
def test_graphs_of_a_meta_path_equal_their_vector(case):
    B = sparse.csr_array(np.array(case["incidence"], dtype=float))
    counts = path_counts(B)
    kept = cut(counts, case["K"], np.array(case["tie_rank"]))
    masked = normalise(mask_edges(kept, 0.0, NOTHING))
    context = mean_over_neighbours(B) @ np.array(case["context_features"])
    for name, found in (
        ("counts", counts.toarray()),
        ("pathsim", pathsim(counts).toarray()),
        ("kept", kept.toarray()),
        ("normalized", normalise(kept).toarray()),
        ("masked_none_normalized", masked.toarray()),
        ("context_mean", context),
    ):
        assert_close(found, case[name], 1e-9, name)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), keep=st.integers(1, 14), density=st.floats(0.05, 0.9))
def test_cut_and_normalisation_equal_a_naive_loop(seed, keep, density):
    counts = path_counts(random_incidence(seed, density=density))
    rank = np.random.default_rng(seed).permutation(12)
    kept = cut(counts, keep, rank)
    assert (kept.toarray() == naive_cut(counts.toarray(), keep, rank)).all()
    np.testing.assert_allclose(
        normalise(kept).toarray(), naive_normalise(kept.toarray()), rtol=1e-14
    )


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), keep=st.integers(1, 6))
def test_renumbering_nodes_with_their_tie_rank_keeps_the_identical_graph(seed, keep):
    B = random_incidence(seed, M=2, density=0.6)  # two neighbours only: nearly all are ties
    draw = np.random.default_rng(seed)
    rank, order = draw.permutation(12), draw.permutation(12)
    kept = cut(path_counts(B), keep, rank).toarray()
    renumbered = cut(path_counts(B[order]), keep, rank[order]).toarray()
    assert (renumbered == kept[np.ix_(order, order)]).all()


def test_ties_go_to_the_smaller_tie_rank_and_not_to_the_node_itself():
    counts = path_counts(sparse.csr_array(np.ones((4, 1))))
    kept = cut(counts, 2, np.array([3, 1, 0, 2])).toarray()
    assert (kept == np.array([[0, 1, 1, 0]] * 4)).all()


def test_isolated_target_has_an_empty_row_and_no_nan():
    B = sparse.csr_array(np.array([[0.0, 0.0], [1, 0], [1, 1]]))
    kept = cut(path_counts(B), 2, np.arange(3))
    normal = normalise(kept).toarray()
    assert np.isfinite(normal).all()
    assert not normal[0].any()
    masked = normalise(mask_edges(kept, 0.5, generator(0))).toarray()
    assert masked[0].tolist() == [1, 0, 0]
    assert not mean_over_neighbours(B).toarray()[0].any()


def test_keeping_more_columns_than_nodes_keeps_all_paths():
    counts = path_counts(random_incidence(1))
    assert (cut(counts, 100, np.arange(12)).toarray() == counts.toarray()).all()


def test_masked_graph_drops_that_share_of_the_edges_and_gains_the_identity():
    kept = cut(path_counts(random_incidence(2, density=0.6)), 8, np.arange(12))
    masked = mask_edges(kept, 0.3, generator("mask")).toarray()
    others = kept.toarray() * (1 - np.eye(12))
    E = int((others > 0).sum())
    assert (np.diag(masked) == 1).all()
    assert set(np.unique(masked)) == {0, 1}
    assert masked.sum() - 12 == E - int(0.3 * E)
    assert (others[(masked - np.eye(12)) > 0] > 0).all()


def test_masked_features_lose_that_share_of_their_entries_and_keep_their_shape():
    x = random_incidence(3) * 0.25
    masked = mask_features(x, 0.4, generator("mask"))
    assert masked.shape == x.shape
    assert masked.nnz == x.nnz - int(0.4 * x.nnz)
    assert (masked.toarray()[masked.toarray() > 0] == 0.25).all()


def test_coarse_graph_is_the_mean():
    one, two = normalise(random_incidence(4, M=12)), normalise(random_incidence(5, M=12))
    np.testing.assert_allclose(
        average([one, two]).toarray(), (one.toarray() + two.toarray()) / 2, rtol=1e-15
    )
