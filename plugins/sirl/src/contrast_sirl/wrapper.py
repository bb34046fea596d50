"""A learnt reward put to use: of any trajectories, and in a gymnasium environment.

reward = Reward.load("runs/sirl-gridrobot-seed0")
env = LearntReward(gymnasium.make("GridRobot-v0", flat=True), reward)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
import torch

from contrast.errors import ConfigError, DataError
from contrast_sirl.encoder import RewardModel


class Reward:
    """The reward of whole trajectories, of a finished run or an export."""

    def __init__(self, model: RewardModel) -> None:
        self.model = model.eval()

    @classmethod
    def load(cls, run: Path | str) -> Reward:
        """The reward of a finished run of this plugin, or of its export.

        Raises: ContrastError: no such run, or one of another plugin.
        """
        import contrast

        model = contrast.load(run).encoder
        if not isinstance(model, RewardModel):
            raise ConfigError(f"{run} is no run of the plugin `sirl`")
        return cls(model)

    @torch.no_grad()
    def __call__(self, states: Sequence[np.ndarray], constants: np.ndarray | None = None) -> Any:
        """Rewards of N trajectories.

        Shapes:  states: N arrays (T_i, D);  constants: (N, C) where the run's have some;
        returns (N,) float.
        Raises: DataError: trajectories that the run cannot take, or NaN.
        """
        longest = max(len(each) for each in states)
        steps = torch.zeros(len(states), longest, self.model.phi.numbers)
        mask = torch.zeros(len(states), longest, dtype=torch.bool)
        for row, each in enumerate(states):
            if each.shape[-1] != self.model.phi.numbers or not np.isfinite(each).all():
                raise DataError(
                    f"trajectory {row} must be finite numbers (T, {self.model.phi.numbers}), got "
                    f"shape {each.shape}"
                )
            steps[row, : len(each)] = torch.as_tensor(np.asarray(each, dtype=np.float32))
            mask[row, : len(each)] = True
        held = np.zeros((len(states), 0)) if constants is None else constants
        found = self.model.reward(steps, mask, torch.as_tensor(np.asarray(held, dtype=np.float32)))
        return found.numpy()

    def of_vectors(self, vectors: np.ndarray) -> np.ndarray:
        """Rewards of GridRobot's vectors of 19, (N, 19)."""
        cells = vectors[:, :-1].reshape(len(vectors), -1, 2)
        return self(list(cells), vectors[:, -1:])


class LearntReward(gymnasium.Wrapper):
    """Puts a learnt reward in the place of an environment's own, at the end of an episode.

    The reward is one of whole trajectories, so every step but the last gives 0. Observations are
    the states, one a step and the first included; an environment that gives `info["trajectory"]`
    at the end is judged by that instead. The environment's own return is kept as
    `info["own_return"]`.
    """

    def __init__(self, env: gymnasium.Env, reward: Reward) -> None:
        super().__init__(env)
        self.learnt = reward
        self.states: list[np.ndarray] = []
        self.own_return = 0.0

    def reset(self, **how: Any) -> tuple[Any, dict[str, Any]]:
        """A new episode."""
        seen, info = self.env.reset(**how)
        self.states, self.own_return = [_state(seen)], 0.0
        return seen, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """One step; the last one brings the reward of the whole."""
        seen, own, ended, cut, info = self.env.step(action)
        self.states.append(_state(seen))
        self.own_return += float(own)
        if not (ended or cut):
            return seen, 0.0, ended, cut, info
        whole = info.get("trajectory")
        if whole is None:
            value = self.learnt([np.stack(self.states)])[0]
        elif whole.ndim == 1:
            value = self.learnt.of_vectors(whole[None])[0]
        else:
            value = self.learnt([whole])[0]
        return seen, float(value), ended, cut, {**info, "own_return": self.own_return}


def _state(seen: Any) -> np.ndarray:
    """An observation as one vector; the parts of a dictionary side by side, by name."""
    if isinstance(seen, dict):
        return np.concatenate([np.ravel(seen[name]) for name in sorted(seen)]).astype(np.float32)
    return np.ravel(seen).astype(np.float32)
