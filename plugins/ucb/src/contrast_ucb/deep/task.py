"""The environment of an agent: opened by its id, checked, and read as arrays."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
from torch import Generator, randint

from contrast.errors import ConfigError, DataError, did_you_mean
from contrast_ucb.deep.observations import Array, Reading, reading
from contrast_ucb.deep.sea import DeepSea

EXTRAS = {  # where an id begins so: the module that registers it, and the extra that brings it
    "MiniGrid-": ("minigrid", "minigrid"),
    "BabyAI-": ("minigrid", "minigrid"),
    "MinAtar/": ("minatar", "minatar"),
    "ALE/": ("ale_py", "atari"),
}
Rewards = Literal["as_is", "sign"]


@dataclass(frozen=True)
class Task:
    """What an agent acts in: copies of one environment with discrete actions.

    `make(training, render_mode)` opens a copy. Observations are read by `reading`; where `stack`
    frames are seen at once, the environment gives them along the first axis, and `frame` is the
    shape of the newest. `grid` is (rows, columns) where an observation is a one in a grid, and
    `bounds` the values that can be learnt.
    """

    name: str
    make: Callable[..., gymnasium.Env]
    reading: Reading
    actions: int
    rewards: Rewards = "as_is"
    stack: int = 1
    grid: tuple[int, int] | None = None
    bounds: tuple[float, float] = (-np.inf, np.inf)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an observation as the network sees it."""
        return self.reading.shape

    @property
    def frame(self) -> tuple[int, ...]:
        """Of the newest frame of an observation."""
        return (self.shape[0] // self.stack, *self.shape[1:])

    def arrays(self, obs: Any) -> Array:
        """An observation of the environment as an array of `shape`; one that is, as it is.

        Raises: DataError: it is of another space, or holds NaN.
        """
        given = np.asarray(obs) if not isinstance(obs, dict) else None
        fits = given is not None and given.shape[-len(self.shape) :] == self.shape
        try:
            seen = (
                given if fits and given.dtype == self.reading.dtype else self.reading.convert(obs)
            )
        except (IndexError, KeyError, TypeError, ValueError):
            seen = np.empty(0)
        if seen.shape[-len(self.shape) :] != self.shape:
            raise DataError(f"that is no observation of `{self.name}`: {str(obs)[:60]}")
        if seen.dtype == np.float32 and not np.isfinite(seen).all():
            raise DataError(f"`{self.name}` gave an observation with NaN or infinity: {seen}")
        return seen

    def reward(self, reward: float) -> float:
        """A reward as the agent learns from it.

        Raises: DataError: it is NaN or infinite, or outside the values that can be learnt.
        """
        if not np.isfinite(reward):
            raise DataError(f"`{self.name}` gave the reward {reward}")
        learnt = float(np.sign(reward)) if self.rewards == "sign" else float(reward)
        low, high = self.bounds
        if not low <= learnt <= high:
            raise DataError(
                f"`{self.name}` gave the reward {learnt:g}, and values are learnt from {low:g} to "
                f"{high:g}\nSet `encoder.low` and `encoder.high`, or `data.rewards=sign`."
            )
        return learnt


def deep_sea(*, generator: Generator, size: int) -> Task:
    """DeepSea, its layout by the run's seed."""
    layout = int(randint(2**31, (), generator=generator))

    def make(training: bool = True, render_mode: str | None = None) -> gymnasium.Env:
        return DeepSea(size, layout, render_mode=render_mode)

    read = reading(DeepSea(size).observation_space, "DeepSea")
    return Task("DeepSea", make, read, actions=2, grid=(size, size))


def gymnasium_task(
    *, generator: Generator, env: str, horizon: int | None, rewards: Rewards = "as_is"
) -> Task:
    """Any environment of gymnasium with discrete actions; `module:id` imports the module first.

    Raises: ConfigError: there is no such environment, what it needs is not installed, its actions
    are not discrete, its observations not readable, or its episodes have no end.
    """
    make = partial(opened, env, horizon)
    first = make()
    check_actions(first, env)
    read = reading(first.observation_space, env)
    discrete = isinstance(first.observation_space, gymnasium.spaces.Discrete)
    first.close()
    grid = (1, read.shape[0]) if discrete else None
    return Task(env, make, read, int(first.action_space.n), rewards, grid=grid)


def atari_task(
    *, generator: Generator, env: str, horizon: int | None, rewards: Rewards, stack: int
) -> Task:
    """An Atari game as the 100k benchmark plays it: 84 x 84 grey, every fourth frame, no-ops.

    While training a lost life ends an episode for what is learnt; the game goes on.
    Raises: ConfigError: no such game, or ale-py or OpenCV is not installed.
    """
    task = gymnasium_task(generator=generator, env=env, horizon=horizon, rewards=rewards)
    if not hasattr(task.make().unwrapped, "ale"):
        raise ConfigError(f"`{env}` is no Atari game\nSet `data=gymnasium`.")
    raw = {"frameskip": 1, "repeat_action_probability": 0.0}

    def make(training: bool = True, render_mode: str | None = None) -> gymnasium.Env:
        from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation

        game = opened(env, horizon and 4 * horizon, training, render_mode, **raw)  # in frames
        try:
            game = AtariPreprocessing(LostLife(game) if training else game, screen_size=84)
        except gymnasium.error.DependencyNotInstalled:
            raise lacking(env, "OpenCV", "atari") from None
        return FrameStackObservation(game, stack)

    space = make().observation_space
    return replace(task, make=make, reading=reading(space, env), stack=stack)


class LostLife(gymnasium.Wrapper):
    """Says in `info["lost"]` that a life was lost."""

    lives = 0

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """One frame."""
        obs, reward, terminated, truncated, info = self.env.step(action)
        before, self.lives = self.lives, info.get("lives", 0)
        return obs, reward, terminated, truncated, {**info, "lost": self.lives < before}


def opened(
    env: str,
    horizon: int | None,
    training: bool = True,
    render_mode: str | None = None,
    **settings: Any,
) -> gymnasium.Env:
    """The environment of an id, ended after `horizon` steps or by its own limit.

    Raises: ConfigError: as `gymnasium_task`.
    """
    register(env)
    try:
        endless = horizon is None and not env.startswith(("MiniGrid-", "BabyAI-"))
        if endless and gymnasium.spec(env.rpartition(":")[2]).max_episode_steps is None:
            raise ConfigError(
                f"episodes of `{env}` have no limit of steps, and may never end\n"
                "Say when one is over: `data.horizon=1000`."
            )
        settings |= {"max_episode_steps": horizon} if horizon else {}
        settings |= {"render_mode": render_mode} if render_mode else {}
        return gymnasium.make(env, disable_env_checker=True, **settings)  # checked here
    except gymnasium.error.DependencyNotInstalled as missing:
        raise ConfigError(f"environment `{env}` lacks what it needs: {missing}") from None
    except gymnasium.error.Error:
        raise ConfigError(f"gymnasium has no environment `{env}`{nearest(env)}") from None


def register(env: str) -> None:
    """Import what registers an id: the module before its colon, or the package of its family.

    Raises: ConfigError: the module is not there, or the extra that the id belongs to.
    """
    module, colon, _ = env.rpartition(":")
    if colon:
        here = str(Path.cwd())
        sys.path.insert(0, here)
        try:
            importlib.import_module(module)
        except (ModuleNotFoundError, ValueError) as missing:  # ValueError: no name
            raise ConfigError(f"`{env}` asks for a module that is not there: {missing}") from None
        finally:
            sys.path.remove(here)
    for start, (package, extra) in EXTRAS.items():
        if env.lower().startswith(start.lower()):
            try:
                register_family(package)
            except ModuleNotFoundError:
                raise lacking(env, package, extra) from None


def register_family(package: str) -> None:
    """Import a package whose environments gymnasium then knows."""
    found = importlib.import_module("minatar.gym" if package == "minatar" else package)
    if package == "minatar" and "MinAtar/Breakout-v1" not in gymnasium.registry:
        found.register_envs()


def nearest(env: str) -> str:
    """The nearest id among all that are installed."""
    for package, _ in EXTRAS.values():
        with suppress(ModuleNotFoundError):
            register_family(package)
    return did_you_mean(env, gymnasium.registry)


def lacking(env: str, module: str, extra: str) -> ConfigError:
    """What to install."""
    return ConfigError(
        f"`{env}` needs {module}, which is not installed\n"
        f"`pip install 'contrast-ucb[{extra}]'` brings it."
    )


def check_actions(env: gymnasium.Env, name: str) -> None:
    """Raises: ConfigError: the actions are not a list that is counted from 0."""
    if not isinstance(env.action_space, gymnasium.spaces.Discrete):
        raise ConfigError(
            f"the actions of `{name}` are not discrete but {env.action_space}\nContrastive UCB "
            "takes the best action of a list; choose an environment that has one."
        )
    if env.action_space.start:
        raise ConfigError(
            f"the actions of `{name}` begin at {env.action_space.start} and not at 0\n"
            "Wrap it in `gymnasium.wrappers.TransformAction`."
        )
