"""What an agent believed, plan by plan: bounded in size whatever the length of the run."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from math import prod
from typing import Any

import numpy as np
import torch

from contrast_ucb.mdp import Array

MOST = 128  # plans that are kept
BUDGET = 4_000_000  # numbers that are kept
KINDS = 5  # arrays of a plan, with the visits


@dataclass(frozen=True)
class Plan:
    """What is to be played, and why. For one player `lower` is `upper`.

    Shapes:  policy: (H, S, A) probabilities;  bonus: (H, S, A);  upper, lower: (H, S, A), the
    values of actions that the plan believes.
    """

    policy: Array
    bonus: Array
    upper: Array
    lower: Array


class History:
    """Plans evenly spread over a run, the latest among them, each with the visits before it.

    The first `room` plans are all kept; whenever there is no more room, every second one goes.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        fitting = min(MOST, BUDGET // (KINDS * prod(shape)))
        self.room = max(2, fitting - fitting % 2)  # even, so that thinning spares the latest
        self.every, self.made = 1, 0
        self.steps: list[int] = []
        self.beliefs: list[Array] = []
        self.shape = (KINDS, *shape)

    def __len__(self) -> int:
        """How many plans are kept."""
        return len(self.steps)

    def add(self, step: int, visits: Array, plan: Plan) -> None:
        """Keep a plan that is deployed from this iteration on."""
        if (self.made - 1) % self.every:  # the latest was kept for being the latest
            del self.steps[-1], self.beliefs[-1]
        self.steps.append(step)
        self.beliefs.append(np.stack([visits, *astuple(plan)]).astype(np.float32))
        self.made += 1
        if len(self) > self.room:
            self.steps, self.beliefs, self.every = (
                self.steps[::2],
                self.beliefs[::2],
                2 * self.every,
            )

    def at(self, place: int) -> tuple[int, Array, Plan]:
        """The iteration, the visits (H, S, A) before it, and its plan; in float64."""
        visits, *planned = self.beliefs[place].astype(np.float64)
        return self.steps[place], visits, Plan(*planned)

    def state_dict(self) -> dict[str, Any]:
        """All of it: steps (K,), beliefs (K, 5, H, S, A), and two counts."""
        beliefs = np.stack(self.beliefs) if self.beliefs else np.empty((0, *self.shape), np.float32)
        return {
            "steps": list(self.steps),
            "beliefs": torch.from_numpy(beliefs),
            "every": self.every,
            "made": self.made,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.steps, self.beliefs = list(state["steps"]), list(state["beliefs"].numpy().copy())
        self.every, self.made = state["every"], state["made"]
