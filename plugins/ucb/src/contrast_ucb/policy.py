"""What exploration ends with: a table of what to do, usable without the engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contrast.errors import DataError
from contrast.interfaces import Parts
from contrast_ucb.mdp import Array


@dataclass(frozen=True)
class Policy:
    """Action probabilities of every step and state, (H, S, A).

    For two players an action is a pair, number a B + b, drawn from their joint distribution.
    """

    probabilities: Array

    def predict(self, obs: ArrayLike, draw: np.random.Generator | None = None) -> NDArray[np.int64]:
        """Actions for observations of step and state: the likeliest, or drawn at random.

        Shapes:  obs: (2,) or (N, 2);  returns () or (N,).
        Raises: DataError: NaN, another shape, or a step or state that the process has not.
        """
        given = np.asarray(obs)
        steps, states, _ = self.probabilities.shape
        if given.shape[-1:] != (2,) or given.ndim > 2 or not np.isfinite(given).all():
            raise DataError(f"an observation is a step and a state, (2,) or (N, 2), got {obs}")
        h, s = given.astype(np.int64).T
        if not ((h >= 0) & (h < steps) & (s >= 0) & (s < states)).all():
            raise DataError(f"steps are 0 to {steps - 1} and states 0 to {states - 1}, got {obs}")
        rows = self.probabilities[h, s]
        if draw is None:
            return rows.argmax(-1)
        u = draw.random(rows.shape[:-1])[..., None]
        return np.minimum((rows.cumsum(-1) < u).sum(-1), rows.shape[-1] - 1)


@dataclass
class ExploringParts(Parts):
    """The parts of a run that explores, and the policy that it deployed last."""

    @property
    def policy(self) -> Policy:
        """What the sampler plays now."""
        return Policy(self.sampler.policy)
