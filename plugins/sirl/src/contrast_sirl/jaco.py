"""The 7-joint Kinova Jaco arm by forward kinematics: poses of its links, and what people feel.

No physics: a trajectory is a path of joint angles, replayed. A waypoint is 97 numbers: 7 angles,
7 row-major link rotations, 7 link positions, the person's and the laptop's position.
"""

from __future__ import annotations

import numpy as np

BASE = np.array([0.0, 0.0, 0.675])
TABLE_HEIGHT = 0.65
HUMAN, LAPTOP = np.array([-0.2, -0.6, 0.9]), np.array([-0.5, 0.0, 0.635])
OFFSETS = np.array(
    [
        [0, 0, 0.15675],
        [0, 0.0016, -0.11875],
        [0, -0.205, 0],
        [0, 0, -0.205],
        [0, 0.2073, -0.0114],
        [0, 0, -0.10375],
        [0, 0.10375, 0],
    ]
)
QUATERNIONS = np.array(  # w, x, y, z; of any length
    [
        [0, 0, 1, 0],
        [0, 0, -1, 1],
        [1, -1, 0, 0],
        [0, 0, 1, 1],
        [0, 0, -1, 1],
        [0, 0, 1, 1],
        [0, 0, -1, 1],
    ],
    dtype=float,
)
FULL = 2 * np.pi
LIMITS = np.array(
    [
        [-FULL, FULL],
        [0.8203, 5.4629],
        [-FULL, FULL],
        [0.5236, 5.7596],
        [-FULL, FULL],
        [1.1345, 5.1487],
        [-FULL, FULL],
    ]
)
FEATURES = ("table", "upright", "laptop", "proxemics")


def forward_kinematics(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the links are and how they are turned: p += R o_j, then R = R R_j Rz(q_j).

    Shapes:  q: (..., 7) rad;  returns (..., 7, 3) metres and (..., 7, 3, 3).
    """
    fixed = _rotations(QUATERNIONS)
    position = np.broadcast_to(BASE, (*q.shape[:-1], 3))
    rotation = np.broadcast_to(np.eye(3), (*q.shape[:-1], 3, 3))
    positions, rotations = [], []
    for joint in range(7):
        position = position + rotation @ OFFSETS[joint]
        rotation = rotation @ fixed[joint] @ _about_z(q[..., joint])
        positions.append(position)
        rotations.append(rotation)
    return np.stack(positions, axis=-2), np.stack(rotations, axis=-3)


def waypoints(q: np.ndarray) -> np.ndarray:
    """The 97 numbers of each waypoint, (..., 97), of joint angles (..., 7)."""
    positions, rotations = forward_kinematics(q)
    flat = (*q.shape[:-1], -1)
    around = np.broadcast_to(np.concatenate([HUMAN, LAPTOP]), (*q.shape[:-1], 6))
    return np.concatenate([q, rotations.reshape(flat), positions.reshape(flat), around], axis=-1)


def raw_features(states: np.ndarray, radius: float = 0.8) -> np.ndarray:
    """Height over the table, tilt of a held cup, nearness to laptop and person, each summed.

    table e_z - 0.65;  upright 1 - R[2,0];  laptop max(0, r - |e_xy - laptop_xy|);  proxemics the
    same of the person, with y scaled by 1/3.  e and R are the end effector's.
    Differs: r = 0.3 leaves a quarter of our trajectories without a laptop feature; 0.8 as in the
    later port.

    Shapes:  states: (..., T, 97);  returns (..., 4).
    """
    e = states[..., 88:91]
    to_laptop = np.linalg.norm(e[..., :2] - LAPTOP[:2], axis=-1)
    to_human = np.linalg.norm((e[..., :2] - HUMAN[:2]) * (1, 1 / 3), axis=-1)
    felt = (
        e[..., 2] - TABLE_HEIGHT,
        1 - states[..., 67],
        np.maximum(0, radius - to_laptop),
        np.maximum(0, radius - to_human),
    )
    return np.stack([each.sum(-1) for each in felt], axis=-1)


def without_joints(states: np.ndarray) -> np.ndarray:
    """The 27 numbers that later experiments keep: positions of links, person and laptop."""
    return states[..., 70:]


def _about_z(angle: np.ndarray) -> np.ndarray:
    cos, sin, zero = np.cos(angle), np.sin(angle), np.zeros_like(angle)
    rows = ((cos, -sin, zero), (sin, cos, zero), (zero, zero, zero + 1))
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _rotations(quaternions: np.ndarray) -> np.ndarray:
    w, x, y, z = (quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).T
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
