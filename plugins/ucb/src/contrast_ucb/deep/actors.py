"""Copies of an environment that act together, and go on after a stop where they were."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch

from contrast.engine.randomness import derive_seed
from contrast_ucb.deep.observations import Array
from contrast_ucb.deep.task import Task

RECENT = 50  # finished episodes whose returns are kept


class Row(NamedTuple):
    """What every copy did in one step, (E,) or (E, ...): a row of the replay.

    `reset` marks a row whose observation is the last of an episode: nothing is done there.
    """

    frame: Array
    age: Array
    action: Array
    reward: Array
    terminated: Array
    ended: Array
    reset: Array


class Actors:
    """E copies of an environment. An episode is its seed and its actions, and nothing else.

    The seed of every episode is derived from (base, copy, episode), so that a stopped run goes on
    in the middle of one: the actions since its start are taken again.
    """

    def __init__(self, task: Task, count: int, base: int) -> None:
        self.task, self.count, self.base = task, count, base
        self.episode = [0] * count
        self.taken: list[list[int]] = [[] for _ in range(count)]
        self.over = np.zeros(count, dtype=bool)
        self.earned = np.zeros(count)
        self.returns: list[float] = []
        self.obs = np.zeros((count, *task.shape), task.reading.dtype)
        self.envs: list[gymnasium.Env] = []
        self.restored = False

    def begin(self) -> None:
        """Open the copies, and take again what was done in their episodes."""
        self.envs = [self.task.make() for _ in range(self.count)]
        for i in range(self.count):
            stored, over = self.obs[i].copy(), self.over[i]
            self.start(i)
            for action in self.taken[i]:
                obs, _, terminated, truncated, _ = self.envs[i].step(action)
                self.obs[i] = self.task.arrays(obs)
                self.over[i] = terminated or truncated
            if self.restored and not (np.array_equal(stored, self.obs[i]) and over == self.over[i]):
                warnings.warn(
                    f"`{self.task.name}` does not repeat an episode from its seed and actions; "
                    "a new one begins, and the run goes on otherwise than it would have",
                    stacklevel=2,
                )
                self.taken[i], self.earned[i] = [], 0.0
                self.start(i)

    def start(self, i: int) -> None:
        """The next episode of a copy begins."""
        seed = derive_seed(self.base, i, self.episode[i]) % 2**31
        obs, _ = self.envs[i].reset(seed=seed)
        self.obs[i], self.over[i] = self.task.arrays(obs), False

    def step(self, actions: Array) -> Row:
        """An action of every copy; one whose episode is over begins another instead.

        Raises: DataError: NaN or infinity in an observation or reward.
        """
        newest = self.obs[:, -self.task.frame[0] :].copy()
        age = np.array([len(taken) for taken in self.taken], np.int32)
        reset = self.over.copy()
        reward = np.zeros(self.count, np.float32)
        terminated = np.zeros(self.count, dtype=bool)
        for i, env in enumerate(self.envs):
            if reset[i]:
                self.episode[i] += 1
                self.taken[i] = []
                self.start(i)
            else:
                reward[i], terminated[i] = self.act(i, env, int(actions[i]))
        ended = terminated | (self.over & ~reset)
        return Row(newest, age, np.where(reset, 0, actions), reward, terminated, ended, reset)

    def act(self, i: int, env: gymnasium.Env, action: int) -> tuple[float, bool]:
        """One action of one copy: the reward as it is learnt from, and whether value ends here."""
        obs, reward, terminated, truncated, info = env.step(action)
        learnt = self.task.reward(reward)
        self.taken[i].append(action)
        self.obs[i] = self.task.arrays(obs)
        self.over[i] = terminated or truncated
        self.earned[i] += reward
        if self.over[i]:
            self.returns = [*self.returns, self.earned[i]][-RECENT:]
            self.earned[i] = 0.0
        return learnt, terminated or info.get("lost", False)

    def state_dict(self) -> dict[str, Any]:
        """Numbers of episodes, their actions so far, and what was seen last."""
        return {
            "episode": list(self.episode),
            "taken": [list(each) for each in self.taken],
            "over": self.over.tolist(),
            "earned": self.earned.tolist(),
            "returns": [float(each) for each in self.returns],
            "obs": torch.from_numpy(self.obs.copy()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave; the copies are opened when they next act."""
        self.episode, self.returns = list(state["episode"]), list(state["returns"])
        self.taken = [list(each) for each in state["taken"]]
        self.over, self.earned = np.array(state["over"], dtype=bool), np.array(state["earned"])
        self.obs = state["obs"].numpy().copy()
        self.envs, self.restored = [], True
