import numpy as np
import pytest

from contrast.testing.vectors import assert_close, load_vectors, tensors, vector_cases
from contrast_sirl.jaco import BASE, HUMAN, LAPTOP, forward_kinematics, raw_features, waypoints


def poses():
    """The poses of every case, each with the base that it states."""
    found = []
    for parameter in vector_cases(__file__, "sirl", "jaco_fk"):
        case = parameter.values[0] or {"base": None, "poses": []}
        found += [(case["base"], pose) for pose in case.get("poses", [case])]
    return found


def test_the_base_of_the_vectors_is_that_of_the_arm():
    assert load_vectors(__file__, "sirl")
    assert all(base is None or list(base) == BASE.tolist() for base, _ in poses())


@pytest.mark.parametrize(("base", "pose"), poses())
def test_link_positions_and_hand_equal_their_vectors(base, pose):
    (q,) = tensors(pose, "q")
    positions, rotations = forward_kinematics(q.numpy())
    assert_close(positions, pose["joint_xyz"], 1e-8, "joint_xyz")
    assert_close(rotations[-1], pose["ee_rotation"], 1e-8, "ee_rotation")


def test_with_all_joints_at_pi_the_arm_is_straight_up():
    positions, _ = forward_kinematics(np.full(7, np.pi))
    assert positions[-1, 2] == pytest.approx(0.675 + 1.1003)


def test_many_poses_are_computed_as_one_by_one():
    q = np.random.default_rng(0).uniform(-1, 1, (3, 5, 7))
    positions, rotations = forward_kinematics(q)
    alone = forward_kinematics(q[2, 4])
    assert positions[2, 4] == pytest.approx(alone[0])
    assert rotations[2, 4] == pytest.approx(alone[1])


def test_a_waypoint_holds_angles_rotations_positions_and_what_is_around():
    q = np.full((2, 7), 0.3)
    states = waypoints(q)
    positions, rotations = forward_kinematics(q)
    assert states.shape == (2, 97)
    assert states[0, :7].tolist() == q[0].tolist()
    assert states[0, 67] == pytest.approx(rotations[0, 6, 2, 0])
    assert states[0, 88:91] == pytest.approx(positions[0, 6])
    assert states[0, 91:].tolist() == [*HUMAN, *LAPTOP]


def test_features_are_the_plain_sums_over_waypoints():
    states = waypoints(np.random.default_rng(1).uniform(0, 3, (1, 4, 7)))
    table = upright = laptop = human = 0.0
    for state in states[0]:
        x, y, z = state[88:91]
        table += z - 0.65
        upright += 1 - state[67]
        laptop += max(0, 0.8 - np.hypot(x + 0.5, y))
        human += max(0, 0.8 - np.hypot(x + 0.2, (y + 0.6) / 3))
    assert raw_features(states)[0] == pytest.approx([table, upright, laptop, human])
