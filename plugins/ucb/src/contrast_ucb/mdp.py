"""A finite episodic decision process: exact values, visits, and many episodes at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from contrast.errors import DataError

Array = NDArray[np.float64]
ROUNDING = 1e-8  # by how much the probabilities of a row may miss one


@dataclass(frozen=True)
class MDP:
    """Transitions, known rewards and the distribution of the first state.

    Shapes:  transitions: (H, S, A, S);  rewards: (H, S, A) in [0, 1];  start: (S,);
    features: (H, S, A, d) of the true low-rank kernel, where the process knows them.
    Raises: DataError: a shape differs, no step or action, NaN, a reward outside [0, 1], or rows of
    probabilities that do not sum to one.
    """

    transitions: Array
    rewards: Array
    start: Array
    features: Array | None = None

    def __post_init__(self) -> None:
        shape = self.transitions.shape
        if len(shape) != 4 or 0 in shape or shape[1] != shape[3]:
            raise DataError(f"transitions must have shape (H >= 1, S, A, S), got {shape}")
        if self.rewards.shape != shape[:3] or self.start.shape != shape[1:2]:
            raise DataError(
                f"for transitions {shape} rewards must have shape {shape[:3]} and start "
                f"{shape[1:2]}, got {self.rewards.shape} and {self.start.shape}"
            )
        if not ((self.rewards >= 0) & (self.rewards <= 1)).all():
            low, high = self.rewards.min(), self.rewards.max()
            raise DataError(
                f"rewards must lie in [0, 1], got {low:.4g} to {high:.4g}: bonus and cap are on "
                "that scale"
            )
        for name, rows in (("transitions", self.transitions), ("start", self.start)):
            sums = rows.sum(-1)
            if not ((rows >= 0).all() and (abs(sums - 1) < ROUNDING).all()):
                raise DataError(f"{name} must be probabilities that sum to one over next states")

    @property
    def horizon(self) -> int:
        """Steps of an episode."""
        return self.transitions.shape[0]

    @property
    def states(self) -> int:
        """How many states there are."""
        return self.transitions.shape[1]

    @property
    def actions(self) -> int:
        """How many actions there are."""
        return self.transitions.shape[2]

    @cached_property
    def optimal_value(self) -> float:
        """The expected return of the best policy."""
        v = np.zeros(self.states)
        for r, p in zip(self.rewards[::-1], self.transitions[::-1], strict=True):
            v = (r + p @ v).max(1)
        return float(self.start @ v)

    def value(self, policy: Array) -> float:
        """The expected return of a policy (H, S, A) of action probabilities."""
        q = self.values(policy)[0]
        return float(self.start @ (policy[0] * q).sum(1))

    def values(self, policy: Array) -> Array:
        """What each action earns from each step and state on, if a policy follows it: (H, S, A)."""
        q = np.empty(self.rewards.shape)
        v = np.zeros(self.states)
        for h in range(self.horizon - 1, -1, -1):
            q[h] = self.rewards[h] + self.transitions[h] @ v
            v = (policy[h] * q[h]).sum(1)
        return q

    def visits(self, policy: Array) -> Array:
        """The probability of each state at each step under a policy, (H, S)."""
        visits = [self.start]
        for h in range(self.horizon - 1):
            visits.append(np.einsum("s,sa,sat->t", visits[h], policy[h], self.transitions[h]))
        return np.stack(visits)

    @cached_property
    def cumulative(self) -> Array:
        """Transitions summed up over next states: what `step` draws from."""
        return self.transitions.cumsum(-1)

    def begin(self, u: Array) -> NDArray[np.int64]:
        """First states of len(u) episodes, by uniform numbers."""
        return drawn(self.start.cumsum(), u)

    def step(self, h: int, s: NDArray[np.int64], a: NDArray[np.int64], u: Array) -> NDArray:
        """Next states of many episodes at step h, by uniform numbers."""
        return drawn(self.cumulative[h, s, a], u)


def drawn(cumulative: Array, u: Array) -> NDArray[np.int64]:
    """One draw a row of summed-up probabilities (..., K), by uniform numbers u (N,)."""
    return np.minimum((cumulative < u[:, None]).sum(-1), cumulative.shape[-1] - 1)
