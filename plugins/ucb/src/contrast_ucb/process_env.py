"""A finite process as a gymnasium environment: any agent can be tried where regret is exact."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from contrast_ucb.mdp import MDP


class ProcessEnv(gymnasium.Env):
    """H steps in a process. For two players an action is a pair, number a B + b.

    Observation: step and state, (2,); at the end the step is H. Action: a number. Ends after H
    steps, never before.
    """

    metadata = {"render_modes": ["ansi"]}  # noqa: RUF012 gymnasium's own interface

    def __init__(self, process: MDP, *, render_mode: str | None = None) -> None:
        self.process, self.render_mode = process, render_mode
        self.observation_space = spaces.MultiDiscrete([process.horizon + 1, process.states])
        self.action_space = spaces.Discrete(process.actions)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.int64], dict[str, Any]]:
        """A first state."""
        super().reset(seed=seed)
        self.h, self.s = 0, int(self.process.begin(self.np_random.random(1))[0])
        return self.observe(), {}

    def step(self, action: int) -> tuple[NDArray[np.int64], float, bool, bool, dict[str, Any]]:
        """One action."""
        reward = float(self.process.rewards[self.h, self.s, action])
        now = np.array([self.s])
        after = self.process.step(self.h, now, np.array([action]), self.np_random.random(1))
        self.h, self.s = self.h + 1, int(after[0])
        return self.observe(), reward, self.h == self.process.horizon, False, {}

    def observe(self) -> NDArray[np.int64]:
        """Step and state."""
        return np.array([self.h, self.s])

    def render(self) -> str:
        """Step and state in words."""
        return f"step {self.h} of {self.process.horizon}, state {self.s} of {self.process.states}"
