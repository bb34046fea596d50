"""A process of one's own: arrays in a file, or a gymnasium environment with a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import Generator

from contrast.data.arrays import read_arrays
from contrast.errors import ConfigError, DataError
from contrast_ucb.deep.task import check_actions, opened
from contrast_ucb.mdp import MDP, Array

ARRAYS = ("transitions", "rewards", "start")
SINGLE = 1e-6  # by how much rows of single precision may miss one


def own_process(*, generator: Generator, path: str) -> MDP:
    """The process of an .npz: transitions (H, S, A, S), rewards (H, S, A), start (S,).

    Raises: DataError: no such file, no .npz, an array is missing, or they are no process.
    """
    arrays = read_arrays(Path(path), ARRAYS)
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise DataError(f"{path}: `{name}` must be numbers, got {array.dtype}")
    transitions, rewards, start = (array.astype(np.float64) for array in arrays.values())
    return MDP(exact(transitions), rewards, exact(start))


def exact(rows: Array) -> Array:
    """Probabilities (..., S) that sum to one but for single precision, made to sum to one."""
    total = rows.sum(-1, keepdims=True)
    return rows / np.where(abs(total - 1) < SINGLE, total, 1)


def gymnasium_process(*, generator: Generator, env: str, horizon: int) -> MDP:
    """The process of a gymnasium environment that holds its table, for `horizon` steps.

    One state more than the environment has: where an episode goes when it is over, without reward.
    Raises: ConfigError: gymnasium has no such environment, its actions are not discrete, or it has
    no table.  DataError: an expected reward outside [0, 1].
    """
    bare = with_table(env, horizon)
    table = bare.P
    states, actions = len(table), len(table[0])
    step = np.zeros((states + 1, actions, states + 1))
    rewards = np.zeros((states + 1, actions))
    step[states, :, states] = 1
    for s, moves in table.items():
        for a, outcomes in moves.items():
            for p, after, reward, over in outcomes:
                step[s, a, states if over else after] += p
                rewards[s, a] += p * reward
    start = np.append(bare.initial_state_distrib, 0)
    return MDP(np.tile(step, (horizon, 1, 1, 1)), np.tile(rewards, (horizon, 1, 1)), start)


def with_table(env: str, horizon: int) -> Any:
    """The bare environment, which has discrete actions and a table `P`."""
    bare = opened(env, horizon).unwrapped
    check_actions(bare, env)
    if not hasattr(bare, "P") or not hasattr(bare, "initial_state_distrib"):
        raise ConfigError(
            f"`{env}` has no table of transitions (`P`), without which regret is not exact\n"
            "FrozenLake-v1 has one; `method=deep` needs none."
        )
    return bare
