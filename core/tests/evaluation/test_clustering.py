import numpy as np
import pytest

from contrast.errors import DataError
from contrast.evaluation import cluster_scores


def test_separate_blobs_are_found_whole():
    labels = np.repeat([0, 5, 7], 10)
    z = labels[:, None] + 0.01 * np.random.default_rng(0).normal(size=(30, 2))
    scores = cluster_scores(z, labels, runs=2, restarts=3, seed=1)
    assert scores.mean() == pytest.approx({"nmi": 100, "ari": 100})
    assert scores.nmi.shape == (2,)


def test_noise_scores_near_zero_and_repeats_by_seed():
    rng = np.random.default_rng(0)
    z, labels = rng.normal(size=(200, 4)), rng.integers(0, 3, 200)
    scores = cluster_scores(z, labels, runs=3, restarts=1, seed=4)
    assert abs(scores.mean()["ari"]) < 5
    np.testing.assert_array_equal(
        scores.nmi, cluster_scores(z, labels, runs=3, restarts=1, seed=4).nmi
    )


def test_samples_without_a_label_are_clustered_and_not_judged():
    z = np.repeat([[0.0, 0.0], [9.0, 9.0]], 5, axis=0)
    labels = np.array([0, 0, 0, -1, -1, 1, 1, 1, 1, -1])
    assert cluster_scores(z, labels, runs=1, restarts=1, seed=0).mean()["nmi"] == pytest.approx(100)


def test_one_class_is_refused():
    with pytest.raises(DataError, match="at least two classes"):
        cluster_scores(np.eye(3), [1, 1, 1], seed=0)
