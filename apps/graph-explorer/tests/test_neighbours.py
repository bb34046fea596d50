import numpy as np
import pytest
from scipy import sparse

from contrast_graph_explorer.neighbours import Links, largest, neighbourhood, unit_rows

PATH = "film > rev_liked > person"


def test_paths_and_pathsim_equal_the_written_out_formula():
    half = np.random.default_rng(0).integers(0, 3, (7, 4)).astype(float)
    half[3] = 0
    links = Links(sparse.csr_array(half))
    for i in range(7):
        for j in range(7):
            ways = sum(half[i, m] * half[j, m] for m in range(4))
            both = sum(half[i] ** 2) + sum(half[j] ** 2)
            assert links.counts(i)[j] == ways
            assert links.pathsim(i)[j] == pytest.approx(2 * ways / both if both else 0)


def test_the_largest_come_first_equal_ones_by_place_and_never_the_node_itself():
    assert largest(np.array([0.5, 0.9, 0.5, 1.0]), 3, without=3) == [1, 0, 2]
    assert largest(np.array([1.0, 2.0]), 5, without=0) == [1]


def test_neighbours_in_the_embedding_are_those_of_largest_cosine(run):
    near = neighbourhood(run, 4, 5)
    cosine = [run.z[4] @ run.z[j] for j in range(30)]
    expected = sorted((j for j in range(30) if j != 4), key=lambda j: -cosine[j])[:5]
    assert [each.node for each in near.embedding] == expected
    assert near.embedding[0].score == pytest.approx(cosine[expected[0]])


def test_a_neighbour_is_shared_where_both_lists_have_it(run):
    near = neighbourhood(run, run.best_known, 10)
    close = {each.node for each in near.embedding}
    tied = {each.node for each in near.graph[PATH]}
    assert {each.node for each in near.embedding if each.shared} == close & tied
    assert near.agreement(PATH) == len(close & tied) > 0


def test_an_isolated_node_has_neighbours_in_the_embedding_only(run):
    near = neighbourhood(run, 29, 10)
    assert near.graph[PATH] == ()
    assert len(near.embedding) == 10


def test_a_row_of_zeros_is_similar_to_nobody():
    z = unit_rows(np.array([[0.0, 0.0], [3.0, 4.0]]))
    np.testing.assert_allclose(z @ z[0], 0)
