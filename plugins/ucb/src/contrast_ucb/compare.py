"""Baselines under the run's budget: what bonus and features are worth beside plainer agents."""

from __future__ import annotations

from dataclasses import replace

import torch

from contrast.engine.optimizers import make_optimizer
from contrast.engine.placement import dtype_of, move
from contrast.errors import ConfigError, did_you_mean, listing
from contrast.interfaces import Moment
from contrast.recipe import RunConfig
from contrast_ucb.games import Game
from contrast_ucb.mdp import MDP
from contrast_ucb.sampler import CountExplorer, Explorer, GameExplorer, LSVIExplorer
from contrast_ucb.stage import DECAY

BASELINES: dict[str, tuple[type[Explorer], dict[str, float], str]] = {
    "no_bonus": (Explorer, {"gamma": 0.0}, "the same features without a bonus"),
    "epsilon": (Explorer, {"gamma": 0.0, "epsilon": 0.5}, "the same, half the actions random"),
    "counts": (CountExplorer, {}, "empirical model, bonus of counts"),
    "lsvi": (LSVIExplorer, {}, "LSVI-UCB, which is given the true features"),
}


FOR_GAMES = ("no_bonus", "epsilon")  # counts and least squares plan for one player


def check_baselines(names: tuple[str, ...], *, game: bool = False) -> None:
    """Raises: ConfigError: a name is none of a baseline's, or none that plays games."""
    known = FOR_GAMES if game else tuple(BASELINES)
    for name in names:
        if name not in known:
            near = did_you_mean(name, known)
            raise ConfigError(
                f"`evaluation.compare` knows no baseline `{name}`{near}\n"
                f"Baselines: {listing(known)}."
            )


def regrets(name: str, mdp: MDP, config: RunConfig, at: Moment, iterations: int) -> list[float]:
    """The regret of every iteration of a baseline on the run's process, by its own seed."""
    kind, changes, _ = BASELINES[name]
    kind = GameExplorer if isinstance(mdp, Game) else kind
    explorer = kind(mdp, generator=at.shared(name), **changes)
    learner = Learner(explorer, config, at.shared(f"{name}/weights").initial_seed())
    for step in range(iterations):
        learner.iterate(replace(at, step=step, encoder=learner.encoder))
    return explorer.regret


class Learner:
    """An explorer with features of its own, trained as the run trains them.

    Counts and true features need no learning, and get none.
    """

    def __init__(self, explorer: Explorer, config: RunConfig, seed: int) -> None:
        self.explorer, self.trainer = explorer, config.trainers["explore"]
        self.learns = type(explorer) in (Explorer, GameExplorer)
        mdp, sizes = explorer.data, ("horizon", "states", "actions")
        with torch.random.fork_rng(devices=()), torch.inference_mode(False):
            torch.manual_seed(seed)
            self.encoder = config.build_sized("encoder", {s: getattr(mdp, s) for s in sizes})
            self.encoder.to(dtype_of(self.trainer))
        self.objective = config.build_sized("objective", {})
        self.optimizer = make_optimizer(list(self.encoder.parameters()), self.trainer)

    def iterate(self, at: Moment) -> None:
        """Explore once, then fit."""
        batch = move(self.explorer.draw(at), torch.device("cpu"), dtype_of(self.trainer))
        for _ in range(self.trainer.fits if self.learns else 0):
            with torch.inference_mode(False), torch.enable_grad():
                decay = sum(p.square().sum() for p in self.encoder.parameters())
                loss = self.objective(self.encoder(batch)) + DECAY * decay
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
