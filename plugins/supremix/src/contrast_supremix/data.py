"""Samples to learn from: a target each, and which of them must stay together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from torch import Generator

from contrast_supremix.columns import Columns
from contrast_supremix.labels import Labelled, read_labels
from contrast_supremix.split import Split, draw_split, units_of


class Reader(Protocol):
    """How what the user has becomes samples, the same for training and for new ones."""

    def matrix(self, frame: pd.DataFrame, source: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Samples of a table, (N, ...), and what was unusual about them."""

    def read(self, path: Path) -> tuple[pd.DataFrame, np.ndarray, tuple[str, ...]]:
        """The same of a file, after a row a sample to write predictions beside."""


@dataclass(frozen=True)
class Rows:
    """N samples with one target each; `kind` is a name of `contrast_supremix.kinds.KINDS`.

    Shapes:  x: (N, ...) as the kind has it: (N, F) float64 of a table, (N, C, H, W) uint8 images,
    (N, C, T) float64 series, NaN where missing in both, (N, 2, L) int64 pairs of texts;
    y: (N,) float64 in its own unit, or its logarithm where `log`;  units: (N,) samples of one
    number stay on one side of a split.
    """

    name: str
    target: str
    x: np.ndarray
    y: np.ndarray
    units: np.ndarray
    ids: list[int | str]
    reader: Reader
    kind: str = "table"
    log: bool = False
    notes: tuple[str, ...] = ()
    split: Split = field(default_factory=lambda: Split(*3 * [np.zeros(0, int)]))
    published: bool = False  # the split is part of the data
    read: np.ndarray | None = None  # what x was made of, where that is not exact arithmetic

    def __len__(self) -> int:
        return len(self.y)

    @cached_property
    def fingerprint(self) -> int:
        """A number that differs where other samples were read."""
        own = self.x if self.read is None else self.read
        digest = sha256(np.ascontiguousarray(own).tobytes() + self.y.tobytes()).digest()
        return int.from_bytes(digest[:6], "big")

    def in_unit(self, y: np.ndarray) -> np.ndarray:
        """Targets as the user gave them."""
        return np.exp(y) if self.log else y

    def parted(self, generator: Generator, valid_share: float, held_share: float) -> Rows:
        """The same with a random split.

        Raises: DataError: too few samples for three parts.
        """
        return replace(self, split=draw_split(self.units, valid_share, held_share, generator))


def diabetes(
    *, generator: Generator, valid_share: float, held_share: float, log_target: bool
) -> Rows:
    """scikit-learn's bundled table: 442 patients, ten measurements, progression after a year."""
    from sklearn.datasets import load_diabetes

    found = load_diabetes(as_frame=True, scaled=False)
    frame = found.frame.rename(columns={"target": "progression"})
    made = rows_of(frame, "progression", "diabetes", log_target=log_target)
    return made.parted(generator, valid_share, held_share)


def table(
    *,
    generator: Generator,
    path: str,
    target: str,
    group: str,
    log_target: bool,
    valid_share: float,
    held_share: float,
) -> Rows:
    """The user's own table, CSV, TSV, Parquet or JSON lines.

    Raises: DataError: no such file or column, or a target that nothing can be learnt of.
    """
    frame = read_labels(path, target, group)
    made = rows_of(frame, target, path, group=group, log_target=log_target)
    return made.parted(generator, valid_share, held_share)


def rows_of(
    frame: pd.DataFrame, target: str, source: str, *, group: str = "", log_target: bool = False
) -> Rows:
    """A table as samples, every column but target and group to predict from.

    Raises: DataError: text or infinity in the target, a constant one, or too few rows.
    """
    known = Labelled.of(frame, target, source, group=group, log_target=log_target)
    columns = Columns.of(known.frame, [target, group] if group else [target], source)
    x, _ = columns.matrix(known.frame, source)
    return samples_of(known, x, columns, notes=columns.notes)


def samples_of(
    known: Labelled,
    x: np.ndarray,
    reader: Reader,
    *,
    kind: str = "table",
    ids: Sequence[int | str] | None = None,
    notes: Sequence[str] = (),
    read: np.ndarray | None = None,
) -> Rows:
    """Samples with the targets of a table's rows; `ids` are the rows' numbers where None, and
    `read` is what x was made of where that is not exact arithmetic."""
    units, repeated = units_of(x if read is None else read, known.groups)
    said = [*known.notes]
    if repeated:
        where = "stay where their group is" if known.group else "stay on one side of a split"
        said.append(f"Rows that repeat another one: {repeated}; they {where}.")
    if known.group:
        said.append(f"Rows of one `{known.group}` stay on one side of a split.")
    return Rows(
        name=known.name,
        target=known.target,
        x=x,
        y=np.log(known.y) if known.log else known.y,
        units=units,
        ids=known.places.tolist() if ids is None else list(ids),
        reader=reader,
        kind=kind,
        log=known.log,
        read=read,
        notes=(*said, *notes),
    )
