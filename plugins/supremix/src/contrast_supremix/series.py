"""Series with a number each: arrays of one length, or a long table with a row a moment."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Generator

from contrast.data.arrays import read_arrays
from contrast.data.tables import read_table, require_columns
from contrast.errors import DataError, listing
from contrast_supremix.data import Rows, samples_of
from contrast_supremix.labels import Labelled, require_different, require_filled

ARRAYS = (".npz",)


@dataclass(frozen=True)
class Series:
    """Series of one length and the same channels.

    Of a long table `id` names the series of a row and `time` its place in it. Longer series lose
    what is behind `length`; of shorter ones the rest is missing.
    """

    channels: tuple[str, ...]
    length: int
    id: str = ""
    time: str = ""

    def matrix(self, frame: pd.DataFrame, source: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """The series of a long table, (N, C, T) float64, in the order of their first rows.

        Raises: DataError: a column is missing, a channel holds text or infinity, or a row has no
        series or no time.
        """
        if not self.id:
            raise DataError(f"{source}: the run was trained on arrays; give an .npz with `x`")
        require_columns(frame, self.channels, source)
        require_filled(frame, [self.id, self.time], source)
        values = [_numbers(frame, name, source) for name in self.channels]
        number, names = pd.factorize(frame[self.id])
        order = np.lexsort((_moments(frame[self.time], source), number))
        number, values = number[order], np.stack(values, 1)[order]
        place = np.arange(len(number)) - np.searchsorted(number, number)
        kept = place < self.length
        x = np.full((len(names), len(self.channels), self.length), np.nan)
        x[number[kept], :, place[kept]] = values[kept]
        cut = len(np.unique(number[~kept]))
        return x, self._cut(cut) if cut else ()

    def read(self, path: Path) -> tuple[pd.DataFrame, np.ndarray, tuple[str, ...]]:
        """New series from a file of the kind that was trained on."""
        if path.suffix.lower() in ARRAYS:
            x = _arrays(path, ["x"])["x"]
            _, channels, places = x.shape
            if channels != len(self.channels) or places < self.length:
                raise DataError(
                    f"{path}: `x` holds series of {channels} channels and {places} places, "
                    f"the run was trained on {len(self.channels)} and {self.length}"
                )
            notes = self._cut(len(x)) if places > self.length else ()
            return pd.DataFrame({"series": np.arange(len(x))}), x[..., : self.length], notes
        frame = read_table(path)
        x, notes = self.matrix(frame, str(path))
        return pd.DataFrame({self.id: pd.factorize(frame[self.id])[1]}), x, notes

    def _cut(self, count: int) -> tuple[str, ...]:
        return (f"Series longer than {self.length}, cut there: {count}.",)


def series(
    *,
    generator: Generator,
    path: str,
    target: str,
    id: str,
    time: str,
    group: str,
    length: int,
    log_target: bool,
    valid_share: float,
    held_share: float,
) -> Rows:
    """The user's own series: an .npz with `x`, (N, T) or (N, C, T), the target and perhaps a group
    as arrays of N; or a long table with columns for series, time, target and the channels.

    Raises: DataError: no such file, array or column, values that are not finite, a target that
    changes within a series, or one that nothing can be learnt of.
    """
    if not target:
        raise DataError(f"what of {path} is to be predicted? Name it with `data.target=NAME`")
    found = _of_arrays if Path(path).suffix.lower() in ARRAYS else _of_table
    frame, x, reader = found(path, target, id, time, group, length)
    known = Labelled.of(frame, target, path, group=group, log_target=log_target)
    ids = known.frame[reader.id].tolist() if reader.id else None
    made = samples_of(known, x[known.places], reader, kind="series", ids=ids)
    return made.parted(generator, valid_share, held_share)


def _of_arrays(
    path: str, target: str, id: str, time: str, group: str, length: int
) -> tuple[pd.DataFrame, np.ndarray, Series]:
    names = ["x", target, *([group] if group else [])]
    found = _arrays(Path(path), names)
    x = found["x"][..., : length or None]
    for name in names[1:]:
        if found[name].shape != (len(x),):
            raise DataError(
                f"{path}: `{name}` must be ({len(x)},), one value a series, got {found[name].shape}"
            )
    frame = pd.DataFrame({name: found[name] for name in names[1:]})
    return frame, x, Series(tuple(str(i) for i in range(x.shape[1])), x.shape[2])


def _of_table(
    path: str, target: str, id: str, time: str, group: str, length: int
) -> tuple[pd.DataFrame, np.ndarray, Series]:
    if not id or not time:
        raise DataError(
            f"{path} has a row a moment: name the column of the series with `data.id=COLUMN` and "
            "that of the time with `data.time=COLUMN`"
        )
    frame = read_table(path)
    own = [id, target, *([group] if group else [])]
    require_different([*own, time], path)
    require_columns(frame, own, path)
    require_filled(frame, [id, time], path)
    for name in own[1:]:
        several = frame.groupby(id, sort=False)[name].nunique(dropna=False) > 1
        if several.any():
            raise DataError(
                f"{path}: `{name}` changes within the series {several.idxmax()!r}, expected one "
                "value a series"
            )
    channels = tuple(str(c) for c in frame.columns if str(c) not in (*own, time))
    if not channels:
        raise DataError(f"{path} has no channels: only {listing([*own, time])}")
    longest = int(frame[id].value_counts().max())
    reader = Series(channels, min(length, longest) if length else longest, id, time)
    x, _ = reader.matrix(frame, path)
    return frame.drop_duplicates(id)[own].reset_index(drop=True), x, reader


def _arrays(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Arrays of a file by name, `x` as (N, C, T) float64."""
    found = read_arrays(path, names)
    x = found["x"]
    if x.ndim not in (2, 3) or x.dtype.kind not in "fiu":
        raise DataError(f"{path}: `x` must be numbers (N, T) or (N, C, T), got {x.dtype} {x.shape}")
    infinite = np.isinf(x).reshape(len(x), -1).any(1)
    if infinite.any():
        raise DataError(f"{path}: `x` is infinite in series {infinite.argmax()}")
    found["x"] = (x[:, None] if x.ndim == 2 else x).astype(np.float64)
    return found


def _moments(values: pd.Series, source: str) -> np.ndarray:
    """What orders a series: numbers, dates, or text of either.

    Raises: DataError: text that is neither.
    """
    if values.dtype.kind in "biufmM":
        return values.to_numpy()
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.notna().all():
        return numbers.to_numpy()
    text = values.astype(str)
    # A day before its month shows only in some rows, so that one form is tried on all of them.
    for form in ({}, {"dayfirst": True}, {"format": "mixed"}):
        with warnings.catch_warnings(), suppress(ValueError):
            warnings.simplefilter("ignore", UserWarning)  # that no form was found
            return pd.to_datetime(text, utc=True, **form).to_numpy()
    wrong = int(pd.to_datetime(text, utc=True, format="mixed", errors="coerce").isna().argmax())
    raise DataError(
        f"{source}: column `{values.name}` holds {values.iloc[wrong]!r} in row {wrong + 1}, "
        "expected a number or a date to order series by"
    )


def _numbers(frame: pd.DataFrame, name: str, source: str) -> np.ndarray:
    found = pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = (np.isnan(found) & frame[name].notna().to_numpy()) | np.isinf(found)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{source}: column `{name}` holds {frame[name].iloc[row]!r} in row {row + 1}, "
            "expected a number or nothing"
        )
    return found
