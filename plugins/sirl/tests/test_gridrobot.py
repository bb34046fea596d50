import numpy as np
import pytest

from contrast.testing.vectors import assert_close, vector_cases
from contrast_sirl.gridrobot import ANGLES, enumerate_trajectories, normalised, raw_features

FIRST = (0, 1, 69)  # rows of the enumeration whose vectors are known by their place


@pytest.mark.parametrize("case", vector_cases(__file__, "sirl", "gridrobot"))
def test_trajectories_and_features_equal_their_vectors(case):
    everything = enumerate_trajectories()
    raw = raw_features(everything)
    assert len(everything) == case["n_total"]
    assert_close(raw.min(0), case["min"], 1e-8, "min")
    assert_close(raw.max(0), case["max"], 1e-8, "max")
    given = np.array(case["trajectories"])
    assert_close(raw_features(given), case["raw_features"], 1e-8, "raw_features")
    rows = [int(np.abs(everything - one).max(1).argmin()) for one in given]
    assert_close(everything[rows], given, 1e-8, "trajectories")
    assert_close(normalised(raw)[rows], case["normalised_features"], 1e-8, "normalised")


def test_every_trajectory_is_another_shortest_path_between_opposite_corners():
    everything = enumerate_trajectories()
    cells = everything[:, :-1].reshape(-1, 9, 2)
    assert len(np.unique(everything, axis=0)) == 1960
    assert (np.abs(np.diff(cells, axis=1)).sum(-1) == 1).all()
    assert (cells[:, 0] + cells[:, -1] == 4).all()


def test_angles_ascend_slowest_then_corners_then_paths():
    everything = enumerate_trajectories()
    assert (np.diff(everything[:, -1]) >= 0).all()
    assert np.unique(everything[:, -1]) == pytest.approx(ANGLES)
    starts = everything[: 4 * 70 : 70, :2]
    assert starts.tolist() == [[0, 0], [0, 4], [4, 0], [4, 4]]
    assert everything[0, :10].tolist() == [0, 0, 1, 0, 2, 0, 3, 0, 4, 0]


def test_a_constant_feature_becomes_zero_and_training_rows_can_set_the_range():
    raw = np.array([[1.0, 5.0], [3.0, 5.0], [9.0, 5.0]])
    assert normalised(raw).tolist() == [[0, 0], [0.25, 0], [1, 0]]
    assert normalised(raw, np.array([0, 1]))[:, 0].tolist() == [0, 1, 4]


def test_the_two_features_of_the_code_are_the_centre_and_the_angle():
    everything = enumerate_trajectories()
    both = raw_features(everything, "code2")
    assert (both == raw_features(everything)[:, [0, 3]]).all()
