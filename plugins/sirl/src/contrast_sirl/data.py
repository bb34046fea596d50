"""Where trajectories come from: GridRobot, the arm, or your own files (`own.py`)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Generator, Tensor

from contrast_sirl import gridrobot as grid
from contrast_sirl import jaco as arm
from contrast_sirl.jaco_paths import draw_paths
from contrast_sirl.trajectories import Scene, Trajectories, split, split_groups

Range = Literal["all", "train"]


def gridrobot(
    *, generator: Generator, features: grid.Kind, held_out: float, scale_by: Range
) -> Trajectories:
    """All 1960 trajectories of GridRobot with their true features."""
    flat = grid.enumerate_trajectories()
    train, test = split(len(flat), held_out, generator)
    raw = grid.raw_features(flat, features)
    known = grid.normalised(raw, train.numpy() if scale_by == "train" else None)
    paths = torch.tensor(flat[:, :-1].reshape(len(flat), grid.STEPS, 2), dtype=torch.float32)
    angles = torch.tensor(flat[:, -1:], dtype=torch.float32)
    scene = Scene(
        paths=paths,
        marks=tuple((float(x), float(y), name) for name, (x, y) in grid.OBJECTS.items()),
        captions=tuple(f"hand at {round(np.rad2deg(a))}°" for a in flat[:, -1]),
        turns=angles[:, 0],
    )
    return Trajectories(
        steps=paths,
        mask=torch.ones(paths.shape[:2], dtype=torch.bool),
        constants=angles,
        ids=tuple(range(len(flat))),
        train=train,
        test=test,
        scene=scene,
        features=torch.tensor(known, dtype=torch.float32),
        feature_names=grid.FEATURES[features],
    )


def jaco(
    *,
    generator: Generator,
    trajectories: int,
    pairs: int,
    radius: float,
    joints: bool,
    split_by: Literal["pair", "trajectory"],
    held_out: float,
    scale_by: Range,
) -> Trajectories:
    """Trajectories of the arm with their true features.

    Raises: DataError: there are not so many different paths between as few pairs of poses.
    """
    draw = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
    paths, groups = draw_paths(trajectories, pairs, draw)
    states = arm.waypoints(paths)
    if split_by == "pair":
        train, test = split_groups(torch.from_numpy(groups), held_out, generator)
    else:
        train, test = split(len(states), held_out, generator)
    raw = arm.raw_features(states, radius)
    known = grid.normalised(raw, train.numpy() if scale_by == "train" else None)
    seen = states if joints else arm.without_joints(states)
    hand = states[:, :, 88:91]
    return Trajectories(
        steps=_float(seen),
        mask=torch.ones(seen.shape[:2], dtype=torch.bool),
        constants=torch.zeros(len(seen), 0),
        ids=tuple(range(len(seen))),
        train=train,
        test=test,
        scene=Scene(
            paths=_float(hand[..., :2]),
            marks=((*arm.HUMAN[:2], "person"), (*arm.LAPTOP[:2], "laptop")),
            captions=tuple(f"{z:.2f} m above the table" for z in hand[..., 2].mean(1) - 0.65),
        ),
        features=_float(known),
        feature_names=arm.FEATURES,
    )


def _float(values: np.ndarray) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)
