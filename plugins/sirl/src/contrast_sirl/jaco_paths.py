"""Joint paths of the arm: a straight line between two poses, bent in one to three places.

A bend adds alpha H u^T over n waypoints, H the deformation of least second difference (as used in
the authors' lineage); poses are drawn within the joints' limits until the hand is in the workspace.
"""

from __future__ import annotations

import numpy as np

from contrast.errors import DataError
from contrast_sirl.jaco import BASE, LIMITS, forward_kinematics

WAYPOINTS = 21
WORKSPACE = BASE + np.array([[-1.1, -0.5, 0.05], [-0.1, 0.5, 1.0]])
APART = 0.7  # metres between start and goal of the hand
DIFFERENT = 8.0  # summed joint distance (rad) from the line and from the pair's other paths
TRIES = 400  # bends of a pair before it is given up for another
GIVEN_UP = 100  # pairs in a row, before all are


def draw_paths(count: int, pairs: int, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Joint paths (count, 21, 7) and the pair of poses that each belongs to, (count,).

    Raises: DataError: between two poses there are not so many different paths.
    """
    each = -(-count // pairs)
    paths, groups, made, failed = [], [], 0, 0
    while made < pairs:
        bent = _paths_between(*_two_poses(draw), each, draw)
        if bent is not None:
            paths.append(bent)
            groups.append(np.full(each, made))
            made, failed = made + 1, 0
        elif (failed := failed + 1) == GIVEN_UP:
            raise DataError(
                f"{count} trajectories of {pairs} pairs of poses need {each} different paths "
                "between two poses, which were not found\nSet more `data.pairs`, or fewer "
                "`data.trajectories`."
            )
    return np.concatenate(paths)[:count], np.concatenate(groups)[:count]


def deformation(length: int) -> np.ndarray:
    """H: how a push at the first waypoint spreads over n waypoints; of norm sqrt(n).

    H = (A^T A)^-1 e_1, A the (n + 2) x n matrix of second differences (columns 1, -2, 1).
    """
    differences = np.zeros((length + 2, length))
    for column in range(length):
        differences[column : column + 3, column] = (1, -2, 1)
    spread = np.linalg.solve(differences.T @ differences, np.eye(length)[0])
    return spread * np.sqrt(length) / np.linalg.norm(spread)


def _two_poses(draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Start and goal: hands in the workspace, far enough apart."""
    while True:
        q = draw.uniform(LIMITS[:, 0], LIMITS[:, 1], (256, 7))
        hand = forward_kinematics(q)[0][:, -1]
        inside = ((hand > WORKSPACE[0]) & (hand < WORKSPACE[1])).all(1)
        q, hand = q[inside], hand[inside]
        far = (
            np.linalg.norm(hand[1:] - hand[:1], axis=1) >= APART if len(hand) > 1 else np.array([])
        )
        if far.any():
            return q[0], q[1 + int(far.argmax())]


def _paths_between(
    start: np.ndarray, goal: np.ndarray, count: int, draw: np.random.Generator
) -> np.ndarray | None:
    line = np.linspace(start, goal, WAYPOINTS)
    kept = [line]
    for _ in range(TRIES):
        if len(kept) == count + 1:
            break
        bent = _bent(line, draw)
        if min(np.linalg.norm(bent - other, axis=1).sum() for other in kept) >= DIFFERENT:
            kept.append(bent)
    return np.stack(kept[1:]) if len(kept) == count + 1 else None


def _bent(line: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    path = line.copy()
    for _ in range(draw.integers(1, 4)):
        length = int(draw.integers(8, 20))
        begin = int(draw.integers(0, WAYPOINTS - length + 1))
        push = draw.uniform(-0.1, 0.1) * draw.uniform(-np.pi, np.pi, 7)
        path[begin : begin + length] += np.outer(_DEFORMATIONS[length], push)
    return path


_DEFORMATIONS = {length: deformation(length) for length in range(8, 20)}
