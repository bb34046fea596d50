"""Rows to learn from: numbers, a target, and which rows must stay together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Generator

from contrast.data.tables import read_table, require_columns
from contrast.errors import DataError
from contrast_supremix.columns import Columns
from contrast_supremix.split import Split, draw_split, units_of

LEAST_ROWS = 20


@dataclass(frozen=True)
class Rows:
    """N rows with one target each.

    Shapes:  x: (N, F) float64, NaN where missing;  y: (N,) float64 in its own unit, or its
    logarithm where `log`;  units: (N,) rows of one number stay on one side of a split.
    """

    name: str
    target: str
    x: np.ndarray
    y: np.ndarray
    units: np.ndarray
    ids: list[int | str]
    columns: Columns
    log: bool = False
    notes: tuple[str, ...] = ()
    split: Split = field(default_factory=lambda: Split(*3 * [np.zeros(0, int)]))

    def __len__(self) -> int:
        return len(self.y)

    @cached_property
    def fingerprint(self) -> int:
        """A number that differs where other rows were read."""
        digest = sha256(self.x.tobytes() + self.y.tobytes()).digest()
        return int.from_bytes(digest[:6], "big")

    def in_unit(self, y: np.ndarray) -> np.ndarray:
        """Targets as the user gave them."""
        return np.exp(y) if self.log else y


def diabetes(
    *, generator: Generator, valid_share: float, held_share: float, log_target: bool
) -> Rows:
    """scikit-learn's bundled table: 442 patients, ten measurements, progression after a year."""
    from sklearn.datasets import load_diabetes

    found = load_diabetes(as_frame=True, scaled=False)
    frame = found.frame.rename(columns={"target": "progression"})
    made = rows_of(frame, "progression", "diabetes", log_target=log_target)
    return replace(made, split=draw_split(made.units, valid_share, held_share, generator))


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
    if not target:
        raise DataError(
            f"which column of {path} is to be predicted? Name it with `data.target=COLUMN`"
        )
    frame = read_table(path, [group] if group else ())
    require_columns(frame, [target, group] if group else [target], path)
    made = rows_of(frame, target, path, group=group, log_target=log_target)
    return replace(made, split=draw_split(made.units, valid_share, held_share, generator))


def rows_of(
    frame: pd.DataFrame, target: str, source: str, *, group: str = "", log_target: bool = False
) -> Rows:
    """A table as rows; those without a target are left out and counted.

    Raises: DataError: text or infinity in the target, a constant one, or too few rows.
    """
    y = _target(frame[target], target, source)
    known = ~np.isnan(y)
    notes = [] if known.all() else [f"Rows without `{target}`, left out: {(~known).sum()}."]
    frame, y = frame[known].reset_index(drop=True), y[known]
    if len(y) < LEAST_ROWS:
        raise DataError(
            f"{source} has {len(y)} row{'s' * (len(y) != 1)} with a target; at least {LEAST_ROWS} "
            "are needed to train, choose and test"
        )
    if y.min() == y.max():
        raise DataError(
            f"the target `{target}` of {source} is {y[0]:g} in every row: there is nothing to learn"
        )
    notes += _about_target(y, target, log_target, source)
    columns = Columns.of(frame, [target, group] if group else [target], source)
    x, _ = columns.matrix(frame, source)
    groups = frame[group].astype(str).to_numpy() if group else None
    units, repeated = units_of(x, groups)
    if repeated:
        notes.append(f"Rows that repeat another one: {repeated}; they stay on one side of a split.")
    if group:
        notes.append(f"Rows of one `{group}` stay on one side of a split.")
    return Rows(
        name=Path(source).stem,
        target=target,
        x=x,
        y=np.log(y) if log_target else y,
        units=units,
        ids=np.flatnonzero(known).tolist(),
        columns=columns,
        log=log_target,
        notes=(*notes, *columns.notes),
    )


def _target(values: pd.Series, name: str, source: str) -> np.ndarray:
    found = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = np.isnan(found) & values.notna().to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"the target `{name}` of {source} is {values.iloc[row]!r} in row {row + 1}, expected a "
            "number\nFor classes instead of numbers use a classifier."
        )
    if np.isinf(found).any():
        row = int(np.isinf(found).argmax())
        raise DataError(f"the target `{name}` of {source} is infinite in row {row + 1}")
    return found


def _about_target(y: np.ndarray, name: str, log: bool, source: str) -> list[str]:
    """What is worth knowing of the target's scale."""
    if log:
        if y.min() <= 0:
            raise DataError(
                f"`data.log_target=true` needs targets above 0; the smallest `{name}` of {source} "
                f"is {y.min():g}"
            )
        return [f"`{name}` is learnt as its logarithm; errors are in its own unit."]
    notes = []
    extent = y.max() - y.min()
    if extent < 2 or extent > 1000:
        notes.append(
            f"`{name}` spans {extent:.4g}; the contrast sees it mapped to labels of its own scale, "
            "so that window and weights fit."
        )
    skew = ((y - y.mean()) ** 3).mean() / max(y.std() ** 3, 1e-300)
    if y.min() > 0 and skew > 2:
        notes.append(f"`{name}` has a long tail (skewness {skew:.1f}): try `data.log_target=true`.")
    return notes
