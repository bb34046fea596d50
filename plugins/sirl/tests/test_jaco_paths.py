import numpy as np
import pytest

from contrast.errors import DataError
from contrast_sirl import jaco_paths
from contrast_sirl.jaco import LIMITS, forward_kinematics
from contrast_sirl.jaco_paths import APART, DIFFERENT, WORKSPACE, deformation, draw_paths


@pytest.fixture(scope="module")
def drawn():
    return draw_paths(12, 3, np.random.default_rng(0))


def test_paths_come_in_pairs_of_poses_within_limits_and_workspace(drawn):
    paths, groups = drawn
    assert paths.shape == (12, 21, 7)
    assert np.bincount(groups).tolist() == [4, 4, 4]
    for ends in (paths[:, 0], paths[:, -1]):
        hand = forward_kinematics(ends)[0][:, -1]
        assert ((hand > WORKSPACE[0] - 1) & (hand < WORKSPACE[1] + 1)).all()
    start, goal = paths[::4, 0], paths[::4, -1]
    assert start.shape == goal.shape == (3, 7)


def test_paths_of_a_pair_differ_from_the_line_and_from_one_another(drawn):
    paths, groups = drawn
    for group in range(3):
        own = paths[groups == group]
        for i, one in enumerate(own):
            for other in own[:i]:
                assert np.linalg.norm(one - other, axis=1).sum() >= DIFFERENT


def test_a_deformation_has_the_least_second_difference_for_its_push():
    h = deformation(9)
    assert np.linalg.norm(h) == pytest.approx(3)
    differences = np.zeros((11, 9))
    for column in range(9):
        differences[column : column + 3, column] = (1, -2, 1)
    energy = differences.T @ differences @ h
    assert energy[1:] == pytest.approx(0, abs=1e-9)  # stationary but for the pushed waypoint
    assert energy[0] > 0


def test_the_distance_of_start_and_goal_is_kept_before_bending():
    from contrast_sirl.jaco_paths import _two_poses

    start, goal = _two_poses(np.random.default_rng(1))
    for pose in (start, goal):
        assert ((pose >= LIMITS[:, 0]) & (pose <= LIMITS[:, 1])).all()
    hands = forward_kinematics(np.stack([start, goal]))[0][:, -1]
    assert ((hands > WORKSPACE[0]) & (hands < WORKSPACE[1])).all()
    assert np.linalg.norm(hands[0] - hands[1]) >= APART


def test_more_different_paths_than_two_poses_have_are_refused(monkeypatch):
    monkeypatch.setattr(jaco_paths, "GIVEN_UP", 2)
    with pytest.raises(DataError, match=r"(?s)150 different paths.*`data.pairs`"):
        draw_paths(300, 2, np.random.default_rng(0))
