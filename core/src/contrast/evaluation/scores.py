"""Scores of repeated evaluations: one array per metric, with its mean and its spread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Scores:
    """The base of scores over R repetitions: each field is an (R,) array, or None if undefined."""

    def mean(self) -> dict[str, float | None]:
        """The mean over the repetitions, by metric."""
        return self._each(np.mean)

    def std(self) -> dict[str, float | None]:
        """The population standard deviation over the repetitions, by metric."""
        return self._each(np.std)

    def _each(self, reduce: Callable[[np.ndarray], float]) -> dict[str, float | None]:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {k: None if v is None else float(reduce(v)) for k, v in values.items()}
