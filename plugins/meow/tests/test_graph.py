import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from contrast.engine.randomness import generator
from contrast.testing.vectors import assert_close, vector_cases
from contrast_meow.cut import Ties, cut, distinct_rows, path_counts, pathsim
from contrast_meow.graph import (
    average,
    factors,
    mask_edges,
    mask_features,
    mean_factors,
    mean_over_neighbours,
    normalise,
)

NOTHING = generator("unused")


def random_incidence(seed: int, N: int = 12, M: int = 7, density: float = 0.3) -> sparse.csr_array:
    drawn = torch.rand(N, M, generator=generator(seed)).numpy()
    return sparse.csr_array((drawn < density).astype(float))


def naive_cut(counts: np.ndarray, keep: int, late) -> np.ndarray:
    """The cut entry by entry; of equal PathSim the smaller late(i, j) goes first."""
    kept = np.zeros_like(counts)
    for i in range(len(counts)):
        with_path = [j for j in range(len(counts)) if counts[i, j] > 0]
        s = {j: 2 * counts[i, j] / (counts[i, i] + counts[j, j]) for j in with_path}
        for j in sorted(with_path, key=lambda j: (-s[j], late(i, j)))[:keep]:
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
    kept = cut(B, case["K"], Ties(np.array(case["tie_rank"])))
    masked = normalise(mask_edges(kept, 0.0, NOTHING))
    context = mean_over_neighbours(B) @ np.array(case["context_features"])
    for name, found in (
        ("counts", counts.toarray()),
        ("pathsim", pathsim(counts, counts.diagonal()).toarray()),
        ("kept", kept.toarray()),
        ("normalized", normalise(kept).toarray()),
        ("masked_none_normalized", masked.toarray()),
        ("context_mean", context),
    ):
        assert_close(found, case[name], 1e-9, name)


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    keep=st.integers(1, 14),
    density=st.floats(0.05, 0.9),
    rule=st.sampled_from(["random", "larger_index", "next_index"]),
)
def test_cut_and_normalisation_equal_a_naive_loop(seed, keep, density, rule):
    half = random_incidence(seed, density=density)
    rank = np.random.default_rng(seed).permutation(12)
    late = {
        "random": lambda i, j: rank[j],
        "larger_index": lambda i, j: -j,
        "next_index": lambda i, j: (j - i - 1) % 12,
    }[rule]
    kept = cut(half, keep, Ties(rank, rule))
    assert (kept.toarray() == naive_cut(path_counts(half).toarray(), keep, late)).all()
    np.testing.assert_allclose(
        normalise(kept).toarray(), naive_normalise(kept.toarray()), rtol=1e-14
    )


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), keep=st.integers(1, 6))
def test_renumbering_nodes_with_their_tie_rank_keeps_the_identical_graph(seed, keep):
    B = random_incidence(seed, M=2, density=0.6)  # two neighbours only: nearly all are ties
    draw = np.random.default_rng(seed)
    rank, order = draw.permutation(12), draw.permutation(12)
    kept = cut(B, keep, Ties(rank)).toarray()
    renumbered = cut(B[order], keep, Ties(rank[order])).toarray()
    assert (renumbered == kept[np.ix_(order, order)]).all()


def test_ties_go_to_the_smaller_tie_rank_and_not_to_the_node_itself():
    kept = cut(sparse.csr_array(np.ones((4, 1))), 2, Ties(np.array([3, 1, 0, 2]))).toarray()
    assert (kept == np.array([[0, 1, 1, 0]] * 4)).all()


def test_isolated_target_has_an_empty_row_and_no_nan():
    B = sparse.csr_array(np.array([[0.0, 0.0], [1, 0], [1, 1]]))
    kept = cut(B, 2, Ties(np.arange(3)))
    normal = normalise(kept).toarray()
    assert np.isfinite(normal).all()
    assert not normal[0].any()
    masked = normalise(mask_edges(kept, 0.5, generator(0))).toarray()
    assert masked[0].tolist() == [1, 0, 0]
    assert not mean_over_neighbours(B).toarray()[0].any()


