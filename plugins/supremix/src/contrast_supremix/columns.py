"""What the columns of a table are, and the table as numbers; NaN stands for what is missing.

Nothing here looks at the target. Dates become days and their place in the year; text of few values
becomes one column a value; what names a row (ids) or never changes is left out, and said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from contrast.data.tables import read_table
from contrast.errors import DataError, did_you_mean, listing

Kind = Literal["number", "date", "category"]
LEVELS = 50  # values of a category that get a column of their own; rarer ones share none
NAMES_ROWS = re.compile(r"(^|[_ ])(id|uuid|key|index|nr|no|number)$|^unnamed", re.IGNORECASE)
YEAR_DAYS = 365.2425


@dataclass(frozen=True)
class Column:
    """A column that is looked at; `levels` are the values of a category."""

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns:
    """The columns of a table, with a sentence on those that are left out."""

    kept: tuple[Column, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, frame: pd.DataFrame, skip: Sequence[str], source: str) -> Columns:
        """Recognise the columns of a table, but for some.

        Raises: DataError: nothing is left to predict from.
        """
        kept, ids, still, dates, nested = [], [], [], [], []
        for name in (str(each) for each in frame.columns if str(each) not in skip):
            values = frame[name]
            if _is_nested(values):
                nested.append(name)
                continue
            if values.nunique(dropna=False) < 2:
                still.append(name)
                continue
            kind = _kind(values)
            names = {"category": _names_rows, "number": _counts_rows}.get(kind)
            if names and names(name, values):
                ids.append(name)
            else:
                levels = _levels(values) if kind == "category" else ()
                kept.append(Column(name, kind, levels))
                dates += [name] if kind == "date" else []
        if not kept:
            raise DataError(
                f"{source} has nothing to predict from: beside {listing(skip)} there are only ids, "
                f"constants and lists ({listing([*ids, *still, *nested])})"
            )
        notes = [f"Left out since they name rows: {listing(ids)}."] if ids else []
        notes += [f"Left out since they never change: {listing(still)}."] if still else []
        notes += (
            [f"Left out since they hold lists or objects: {listing(nested)}."] if nested else []
        )
        notes += [f"Read as dates: {listing(dates)}."] if dates else []
        return cls(tuple(kept), tuple(notes))

    def matrix(self, frame: pd.DataFrame, source: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """The table as numbers, (N, F) float64, and what was unusual about it.

        A value of a category that was not seen is no level: zeros in all of its columns.
        Raises: DataError: a column is missing, holds text where numbers stood, or infinity.
        """
        frame = frame.rename(columns=str)
        known = frame.columns.tolist()
        parts, notes = [], []
        for column in self.kept:
            if column.name not in known:
                hint = did_you_mean(column.name, known)
                raise DataError(
                    f"{source} has no column `{column.name}`{hint}\n"
                    f"The model was trained on {listing(each.name for each in self.kept)}."
                )
            values = frame[column.name]
            if column.kind == "category":
                text = _text(values)
                new = sorted(set(text.dropna()) - set(column.levels))
                if new and len(column.levels) < LEVELS:
                    notes.append(f"`{column.name}` holds values never seen: {listing(new[:3])}.")
                parts.append(np.stack([text.eq(level) for level in column.levels], 1))
            elif column.kind == "date":
                parts.append(_date_numbers(values, column.name, source))
            else:
                parts.append(_numbers(values, column.name, source)[:, None])
        return np.concatenate([part.astype(np.float64) for part in parts], 1), tuple(notes)

    def read(self, path: Path) -> tuple[pd.DataFrame, np.ndarray, tuple[str, ...]]:
        """New rows from a file; see `matrix`."""
        frame = read_table(path)
        return frame, *self.matrix(frame, str(path))


def _is_nested(values: pd.Series) -> bool:
    return values.dtype == object and any(
        isinstance(value, (list, dict, np.ndarray)) for value in values
    )


def _kind(values: pd.Series) -> Kind:
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    text = values.dropna().astype(str)
    if pd.to_numeric(text, errors="coerce").notna().all():
        return "number"
    if text.str.match(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}").all() and _dates(text).notna().all():
        return "date"
    return "category"


def _names_rows(name: str, values: pd.Series) -> bool:
    """Text that is different in nearly every row tells nothing of other rows."""
    present = values.dropna()
    return present.nunique() > max(0.9 * len(present), LEVELS) or (
        bool(NAMES_ROWS.search(name)) and present.is_unique
    )


def _counts_rows(name: str, values: pd.Series) -> bool:
    """Whole numbers that are all different and called an id, or that count the rows."""
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.isna().any() or not numbers.is_unique or not (numbers % 1 == 0).all():
        return False
    counting = len(numbers) > 2 and set(np.diff(numbers)) == {1}
    return counting or bool(NAMES_ROWS.search(name))


def _levels(values: pd.Series) -> tuple[str, ...]:
    counts = _text(values).value_counts()
    return tuple(sorted(counts.index[:LEVELS]))


def _text(values: pd.Series) -> pd.Series:
    if values.dtype.kind == "f" and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64").astype(
            object
        )  # a gap has made whole numbers float: 1, not 1.0
    return values.map(lambda value: str(value).strip(), na_action="ignore")


def _numbers(values: pd.Series, name: str, source: str) -> np.ndarray:
    """One column as float64, NaN where missing."""
    found = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = np.isnan(found) & values.notna().to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{source}: column `{name}` holds {values.iloc[row]!r} in row {row + 1}, "
            "expected a number or nothing"
        )
    if np.isinf(found).any():
        row = int(np.isinf(found).argmax())
        raise DataError(f"{source}: column `{name}` is infinite in row {row + 1}")
    return found


def _dates(values: pd.Series) -> pd.Series:
    return pd.to_datetime(values, errors="coerce", format="mixed", utc=True)


def _date_numbers(values: pd.Series, name: str, source: str) -> np.ndarray:
    """Days, and the sine and cosine of the place in the year, (N, 3)."""
    found = _dates(values)
    wrong = (found.isna() & values.notna()).to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(f"{source}: column `{name}` holds no date in row {row + 1}")
    days = ((found - pd.Timestamp("2000-01-01", tz="UTC")) / pd.Timedelta(days=1)).to_numpy()
    angle = 2 * np.pi * days / YEAR_DAYS
    return np.stack([days, np.sin(angle), np.cos(angle)], 1)
