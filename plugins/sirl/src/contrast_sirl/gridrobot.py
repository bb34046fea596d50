"""GridRobot: a robot that crosses a 5 x 5 grid past three objects, its hand at an angle.

A trajectory is nine cells of a shortest path between opposite corners and one of seven angles:
(4 pairs of corners) x (70 paths) x (7 angles) = 1960 of them, enumerated in a fixed order.
"""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np

SIDE, STEPS = 5, 9
ANGLES = np.deg2rad([-90, -60, -30, 0, 30, 60, 90])
CORNERS = ((0, 0), (0, 4), (4, 0), (4, 4))  # the goal is the opposite corner
OBJECTS = {"laptop": (2, 2), "blue": (1, 3), "green": (4, 2)}
FEATURES = {
    "paper4": ("far from laptop", "far from blue", "far from green", "tilt"),
    "code2": ("far from centre", "tilt"),
}
Kind = Literal["paper4", "code2"]


def enumerate_trajectories() -> np.ndarray:
    """All trajectories, (1960, 19): x0, y0, ..., x8, y8, angle in radians.

    Angles ascend slowest, then pairs of corners, then the time steps that move in x, in the order
    of `itertools.combinations`.
    """
    moves = np.zeros((70, STEPS - 1), dtype=bool)
    for row, chosen in zip(moves, combinations(range(STEPS - 1), SIDE - 1), strict=True):
        row[list(chosen)] = True
    walked = np.zeros((70, STEPS, 2))
    walked[:, 1:, 0] = moves.cumsum(1)
    walked[:, 1:, 1] = (~moves).cumsum(1)
    corners = np.array(CORNERS, dtype=float)
    signs = np.where(corners == 0, 1.0, -1.0)
    paths = corners[:, None, None] + signs[:, None, None] * walked  # (4, 70, 9, 2)
    flat = np.tile(paths.reshape(-1, 2 * STEPS), (len(ANGLES), 1))
    angles = np.repeat(ANGLES, len(CORNERS) * 70)
    return np.column_stack([flat, angles])


def raw_features(trajectories: np.ndarray, kind: Kind = "paper4") -> np.ndarray:
    """What people may care about: summed distances to the objects, and |angle|.

    Differs: where the objects stand is ours; the paper does not say.

    Shapes:  trajectories: (N, 19);  returns (N, 4), or (N, 2) for `code2`.
    """
    cells = trajectories[:, :-1].reshape(len(trajectories), -1, 2)
    places = OBJECTS.values() if kind == "paper4" else [(2, 2)]
    summed = [np.linalg.norm(cells - np.array(place), axis=-1).sum(1) for place in places]
    return np.column_stack([*summed, np.abs(trajectories[:, -1])])


def normalised(raw: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """Features brought to [0, 1] over all rows, or over those of `among`; a constant one to 0."""
    over = raw if among is None else raw[among]
    low, high = over.min(0), over.max(0)
    return (raw - low) / np.where(high > low, high - low, 1.0)
