"""DeepSea: the environment whose one reward chance finds with probability 2^-N."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

COST = 0.01  # of going right all the way


class DeepSea(gymnasium.Env):
    """A square of cells: an episode goes down a row each step, left or right by a cell.

    Which action means right is drawn for every cell from `layout`. Right costs 0.01 / N, and from
    the last column of the last row it earns 1: the best return is 0.99. Observation: the square
    with a one where the agent is, flat, (N N,) uint8; after the last step all zeros.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 5}  # noqa: RUF012 gymnasium's own

    def __init__(self, size: int = 10, layout: int = 0, *, render_mode: str | None = None) -> None:
        self.size, self.render_mode = size, render_mode
        self.right = np.random.default_rng(layout).integers(2, size=(size, size))
        self.observation_space = spaces.Box(0, 1, (size * size,), np.uint8)
        self.action_space = spaces.Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """The first cell."""
        super().reset(seed=seed)
        self.row = self.column = 0
        return self.observe(), {}

    def step(self, action: int) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """One row down."""
        reward, last = 0.0, self.size - 1
        if action == self.right[self.row, self.column]:
            found = self.row == last and self.column == last
            reward = float(found) - COST / self.size
            self.column = min(self.column + 1, last)
        else:
            self.column = max(self.column - 1, 0)
        self.row += 1
        return self.observe(), reward, self.row == self.size, False, {}

    def observe(self) -> NDArray[np.uint8]:
        """Where the agent is."""
        seen = np.zeros(self.size * self.size, np.uint8)
        if self.row < self.size:
            seen[self.row * self.size + self.column] = 1
        return seen

    def render(self) -> NDArray[np.uint8] | None:
        """The square in grey, the agent in white."""
        if self.render_mode != "rgb_array":
            return None
        shade = 60 + 195 * self.observe().reshape(self.size, self.size)
        return shade.repeat(12, 0).repeat(12, 1)[..., None].repeat(3, -1).astype(np.uint8)
