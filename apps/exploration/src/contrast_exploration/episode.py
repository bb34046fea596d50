"""An episode: played at once from a seed, shown step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from contrast_ucb.mdp import MDP, Array
from contrast_ucb.policy import Policy
from contrast_ucb.process_env import ProcessEnv


@dataclass(frozen=True)
class Move:
    """What was done in a state, how likely that was, and what it brought."""

    step: int
    state: int
    action: int
    chance: float
    reward: float
    after: int


@dataclass(frozen=True)
class Episode:
    """All moves, and how many of them are shown."""

    who: str
    seed: int
    moves: tuple[Move, ...]
    shown: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing is left to show."""
        return self.shown == len(self.moves)

    @property
    def state(self) -> int:
        """Where it stands now."""
        return self.moves[-1].after if self.over else self.moves[self.shown].state

    @property
    def earned(self) -> float:
        """The rewards so far."""
        return sum(move.reward for move in self.moves[: self.shown])

    @property
    def path(self) -> list[tuple[int, int]]:
        """Steps and states so far; the one after the last step has no place in a table."""
        return [(move.step, move.state) for move in self.moves[: self.shown + 1]]

    def further(self, moves: int) -> Episode:
        """So many moves later, at most at the end."""
        return replace(self, shown=min(self.shown + moves, len(self.moves)))


def play(who: str, process: MDP, policy: Array, seed: int) -> Episode:
    """An episode of a policy (H, S, A); ties and mixed actions are drawn, by the seed."""
    env, acts, draw = ProcessEnv(process), Policy(policy), np.random.default_rng(seed)
    (step, state), _ = env.reset(seed=seed)
    moves, over = [], False
    while not over:
        action = int(acts.predict((step, state), draw))
        (later, after), reward, over, _, _ = env.step(action)
        chance = float(policy[step, state, action])
        moves.append(Move(int(step), int(state), action, chance, reward, int(after)))
        step, state = later, after
    return Episode(who, seed, tuple(moves))
