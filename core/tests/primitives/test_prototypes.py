import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrast.engine.randomness import generator
from contrast.primitives.prototypes import (
    Clustering,
    concentrations,
    fit_apart,
    fit_together,
    kmeans,
    means,
    nearest,
    refill,
)


def draw(N: int, D: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(N, D, generator=generator(seed, N, D), dtype=torch.float64)


def starts(N: int, K: int, R: int, seed: int = 0) -> torch.Tensor:
    g = generator("starts", seed)
    return torch.stack([torch.randperm(N, generator=g)[:K] for _ in range(R)])


def naive_kmeans(x: np.ndarray, start: list[int], iterations: int, nearness: str):
    """One restart in loops, for data on which no cluster runs empty."""
    centres = [x[i].copy() for i in start]

    def closeness(point, centre):
        inner = nearness == "inner"
        return point @ centre if inner else -((point - centre) ** 2).sum()

    def assign():
        return [int(np.argmax([closeness(point, c) for c in centres])) for point in x]

    for _ in range(iterations):
        ids = assign()
        centres = [x[[i for i, k in enumerate(ids) if k == c]].mean(0) for c in range(len(start))]
    ids = assign()
    total = sum(closeness(point, centres[k]) for point, k in zip(x, ids, strict=True))
    return total, ids, np.array(centres)


def blobs(nearness: str) -> torch.Tensor:
    """Three far groups, at which no cluster runs empty."""
    corners = torch.eye(3, dtype=torch.float64) * (1.0 if nearness == "inner" else 4.0)
    return corners.repeat_interleave(8, 0) + 0.1 * draw(24, 3)


@pytest.mark.parametrize("nearness", ["inner", "distance"])
def test_kmeans_equals_a_naive_loop_over_restarts(nearness):
    x = blobs(nearness)
    begin = torch.tensor([[0, 8, 16], [17, 3, 9], [20, 12, 1]])
    found = kmeans(x, begin, iterations=5, nearness=nearness)
    each = [naive_kmeans(x.numpy(), row, 5, nearness) for row in begin.tolist()]
    _, ids, centres = max(each, key=lambda result: result[0])
    assert found.ids.tolist() == ids
    np.testing.assert_allclose(found.centres.numpy(), centres, rtol=1e-12)


@pytest.mark.parametrize("nearness", ["inner", "distance"])
def test_kmeans_is_at_least_as_good_as_its_best_restart_alone(nearness):
    x, begin = draw(40, 4), starts(40, 5, 4)

    def quality(found: Clustering) -> float:
        own = found.centres[found.ids]
        return float((x * own).sum() if nearness == "inner" else -(x - own).square().sum())

    alone = [quality(kmeans(x, row[None], nearness=nearness)) for row in begin]
    assert quality(kmeans(x, begin, nearness=nearness)) == pytest.approx(max(alone), rel=1e-12)


@pytest.mark.parametrize("nearness", ["inner", "distance"])
@pytest.mark.parametrize("iterations", [0, 3, 50])
@pytest.mark.parametrize("K", [1, 7, 60])
def test_looking_at_moved_centres_alone_fits_as_looking_at_all(nearness, iterations, K):
    x = draw(300, 4).repeat(2, 1)  # equal points: a cluster often runs empty
    begin = x[starts(600, K, 3)]
    all_centres = fit_together(x, begin, iterations, nearness)
    moved_ones = fit_apart(x, begin, iterations, nearness)
    for expected, found in zip(all_centres, moved_ones, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_fits_at_rest_are_looked_at_no_more(monkeypatch):
    seen = []

    def counted(x, centres, nearness):
        seen.append(len(x) * centres.shape[1])
        return nearest(x, centres, nearness)

    monkeypatch.setattr("contrast.primitives.prototypes.nearest", counted)
    fit_apart(blobs("distance"), blobs("distance")[None, [0, 8, 16]], 50, "distance")
    assert sum(seen) <= 3 * 24 * 3  # of 51 assignments of 24 points to 3 centres


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), K=st.integers(1, 12))
def test_renumbering_points_with_their_starts_renumbers_the_clusters_only(seed, K):
    x, begin = draw(12, 3, seed), starts(12, K, 1, seed)  # of two, rounding may choose the best
    order = torch.randperm(12, generator=generator("order", seed))
    place = order.argsort()
    found, moved = kmeans(x, begin), kmeans(x[order], place[begin])
    assert torch.equal(moved.ids, found.ids[order])
    torch.testing.assert_close(moved.centres, found.centres, rtol=1e-12, atol=1e-13)


