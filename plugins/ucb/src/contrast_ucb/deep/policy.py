"""What a deep run ends with: actions for observations, without the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from contrast.interfaces import Parts
from contrast_ucb.deep.encoder import DeepFeatures
from contrast_ucb.deep.task import Task


@dataclass(frozen=True)
class DeepPolicy:
    """The best action by the values that were learnt."""

    task: Task
    encoder: DeepFeatures

    @torch.no_grad()
    def predict(self, obs: Any) -> NDArray[np.int64]:
        """Actions for observations as the environment gives them, or as `task.arrays` reads them.

        Where frames are stacked the environment is `task.make()`.

        Shapes:  obs: one observation, or (N, *shape) of those read;  returns () or (N,).
        Raises: DataError: it is no observation of the environment, or holds NaN.
        """
        seen = self.task.arrays(obs)
        single = seen.ndim == len(self.task.shape)
        batch = torch.from_numpy(np.ascontiguousarray(seen[None] if single else seen))
        best = self.encoder.worth(batch.to(self.encoder.support.device)).argmax(-1).cpu().numpy()
        return best[0] if single else best


@dataclass
class DeepParts(Parts):
    """The parts of a deep run, and its policy."""

    @property
    def policy(self) -> DeepPolicy:
        """What the values say now."""
        return DeepPolicy(self.data, self.encoder)
