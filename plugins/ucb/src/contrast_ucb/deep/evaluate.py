"""What a deep agent is worth: returns of fresh episodes, what it met, an episode to look at."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import torch

from contrast.engine.randomness import derive_seed
from contrast.errors import DataError
from contrast.interfaces import Drawing, Evaluation, Moment, Parts, Table
from contrast.recipe import RunConfig
from contrast_ucb.deep.learning import recount
from contrast_ucb.deep.observations import Array
from contrast_ucb.deep.pictures import animation
from contrast_ucb.deep.policy import DeepPolicy
from contrast_ucb.deep.task import Task
from contrast_ucb.pictures import step_grid

FRAMES = 120  # of an episode that is shown
BEGINNING = 10_000  # observations among which different ones are counted


def interquartile_mean(values: Any) -> float:
    """The mean of the middle half: of n values, n / 4 at each end are left out, parts by weight.

    Shapes:  values: (n,), n >= 1.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    cut, n = len(ordered) / 4, len(ordered)
    # each value spans [i, i + 1): its weight is what of that lies in [n / 4, 3 n / 4]
    i = np.arange(n)
    weight = np.clip(np.minimum(i + 1, n - cut) - np.maximum(i, cut), 0, 1)
    return float((weight * ordered).sum() / weight.sum())


def metrics_of(
    parts: Parts, config: RunConfig, at: Moment
) -> tuple[dict[str, float | None], list[float]]:
    """Mean and interquartile mean of fresh episodes without random actions, and their returns."""
    returns, lengths = play(parts, config.evaluation.episodes, at)
    sampler = parts.sampler
    recent = sampler.actors.returns
    found = {
        "return": float(np.mean(returns)),
        "return/iqm": interquartile_mean(returns),
        "return/training": float(np.mean(recent)) if recent else None,
        "length": float(np.mean(lengths)),
        "env_steps": sampler.taken,
    }
    return found, returns


def play(parts: Parts, episodes: int, at: Moment) -> tuple[list[float], list[int]]:
    """Returns and lengths of whole episodes with their raw rewards, played at once."""
    task, policy = parts.data, parts.policy
    envs = [task.make(training=False) for _ in range(episodes)]
    seeds = [derive_seed(at.seed, "evaluation", i) % 2**31 for i in range(episodes)]
    seen = [task.arrays(env.reset(seed=s)[0]) for env, s in zip(envs, seeds, strict=True)]
    returns, lengths, playing = [0.0] * episodes, [0] * episodes, list(range(episodes))
    while playing:
        actions = policy.predict(np.stack([seen[i] for i in playing]))
        still = []
        for i, action in zip(playing, actions, strict=True):
            obs, reward, terminated, truncated, _ = envs[i].step(int(action))
            seen[i] = task.arrays(obs)
            returns[i] += float(reward)
            lengths[i] += 1
            if not (terminated or truncated):
                still.append(i)
        playing = still
    for env in envs:
        env.close()
    return returns, lengths


def evaluate_deep(parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
    """The metrics, how many different observations were met, maps where they stand in a grid."""
    metrics, returns = metrics_of(parts, config, at)
    quartiles = np.quantile(returns, (0, 0.25, 0.5, 0.75, 1))
    drawn, notes = [], []
    if len(parts.sampler.replay):
        metrics["met"] = met(parts)
        drawn += maps(parts, at)
    try:
        drawn.append(episode(parts.data, parts.policy, at))
    except (gymnasium.error.Error, DataError, ImportError) as reason:
        notes.append(f"No episode is shown: {reason}")
    rows = (("greedy", *quartiles, len(returns)),)
    columns = ("policy", "least", "first quarter", "median", "third quarter", "most", "episodes")
    return Evaluation(
        metrics,
        tables=(Table("Returns of fresh episodes", columns, rows, "Raw rewards, no bonus."),),
        drawings=tuple(drawn),
        notes=tuple(notes),
    )


def met(parts: Parts) -> int:
    """Different observations among the newest steps of the replay."""
    rows, copies = parts.sampler.replay.steps()
    seen = parts.sampler.replay.seen(rows[-BEGINNING:], copies[-BEGINNING:])
    flat = np.ascontiguousarray(seen.reshape(len(seen), -1))
    return len({row.tobytes() for row in flat})


def maps(parts: Parts, at: Moment) -> list[Drawing]:
    """Visits and bonus by cell, where an observation is a one in a grid."""
    task, sampler, encoder = parts.data, parts.sampler, parts.encoder
    if task.grid is None:
        return []
    rows, copies = sampler.replay.steps()
    visits = sampler.replay.seen(rows, copies).sum(0, dtype=np.int64).reshape(task.grid)
    found = [Drawing("Visits", step_grid(np.log1p(visits)), "log(1 + visits) of every cell")]
    if sampler.gamma and not encoder.official:
        found.append(
            Drawing("Bonus", step_grid(cell_bonus(parts, at)), "the largest of a cell's actions")
        )
    return found


def cell_bonus(parts: Parts, at: Moment) -> Array:
    """The largest bonus of every cell's actions, in the grid."""
    task, encoder = parts.data, parts.encoder
    recount(parts.sampler, encoder, at)
    device, count = encoder.support.device, task.shape[0]
    latent = encoder.online.trunk(torch.eye(count, dtype=encoder.support.dtype, device=device))
    every = [
        encoder.optimism(
            encoder.state_actions(latent, torch.full((count,), a, device=device)),
            parts.sampler.gamma,
        )
        for a in range(task.actions)
    ]
    return torch.stack(every).amax(0).cpu().numpy().reshape(task.grid)


def episode(task: Task, policy: DeepPolicy, at: Moment) -> Drawing:
    """A greedy episode as a moving picture.

    Raises: DataError: the environment makes no pictures;  gymnasium's errors: it lacks what it
    needs for them.
    """
    modes = task.make(training=False).metadata.get("render_modes", ())
    if "rgb_array" not in modes:
        raise DataError(f"`{task.name}` does not render `rgb_array`.")
    env = task.make(training=False, render_mode="rgb_array")
    obs, _ = env.reset(seed=derive_seed(at.seed, "shown") % 2**31)
    frames, over, earned = [env.render()], False, 0.0
    while not over:
        obs, reward, terminated, truncated, _ = env.step(int(policy.predict(obs)))
        frames.append(env.render())
        earned, over = earned + float(reward), terminated or truncated
    env.close()
    told = f"return {earned:.4g} after {len(frames) - 1} steps"
    return Drawing("An episode", animation(frames[:FRAMES], task.name), told)
