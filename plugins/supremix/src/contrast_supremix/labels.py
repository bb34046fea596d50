"""The column to be predicted: read, checked, and told about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from contrast.data.tables import read_table, require_columns
from contrast.errors import DataError

LEAST_ROWS = 20


def read_labels(path: str | Path, target: str, group: str, *text: str) -> pd.DataFrame:
    """A table with a target, a group if one is asked for, and some columns of text.

    Raises: DataError: no target is named, no such file or column, a column named for two things,
    or an empty text.
    """
    if not target:
        raise DataError(
            f"which column of {path} is to be predicted? Name it with `data.target=COLUMN`"
        )
    grouped = [group] if group else []
    frame = read_table(path, [*text, *grouped])
    require_different([*text, target, *grouped], str(path))
    require_columns(frame, [*text, target, *grouped], path)
    require_filled(frame, text, str(path))
    return frame


def require_different(columns: Sequence[str], source: str) -> None:
    """Raises: DataError: one column is named for two things."""
    twice = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
    if twice:
        raise DataError(
            f"the column `{twice[0]}` of {source} is named for two things among `data.target`, "
            "`data.group` and the other columns of `data`; name another one"
        )


def require_filled(frame: pd.DataFrame, columns: Sequence[str], source: str) -> None:
    """Raises: DataError: a column is missing, or holds nothing in some row."""
    require_columns(frame, columns, source)
    for column in columns:
        empty = frame[column].isna().to_numpy()
        if empty.any():
            raise DataError(f"{source}: column `{column}` is empty in row {empty.argmax() + 1}")


@dataclass(frozen=True)
class Labelled:
    """The rows of a table that have a target, numbered from 0.

    Shapes:  y: (N,) in its own unit;  places: (N,) rows' numbers before any were left out;
    groups: (N,) text or None.
    """

    name: str
    target: str
    group: str
    frame: pd.DataFrame
    y: np.ndarray
    places: np.ndarray
    groups: np.ndarray | None
    log: bool
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        target: str,
        source: str,
        *,
        group: str = "",
        log_target: bool = False,
    ) -> Labelled:
        """Rows without a target are left out and counted.

        Raises: DataError: text, dates or infinity in the target, a constant one, too few rows, or a
        row of no group.
        """
        if group:
            require_different([target, group], source)
            require_filled(frame, [group], source)
        y = _target(frame[target], target, source)
        known = ~np.isnan(y)
        notes = [] if known.all() else [f"Rows without `{target}`, left out: {(~known).sum()}."]
        frame, y = frame[known].reset_index(drop=True), y[known]
        if len(y) < LEAST_ROWS:
            raise DataError(
                f"{source} has {len(y)} row{'s' * (len(y) != 1)} with a target; at least "
                f"{LEAST_ROWS} are needed to train, choose and test"
            )
        if y.min() == y.max():
            raise DataError(
                f"the target `{target}` of {source} is {y[0]:g} in every row: there is nothing to "
                "learn"
            )
        return cls(
            name=Path(source).stem,
            target=target,
            group=group,
            frame=frame,
            y=y,
            places=np.flatnonzero(known),
            groups=frame[group].astype(str).to_numpy() if group else None,
            log=log_target,
            notes=(*notes, *_about_target(y, target, log_target, source)),
        )


def _target(values: pd.Series, name: str, source: str) -> np.ndarray:
    if values.dtype.kind in "mM":  # pandas would count nanoseconds
        raise DataError(f"the target `{name}` of {source} holds dates or times, expected numbers")
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
