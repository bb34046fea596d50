"""Two players, zero sum: equilibria of a stage by linear programs, exact values of a game."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from contrast.errors import DataError
from contrast_ucb.mdp import MDP, Array


def zero_sum_value(payoff: Array) -> tuple[float, Array]:
    """The value of a matrix game and the maximiser's strategy: max v with x^T M >= v.

    Shapes:  payoff: (A, B), to the player of rows.
    """
    from scipy.optimize import linprog  # a third of a second, which one agent need not pay

    rows, columns = payoff.shape
    cost = np.append(np.zeros(rows), -1.0)
    below = np.hstack([-payoff.T, np.ones((columns, 1))])
    simplex = np.append(np.ones(rows), 0.0)[None]
    bounds = [(0, None)] * rows + [(None, None)]
    solved = linprog(cost, below, np.zeros(columns), simplex, [1.0], bounds, method="highs")
    return float(solved.x[-1]), solved.x[:-1]


def correlated(upper: Array, lower: Array) -> Array:
    """A coarse correlated equilibrium (A, B) of the stage where rows earn U, columns -L.

    sum sigma U >= max_a' sum_b sigma_B(b) U(a', b)
    sum sigma L <= min_b' sum_a sigma_A(a) L(a, b')

    One feasibility program; equilibria are not unique.
    """
    from scipy.optimize import linprog

    rows, columns = upper.shape
    other_row = upper[:, None] - upper[None]  # [a', a, b]: what a' gains over a
    other_column = lower[None] - lower.T[:, :, None]  # [b', a, b]: what b' saves over b
    gains = np.vstack([each.reshape(len(each), -1) for each in (other_row, other_column)])
    solved = linprog(
        np.zeros(rows * columns),
        gains,
        np.zeros(rows + columns),
        np.ones((1, rows * columns)),
        [1.0],
        method="highs",
    )
    sigma = solved.x.clip(0).reshape(rows, columns)
    return sigma / sigma.sum()


@dataclass(frozen=True)
class Game(MDP):
    """A process whose actions are pairs: number a B + b, the first player's a, the second's b.

    `rewards` are the first player's gain and the second's loss.
    Raises: DataError: the actions are not A times B.
    """

    players: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.actions != self.players[0] * self.players[1]:
            first, second = self.players
            raise DataError(
                f"{first} actions against {second} make {first * second} pairs, the process has "
                f"{self.actions} actions"
            )

    @cached_property
    def optimal_value(self) -> float:
        """The value of the game, by a matrix game at every step and state."""
        v = np.zeros(self.states)
        for h in range(self.horizon - 1, -1, -1):
            q = (self.rewards[h] + self.transitions[h] @ v).reshape(-1, *self.players)
            v = np.array([zero_sum_value(stage)[0] for stage in q])
        return float(self.start @ v)

    def exploitability(self, sigma: Array) -> float:
        """V of the best reply to the second player's part, less V of that to the first's.

        Shapes:  sigma: (H, S, A B), whose marginals the players would follow.
        """
        joint = sigma.reshape(*sigma.shape[:2], *self.players)
        first, second = joint.sum(3), joint.sum(2)
        highest = lowest = np.zeros(self.states)
        for h in range(self.horizon - 1, -1, -1):
            up, down = (
                (self.rewards[h] + self.transitions[h] @ v).reshape(-1, *self.players)
                for v in (highest, lowest)
            )
            highest = np.einsum("sab,sb->sa", up, second[h]).max(1)
            lowest = np.einsum("sab,sa->sb", down, first[h]).min(1)
        return float(self.start @ (highest - lowest))


def optimistic_game(
    model: Array, rewards: Array, bonus: Array, cap: float, players: tuple[int, int]
) -> tuple[Array, Array, Array]:
    """Equilibria at every step and state, and the upper and lower values between which they are.

    Qup = min(r + P_hat Vup + beta, cap),   Qlo = max(r + P_hat Vlo - beta, 0)

    Shapes:  model: (H, S, A B, S);  rewards, bonus, and the three that are returned: (H, S, A B).
    """
    sigma, q_up, q_lo = (np.empty(rewards.shape) for _ in range(3))
    upper = lower = np.zeros(rewards.shape[1])
    for h in range(len(rewards) - 1, -1, -1):
        q_up[h] = np.minimum(rewards[h] + model[h] @ upper + bonus[h], cap)
        q_lo[h] = np.maximum(rewards[h] + model[h] @ lower - bonus[h], 0)
        stages = zip(q_up[h].reshape(-1, *players), q_lo[h].reshape(-1, *players), strict=True)
        sigma[h] = [correlated(u, low).ravel() for u, low in stages]
        upper, lower = (sigma[h] * q_up[h]).sum(1), (sigma[h] * q_lo[h]).sum(1)
    return sigma, q_up, q_lo
