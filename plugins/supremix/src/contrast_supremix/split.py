"""Training, validation and held-out rows; rows that belong together stay together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator

from contrast.errors import DataError


@dataclass(frozen=True)
class Split:
    """Row numbers: to learn from, to choose by, to judge by."""

    train: np.ndarray
    valid: np.ndarray
    held: np.ndarray


def units_of(x: np.ndarray, groups: np.ndarray | None = None) -> tuple[np.ndarray, int]:
    """Which rows must not be parted: those of a group, else those with the same numbers.

    Returns a number for each row, and how many rows repeat an earlier one.
    """
    _, same = np.unique(x, axis=0, return_inverse=True)
    same = same.reshape(-1)
    repeated = len(x) - (same.max() + 1)
    if groups is not None:
        _, same = np.unique(groups, return_inverse=True)
    return same, int(repeated)


def draw_split(units: np.ndarray, valid: float, held: float, generator: Generator) -> Split:
    """A random split by shares of the rows.

    Raises: DataError: too few units for three parts.
    """
    order = _shuffled(units, generator)
    n = len(units)
    ends = [round(n * (1 - valid - held)), round(n * (1 - held))]
    return _cut(order, units, ends)


def draw_folds(units: np.ndarray, folds: int, valid: float, generator: Generator) -> list[Split]:
    """K splits, each row held out once; `valid` is the share of the rest that is chosen by."""
    order = _shuffled(units, generator)
    n, found = len(units), []
    for k in range(folds):
        begin, end = n * k // folds, n * (k + 1) // folds
        turned = np.roll(order, -end)
        held = end - begin
        found.append(_cut(turned, units, [round((n - held) * (1 - valid)), n - held]))
    return found


def _shuffled(units: np.ndarray, generator: Generator) -> np.ndarray:
    """Row numbers in random order, those of a unit side by side."""
    place = torch.randperm(int(units.max()) + 1, generator=generator).numpy()
    return np.argsort(place[units], kind="stable")


def _cut(order: np.ndarray, units: np.ndarray, ends: list[int]) -> Split:
    """Three runs of rows; an end within a unit moves behind it."""
    starts = np.flatnonzero(np.diff(units[order], prepend=-1, append=-1))  # between two units
    first, second = (int(starts[np.searchsorted(starts, end)]) for end in ends)
    parts = order[:first], order[first:second], order[second:]
    if not all(len(part) > 1 for part in parts):
        raise DataError(
            f"{len(order)} rows in {len(set(units.tolist()))} groups cannot be split into "
            "training, validation and held-out rows; are `data.group` and the shares as meant?"
        )
    return Split(*(np.sort(part) for part in parts))