def test_equal_points_and_as_many_clusters_as_points_are_allowed():
    same = kmeans(torch.ones(4, 2), starts(4, 4, 2))
    own = kmeans(torch.eye(4), starts(4, 4, 2))
    assert same.ids.shape == (4,)
    assert same.centres.isfinite().all()
    assert sorted(own.ids.tolist()) == [0, 1, 2, 3]


def test_one_point_in_one_cluster():
    found = kmeans(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 1, dtype=torch.int64))
    assert found.ids.tolist() == [0]
    assert found.centres.tolist() == [[3.0, 4.0]]


def test_empty_cluster_moves_beside_the_largest():
    x = torch.tensor([[1.0, 1], [1, 1], [1, 1], [0, 5]])
    centres, sizes = means(x, torch.tensor([[0, 0, 0, 3]]), 4)
    filled = refill(centres, sizes)[0]
    assert sizes.tolist() == [[3, 0, 0, 1]]
    assert filled[0].tolist() == [1, 1]
    torch.testing.assert_close(filled[1], torch.tensor([1 - 1 / 1024, 1 + 1 / 1024]))
    torch.testing.assert_close(filled[2], torch.tensor([0, 5 + 5 / 1024]))


def test_half_precision_is_clustered_in_float32():
    found = kmeans(draw(10, 3).bfloat16(), starts(10, 2, 1))
    assert found.centres.dtype == torch.float32


@pytest.mark.parametrize(
    ("x", "begin", "message"),
    [
        (torch.ones(4), torch.zeros(1, 2, dtype=torch.int64), "must be"),
        (torch.ones(4, 2), torch.zeros(2, dtype=torch.int64), "must be"),
        (torch.ones(4, 2), torch.tensor([[0, 4]]), r"0\.\.3"),
    ],
)
def test_misshapen_points_or_starts_are_refused(x, begin, message):
    with pytest.raises(ValueError, match=message):
        kmeans(x, begin)


def test_concentrations_equal_a_naive_loop():
    x = torch.nn.functional.normalize(draw(30, 4), dim=1)
    found = kmeans(x, starts(30, 6, 1))
    spread = {}
    for k in range(6):
        members = [i for i in range(30) if found.ids[i] == k]
        if len(members) > 1:
            roots = [max(float(x[i] @ found.centres[k]), 0) ** 0.5 for i in members]
            spread[k] = sum(roots) / len(roots) / np.log(len(members) + 5)
    phi = np.array([spread.get(k, max(spread.values())) for k in range(6)])
    phi = phi.clip(np.percentile(phi, 10), np.percentile(phi, 90))
    np.testing.assert_allclose(concentrations(x, found).numpy(), phi / phi.mean(), rtol=1e-12)


def test_negative_similarity_counts_as_zero_and_gives_no_nan():
    x = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, 1]])
    found = Clustering(torch.tensor([0, 0, 1, 1]), torch.tensor([[0.5, 0], [0, 1]]))
    assert concentrations(x, found).isfinite().all()


@pytest.mark.parametrize(
    "found",
    [
        Clustering(torch.tensor([0, 1, 2]), torch.eye(3)),  # nobody has company
        Clustering(torch.tensor([0, 0, 0]), torch.zeros(1, 3)),  # opposite points cancel
    ],
)
def test_concentrations_are_one_where_no_cluster_has_any(found):
    assert concentrations(torch.eye(3), found).tolist() == [1.0] * len(found.centres)
