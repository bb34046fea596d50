import numpy as np
import pytest

from contrast.reporting.projection import project


def blobs(n=60, d=6):
    rng = np.random.default_rng(0)
    return 8 * rng.normal(size=(2, d))[np.arange(n) % 2] + rng.normal(size=(n, d))


def test_groups_stay_apart_and_the_picture_repeats():
    points, how = project(blobs())
    assert "t-SNE" in how
    np.testing.assert_array_equal(points, project(blobs())[0])
    a, b = points[::2], points[1::2]
    between = np.linalg.norm(a.mean(0) - b.mean(0))
    assert between > 2 * max(a.std(0).max(), b.std(0).max())


@pytest.mark.parametrize(("n", "d"), [(1, 5), (2, 5), (9, 1), (4000, 3), (12, 1), (5, 2)])
def test_any_size_gives_two_finite_coordinates(n, d):
    points, _ = project(np.random.default_rng(0).normal(size=(n, d)))
    assert points.shape == (n, 2)
    assert np.isfinite(points).all()


@pytest.mark.parametrize(
    "z",
    [
        np.ones((20, 4)),
        np.zeros((20, 4)),
        1e-25 * blobs(),
        1e25 * blobs(),
        np.repeat(np.eye(4), 10, axis=0),
        np.concatenate([1e-4 * blobs(), np.full((1, 6), 1e4)]),
        np.ones((20, 4)) + 1e-9 * blobs(20, 4),
    ],
    ids=["alike", "zero", "tiny", "huge", "doubled", "outlier", "nearly alike"],
)
def test_degenerate_embeddings_are_drawn_too(z):
    assert np.isfinite(project(z)[0]).all()