def test_keeping_more_columns_than_nodes_keeps_all_paths():
    half = random_incidence(1)
    kept = cut(half, 100, Ties(np.arange(12))).toarray()
    assert (kept == path_counts(half).toarray()).all()


def test_masked_graph_drops_that_share_of_the_edges_and_gains_the_identity():
    kept = cut(random_incidence(2, density=0.6), 8, Ties(np.arange(12)))
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


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), keep=st.integers(1, 14), density=st.floats(0.05, 0.9))
def test_official_ties_are_those_of_a_sort_of_the_dense_similarities(seed, keep, density):
    counts = path_counts(half := random_incidence(seed, density=density)).toarray()
    own = counts.diagonal()
    total = own[:, None] + own
    dense = np.divide(2 * counts, total, out=np.zeros_like(counts), where=counts > 0)
    expected = np.zeros_like(counts)
    for i, row in enumerate(dense):
        last = np.argsort(row)[::-1][:keep]
        expected[i, last] = counts[i, last]
    assert (cut(half, keep, Ties(np.arange(12), "official")).toarray() == expected).all()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), rule=st.sampled_from(["official", "larger_index", "next_index"]))
def test_every_rule_keeps_as_much_similarity_as_the_random_one(seed, rule):
    half = random_incidence(seed, M=2, density=0.6)
    counts = path_counts(half)
    similar = pathsim(counts, counts.diagonal()).toarray()
    kept = [cut(half, 4, Ties(np.arange(12), each)).toarray() > 0 for each in ("random", rule)]
    one, other = (np.sort(np.where(each, similar, 0), axis=1) for each in kept)
    np.testing.assert_array_equal(one, other)


def test_rows_are_cut_strip_by_strip_as_at_once(monkeypatch):
    half = random_incidence(6, N=40, M=9)
    ties = Ties(np.random.default_rng(0).permutation(40))
    whole = cut(half, 5, ties).toarray()
    monkeypatch.setattr("contrast_meow.cut.STRIP_ENTRIES", 100)
    assert (cut(half, 5, ties).toarray() == whole).all()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), keep=st.integers(1, 20))
def test_factors_of_a_graph_with_equal_rows_multiply_to_it(seed, keep):
    subject = np.random.default_rng(seed).integers(0, 3, 40)
    half = sparse.csr_array(np.eye(4)[subject][:, :3])  # some targets have none
    kept = cut(half, keep, Ties(np.random.default_rng(seed).permutation(40)))
    found = factors(kept)
    if found is None:
        assert 2 * (kept[distinct_rows(kept)[0]].nnz + 40) > kept.nnz
        return
    left, right = found
    assert left.nnz + right.nnz < kept.nnz
    np.testing.assert_allclose((left @ right).toarray(), normalise(kept).toarray(), atol=1e-15)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), several=st.booleans())
def test_factors_of_a_context_are_its_mean_where_each_end_is_reached_by_one_way(seed, several):
    draw = np.random.default_rng(seed)
    first = sparse.csr_array((draw.random((20, 4)) < 0.5) * draw.integers(1, 4, (20, 4)) * 1.0)
    second = np.zeros((4, 60))
    second[draw.integers(0, 4, 60), np.arange(60)] = 1
    if several:
        second[:, 0] = 1
    second = sparse.csr_array(second)
    found = mean_factors(first, second)
    if several:
        assert found is None
        return
    if found is not None:
        whole = mean_over_neighbours((first @ second).tocsr())
        np.testing.assert_allclose((found[0] @ found[1]).toarray(), whole.toarray(), atol=1e-15)
    assert found is not None or first.nnz + second.nnz > (first @ second).nnz


def test_distinct_rows_give_every_row_back():
    half = sparse.csr_array(np.array([[0.0, 1], [0, 2], [0, 1], [0, 0], [0, 2]]))
    first, member = distinct_rows(half)
    assert first.tolist() == [0, 1, 3]
    assert member.tolist() == [0, 1, 0, 2, 1]
