"""Training, validation and held-out rows; rows that belong together stay together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

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
    """Which samples must not be parted: those of a group, else those with the same numbers.

    Returns a number for each sample, and how many repeat an earlier one.     Shapes:  x: (N, ...).
    """
    comparable = x.reshape(len(x), -1)
    if x.dtype.kind == "f":  # NaN equals nothing; infinity does not occur
        comparable = np.where(np.isnan(comparable), np.inf, comparable)
    _, same = np.unique(comparable, axis=0, return_inverse=True)
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
    first, second = (
        _whole(order, units, round(n * share)) for share in (1 - valid - held, 1 - held)
    )
    return _checked(order[:first], order[first:second], order[second:])


def draw_folds(units: np.ndarray, folds: int, valid: float, generator: Generator) -> list[Split]:
    """K splits, each row held out once; `valid` is the share of the rest that is chosen by."""
    order, found = _shuffled(units, generator), []
    ends = [_whole(order, units, len(units) * k // folds) for k in range(folds + 1)]
    for begin, end in pairwise(ends):
        rest = np.concatenate([order[end:], order[:begin]])
        cut = _whole(rest, units, round(len(rest) * (1 - valid)))
        found.append(_checked(rest[:cut], rest[cut:], order[begin:end]))
    return found


def _shuffled(units: np.ndarray, generator: Generator) -> np.ndarray:
    """Row numbers in random order, those of a unit side by side."""
    place = torch.randperm(int(units.max()) + 1, generator=generator).numpy()
    return np.argsort(place[units], kind="stable")


def _whole(order: np.ndarray, units: np.ndarray, end: int) -> int:
    """The end of a run of rows, moved to the nearest place between two units."""
    starts = np.flatnonzero(np.diff(units[order], prepend=-1, append=-1))
    return int(starts[np.abs(starts - end).argmin()])


def _checked(*parts: np.ndarray) -> Split:
    if not all(len(part) > 1 for part in parts):
        sizes = ", ".join(str(len(part)) for part in parts)
        raise DataError(
            f"the rows cannot be split into training, validation and held-out ones: {sizes} rows\n"
            "Rows of one `data.group`, else repeats, stay together; are group and shares as meant?"
        )
    return Split(*(np.sort(part) for part in parts))
