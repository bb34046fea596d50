"""A finished run of Contrastive UCB, opened for looking: its process, its plans, its regret."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

import contrast
from contrast.config import restore
from contrast.engine.folder import RunFolder
from contrast.errors import ConfigError, RunFolderError
from contrast.reporting.serving import check_finished
from contrast_exploration.screen import Screen
from contrast_ucb.games import Game
from contrast_ucb.history import History, Plan
from contrast_ucb.mdp import MDP, Array

PLUGIN = "ucb"
METHODS = ("theory", "game")
MOST_STATES = 60  # that are drawn side by side


@dataclass(frozen=True)
class Frame:
    """One plan, with what had been visited before it and what it is truly worth.

    Shapes:  visits: (H, S, A);  worth: (H, S, A), what an action earns if the policy follows it;
    met: (H, S), the probability that the policy gets there.
    """

    step: int
    visits: Array
    plan: Plan
    worth: Array
    met: Array

    def mean(self, values: Array) -> Array:
        """Values of actions (H, S, A) as the policy takes them, (H, S)."""
        return (self.plan.policy * values).sum(-1)


class Journey:
    """The plans of one run, and what belongs to all of them."""

    def __init__(
        self, name: str, process: MDP, history: History, regret: list[float], screen: Screen | None
    ) -> None:
        self.name, self.process, self.screen = name, process, screen
        self.history, self.regret = history, np.array(regret)
        self.frame = lru_cache(maxsize=8)(self._frame)

    def __len__(self) -> int:
        """How many plans can be looked at."""
        return len(self.history)

    @property
    def game(self) -> bool:
        """Whether two play."""
        return isinstance(self.process, Game)

    def nearest(self, step: int) -> int:
        """The place of the plan that was in force at an iteration, of those kept."""
        return max(int(np.searchsorted(self.history.steps, step, side="right")) - 1, 0)

    def action(self, number: int) -> str:
        """An action's name: its number, or those of both players."""
        if not self.game:
            return str(number)
        first, second = divmod(number, self.process.players[1])
        return f"{first} · {second}"

    def state(self, number: int) -> str:
        """A state's name: its number; what a gymnasium process has beyond its table is the end."""
        return "over" if self.screen and number == self.process.states - 1 else str(number)

    @cached_property
    def drawn(self) -> list[int]:
        """The states that are drawn, by number: all, or those met most."""
        if self.process.states <= MOST_STATES:
            return list(range(self.process.states))
        met = self.frame(len(self) - 1).visits.sum((0, 2))
        return sorted(np.argsort(-met, kind="stable")[:MOST_STATES].tolist())

    @cached_property
    def most(self) -> tuple[float, float, float]:
        """The largest bonus, believed value and true value of any kept plan: ends of the scales."""
        bonus = value = 0.0
        for place in range(len(self)):
            _, _, plan = self.history.at(place)
            bonus = max(bonus, float(plan.bonus.max()))
            value = max(value, float((plan.policy * plan.upper).sum(-1).max()))
        v = np.zeros(self.process.states)
        best = 0.0
        for r, p in zip(self.process.rewards[::-1], self.process.transitions[::-1], strict=True):
            v = (r + p @ v).max(1)
            best = max(best, float(v.max()))
        return bonus, value, best

    def _frame(self, place: int) -> Frame:
        step, visits, plan = self.history.at(place)
        worth, met = self.process.values(plan.policy), self.process.visits(plan.policy)
        return Frame(step, visits, plan, worth, met)


def open_run(folder: Path) -> Journey:
    """The run in this folder.

    Raises: RunFolderError: it is no run folder, is not finished, or kept no plans;
    ConfigError: it is a run of another plugin, or of a method without a table of states;
    DataError: its data are gone or have changed.
    """
    check_finished(folder, PLUGIN, "the exploration page")
    opened = RunFolder.open(folder)
    method = opened.record()["recipe"]
    if method not in METHODS:
        raise ConfigError(
            f"{folder} is a run of method `{method}`, which has no table of states\n"
            "The exploration page reads runs of `method=theory` and `method=game`."
        )
    parts, config = contrast.load(folder), restore(opened.entries()).config
    history = getattr(parts.sampler, "history", None)
    if not history:
        raise RunFolderError(
            f"{folder} holds no plans: it made none, or comes from a version that kept none\n"
            "Run it again, with `trainer.max_epochs` at 1 or more."
        )
    screen = Screen(config.data.env) if config.chosen["data"].name == "gymnasium" else None
    return Journey(folder.resolve().name, parts.data, history, parts.sampler.regret, screen)
