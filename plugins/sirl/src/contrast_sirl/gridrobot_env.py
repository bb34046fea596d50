"""GridRobot as a gymnasium environment: walk to the opposite corner, the hand at an angle."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from contrast_sirl.gridrobot import (
    ANGLES,
    CORNERS,
    SIDE,
    STEPS,
    enumerate_trajectories,
    raw_features,
)

MOVES = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])  # +x, -x, +y, -y


class GridRobotEnv(gymnasium.Env):
    """Eight moves from a corner; the reward of a move is what it adds to `-theta^T features`.

    Observation: `pos` and `goal` as cells, `angle` as a number into the seven angles; with
    `flat=True` one vector of 11: both cells in [0, 1], and which angle it is. Actions: +x, -x, +y,
    -y; a move off the grid stays. Features are those of `gridrobot.raw_features`, brought to [0, 1]
    over all shortest paths, so that theta means the same as in the plugin. `info["trajectory"]` at
    the end: the nine cells and the angle, 19 numbers; one that ended early stays where it ended.

    `theta`: (4,) costs, or None: all rewards are 0.
    """

    metadata = {"render_modes": ["ansi"]}  # noqa: RUF012 gymnasium's own interface

    def __init__(
        self,
        theta: np.ndarray | None = None,
        *,
        flat: bool = False,
        render_mode: str | None = None,
    ) -> None:
        """Raises: ValueError: theta has not four numbers."""
        self.theta = None if theta is None else np.asarray(theta, dtype=float)
        if self.theta is not None and self.theta.shape != (4,):
            raise ValueError(f"theta must hold 4 costs, got shape {self.theta.shape}")
        self.flat, self.render_mode = flat, render_mode
        raw = raw_features(enumerate_trajectories())
        self.low, self.span = raw.min(0), np.ptp(raw, axis=0)
        cell = spaces.MultiDiscrete([SIDE, SIDE])
        self.observation_space: spaces.Space = (
            spaces.Box(0, 1, (4 + len(ANGLES),), np.float32)
            if flat
            else spaces.Dict({"pos": cell, "angle": spaces.Discrete(len(ANGLES)), "goal": cell})
        )
        self.action_space = spaces.Discrete(len(MOVES))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """A corner and an angle at random, or `options` start, goal (cells) and angle (number)."""
        super().reset(seed=seed)
        options = options or {}
        corner = CORNERS[self.np_random.integers(len(CORNERS))]
        angle = self.np_random.integers(len(ANGLES))
        self.pos = np.array(options.get("start", corner))
        self.goal = np.array(options.get("goal", SIDE - 1 - self.pos))
        self.angle = int(options.get("angle", angle))
        self.cells = [self.pos]
        self.gained = 0.0
        return self.observe(), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One move."""
        self.pos = np.clip(self.pos + MOVES[action], 0, SIDE - 1)
        self.cells.append(self.pos)
        arrived = bool((self.pos == self.goal).all())
        late = len(self.cells) == STEPS and not arrived
        before, self.gained = self.gained, self.reward_so_far()
        info = {"trajectory": self.trajectory()} if arrived or late else {}
        return self.observe(), self.gained - before, arrived, late, info

    def observe(self) -> Any:
        """The observation of now."""
        if not self.flat:
            return {"pos": self.pos.copy(), "angle": self.angle, "goal": self.goal.copy()}
        cells = np.concatenate([self.pos, self.goal]) / (SIDE - 1)
        return np.concatenate([cells, np.eye(len(ANGLES))[self.angle]]).astype(np.float32)

    def trajectory(self) -> np.ndarray:
        """What was walked, (19,); cells to come are the present one."""
        cells = np.array(self.cells + [self.cells[-1]] * (STEPS - len(self.cells)))
        return np.concatenate([cells.ravel(), [ANGLES[self.angle]]]).astype(float)

    def reward_so_far(self) -> float:
        """-theta^T of the normalised features of the cells walked after the first one."""
        if self.theta is None:
            return 0.0
        walked = np.concatenate([np.ravel(self.cells[1:]), [ANGLES[self.angle]]])[None]
        share = (len(self.cells) - 1) / (STEPS - 1)  # the angle's cost grows step by step
        raw = raw_features(walked.astype(float))[0] * (1, 1, 1, share)
        return float(-self.theta @ (raw / self.span))

    def render(self) -> str:
        """The grid as text: `o` the robot, `x` the goal, `.` a cell."""
        rows = [["."] * SIDE for _ in range(SIDE)]
        rows[self.goal[1]][self.goal[0]] = "x"
        rows[self.pos[1]][self.pos[0]] = "o"
        return "\n".join("".join(row) for row in reversed(rows))
