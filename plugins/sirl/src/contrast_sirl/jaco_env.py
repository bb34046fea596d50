"""The arm as a gymnasium environment: joints that turn a little every half second; no physics."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from contrast_sirl.jaco import LIMITS, raw_features, waypoints, without_joints
from contrast_sirl.jaco_paths import WAYPOINTS

FASTEST = 0.5  # rad that a joint turns in a step at most


class JacoRobotEnv(gymnasium.Env):
    """Twenty steps of seven joint turns; the reward of a step is `-theta^T` its features.

    Observation: the 27 positions of links, person and laptop. Action: (7,) in [-1, 1], times
    `FASTEST` rad; joints stop at their limits. `info["trajectory"]` at the end: (21, 27).

    `theta`: (4,) costs of table, upright, laptop, proxemics as they are, or None: rewards are 0.
    """

    def __init__(self, theta: np.ndarray | None = None) -> None:
        """Raises: ValueError: theta has not four numbers."""
        self.theta = None if theta is None else np.asarray(theta, dtype=float)
        if self.theta is not None and self.theta.shape != (4,):
            raise ValueError(f"theta must hold 4 costs, got shape {self.theta.shape}")
        self.observation_space = spaces.Box(-4, 4, (27,), np.float64)
        self.action_space = spaces.Box(-1, 1, (7,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Random joint angles within their limits, or `options["q"]`."""
        super().reset(seed=seed)
        drawn = self.np_random.uniform(LIMITS[:, 0], LIMITS[:, 1])
        self.q = np.asarray((options or {}).get("q", drawn), dtype=float)
        self.states = [waypoints(self.q)]
        return without_joints(self.states[0]), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Turn the joints."""
        turned = self.q + FASTEST * np.clip(action, -1, 1)
        self.q = np.clip(turned, LIMITS[:, 0], LIMITS[:, 1])
        self.states.append(waypoints(self.q))
        felt = 0.0 if self.theta is None else self.theta @ raw_features(self.states[-1][None])
        over = len(self.states) == WAYPOINTS
        info = {"trajectory": without_joints(np.stack(self.states))} if over else {}
        return without_joints(self.states[-1]), -float(felt), False, over, info
