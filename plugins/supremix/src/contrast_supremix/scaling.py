"""Numbers brought to one scale by what the training rows show, and no others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LABELS = 40  # label units that a target's range is mapped to


@dataclass(frozen=True)
class Scaling:
    """Columns to mean 0 and deviation 1; what is missing becomes 0, beside a column that says so.

    Shapes:  mean, std: (F,);  flagged: (I,) columns with missing values in training.
    """

    mean: np.ndarray
    std: np.ndarray
    flagged: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, flagged: np.ndarray) -> Scaling:
        """By the training rows; a column that is constant there is only centred."""
        known = ~np.isnan(x)
        count = np.maximum(known.sum(0), 1)
        mean = np.where(known, x, 0).sum(0) / count
        std = np.sqrt((np.where(known, x - mean, 0) ** 2).sum(0) / count)
        return cls(mean, np.where(std > 1e-12 * np.maximum(np.abs(mean), 1), std, 1), flagged)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Scaled columns, then the flags, (N, F + I) float32; far outliers end at +-10."""
        missing = np.isnan(x)
        scaled = np.where(missing, 0, (x - self.mean) / self.std).clip(-10, 10)
        return np.concatenate([scaled, missing[:, self.flagged]], 1).astype(np.float32)


@dataclass(frozen=True)
class ChannelScaling:
    """Channels of series to mean 0 and deviation 1; what is missing becomes 0, if `flagged` beside
    a channel that says so.

    Shapes:  mean, std: (C, 1).
    """

    mean: np.ndarray
    std: np.ndarray
    flagged: bool

    @classmethod
    def of(cls, x: np.ndarray, *, flagged: bool) -> ChannelScaling:
        """By the training series, (N, C, T)."""
        rows = Scaling.of(x.transpose(0, 2, 1).reshape(-1, x.shape[1]), np.zeros(0, int))
        return cls(rows.mean[:, None], rows.std[:, None], flagged)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Scaled series, then the flag, (N, C (+ 1), T) float32; far outliers end at +-10."""
        missing = np.isnan(x)
        scaled = np.where(missing, 0, (x - self.mean) / self.std).clip(-10, 10)
        if self.flagged:
            scaled = np.concatenate([scaled, missing.any(1, keepdims=True)], 1)
        return scaled.astype(np.float32)


def missing_columns(x: np.ndarray) -> np.ndarray:
    """The columns in which a value is missing."""
    return np.flatnonzero(np.isnan(x).any(0))


@dataclass(frozen=True)
class TargetScale:
    """A target standardised for regression, and in label units for contrast.

    Any target is mapped to labels 0..40, a range in which the published window of 5 and weights of
    distance + 1 make sense. One of few, evenly spaced values (grades, years) keeps its steps: they
    become 0, 1, 2, ...
    """

    centre: float
    std: float
    low: float
    step: float

    @classmethod
    def of(cls, y: np.ndarray) -> TargetScale:
        """By the training rows."""
        values = np.unique(y)
        gaps = np.diff(values)
        step = (values[-1] - values[0]) / LABELS or 1.0
        if len(gaps) and (values[-1] - values[0]) / gaps.min() <= LABELS + 0.5:
            steps = (values - values[0]) / gaps.min()
            if np.abs(steps - steps.round()).max() < 1e-6:
                step = float(gaps.min())
        return cls(float(y.mean()), float(y.std()) or 1.0, float(values[0]), float(step))

    def standardised(self, y: np.ndarray) -> np.ndarray:
        """Mean 0, deviation 1."""
        return (y - self.centre) / self.std

    def labels(self, y: np.ndarray) -> np.ndarray:
        """In label units, not rounded."""
        return (y - self.low) / self.step

    def target(self, standardised: np.ndarray) -> np.ndarray:
        """Back to the target's unit."""
        return standardised * self.std + self.centre
