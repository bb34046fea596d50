"""A process of one's own: arrays in a file, or a gymnasium environment with a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import Generator

from contrast.errors import ConfigError, DataError, did_you_mean, listing
from contrast_ucb.mdp import MDP

ARRAYS = ("transitions", "rewards", "start")


def own_process(*, generator: Generator, path: str) -> MDP:
    """The process of an .npz: transitions (H, S, A, S), rewards (H, S, A), start (S,).

    Raises: DataError: no such file, no .npz, an array is missing, or they are no process.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(f"there is no file `{path}`; set `data.path` to an .npz")
    try:
        with np.load(file, allow_pickle=False) as arrays:
            missing = [name for name in ARRAYS if name not in arrays]
            if missing:
                raise DataError(
                    f"{path} holds no array `{missing[0]}`; it must hold {listing(ARRAYS)}"
                )
            return MDP(*(arrays[name].astype(np.float64) for name in ARRAYS))
    except (ValueError, AttributeError, TypeError):
        raise DataError(f"{path} is no .npz of numbers; write it with numpy.savez") from None


def gymnasium_process(*, generator: Generator, env: str, horizon: int) -> MDP:
    """The process of a gymnasium environment that holds its table, for `horizon` steps.

    One state more than the environment has: where an episode goes when it is over, without reward.
    Raises: ConfigError: gymnasium has no such environment, its actions are not discrete, or it has
    no table.  DataError: an expected reward outside [0, 1].
    """
    opened = opened_environment(env)
    table = opened.P
    states, actions = len(table), len(table[0])
    step = np.zeros((states + 1, actions, states + 1))
    rewards = np.zeros((states + 1, actions))
    step[states, :, states] = 1
    for s, moves in table.items():
        for a, outcomes in moves.items():
            for p, after, reward, over in outcomes:
                step[s, a, states if over else after] += p
                rewards[s, a] += p * reward
    start = np.append(opened.initial_state_distrib, 0)
    return MDP(np.tile(step, (horizon, 1, 1, 1)), np.tile(rewards, (horizon, 1, 1)), start)


def opened_environment(env: str) -> Any:
    """The bare environment, which has discrete actions and a table `P`."""
    import gymnasium

    try:
        opened = gymnasium.make(env).unwrapped
    except gymnasium.error.DependencyNotInstalled as missing:
        raise ConfigError(f"environment `{env}` lacks what it needs: {missing}") from None
    except gymnasium.error.Error:
        near = did_you_mean(env, gymnasium.registry)
        raise ConfigError(f"gymnasium has no environment `{env}`{near}") from None
    if not isinstance(opened.action_space, gymnasium.spaces.Discrete):
        raise ConfigError(
            f"the actions of `{env}` are not discrete but {opened.action_space}\nContrastive UCB "
            "takes the best action of a list; choose an environment that has one."
        )
    if not hasattr(opened, "P") or not hasattr(opened, "initial_state_distrib"):
        raise ConfigError(
            f"`{env}` has no table of transitions (`P`), without which regret is not exact\n"
            "FrozenLake-v1 has one; `method=deep` needs none."
        )
    return opened
