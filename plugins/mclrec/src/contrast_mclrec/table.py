"""Logs in tables: CSV, TSV, RecBole's atomic files, Parquet; what is wrong is told or counted.

Read by Arrow, so that ten million rows take seconds; ids stay text (`007` stays `007`).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet
from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, read_csv

from contrast.data.files import require_file
from contrast.errors import DataError, did_you_mean, listing

SEPARATORS = {".csv": ",", ".tsv": "\t", ".inter": "\t", ".item": "\t"}
MISSING = ["", "NaN", "nan", "NULL", "null", "None"]
OWN_COLUMNS = "name yours with `data.user`, `data.item`, `data.time` (empty: the order of the file)"
TIME_KINDS = (
    pa.int64(),
    pa.float64(),
    *(pa.timestamp(unit, zone) for unit in ("us", "ns") for zone in (None, "UTC")),
)


@dataclass(frozen=True)
class Events:
    """The rows of a log in the order of the file, ids numbered from 0 as they first appear.

    Shapes:  users, items: (n,) int32;  times: (n,) int64 or float64, or None.
    """

    users: np.ndarray
    items: np.ndarray
    times: np.ndarray | None
    user_ids: list[str]
    item_ids: list[str]
    notes: tuple[str, ...] = ()


def read_events(path: str | Path, *, user: str, item: str, time: str, separator: str) -> Events:
    """The events of a table; `time` may be empty: then the order of the file is that of time.

    A row without user, item or time is left out and counted.

    Raises: DataError: no such file or column, no rows, another separator, a time that is neither a
    number nor an ISO date.
    """
    path = Path(path)
    names = [user, item, *([time] if time else [])]
    table = read_table(path, names, separator)
    if table.num_rows == 0:
        raise DataError(f"{path} has no rows, only a header")
    complete = pc.is_valid(table.column(0))
    for column in table.columns[1:]:
        complete = pc.and_(complete, pc.is_valid(column))
    kept = table.filter(complete) if not pc.all(complete).as_py() else table
    notes = []
    if lost := table.num_rows - kept.num_rows:
        notes.append(f"{lost} rows without {' or '.join(names)} were left out.")
    if kept.num_rows == 0:
        raise DataError(f"no row of {path} has all of {listing(names)}")
    users, user_ids = numbered(kept.column(0), user, path)
    items, item_ids = numbered(kept.column(1), item, path)
    times = as_times(kept.column(2), time, path) if time else None
    return Events(users, items, times, user_ids, item_ids, tuple(notes))


def read_table(
    path: Path, names: Sequence[str], separator: str = "", *, advice: str = OWN_COLUMNS
) -> pa.Table:
    """The named columns as text (of Parquet: as they are), missing values as nulls.

    `advice` ends the answer to a column that is missing.
    """
    check_file(path)
    try:
        if path.suffix.lower() == ".parquet":
            known = parquet.read_schema(path).names
            return parquet.read_table(path, columns=matched(names, known, path, advice))
        return _read_csv(path, names, separator, advice)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        if "UTF8" in reason or isinstance(error, UnicodeDecodeError):
            raise DataError(f"{path} is not UTF-8 text: {reason}\nSave it as UTF-8.") from error
        raise DataError(f"{path} cannot be read: {reason}") from error


def check_file(path: Path) -> None:
    """Raises: DataError: the file is missing, empty, or of a kind that is not read here."""
    require_file(path)
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty, expected a header and rows")
    known = (*SEPARATORS, ".parquet")
    if path.suffix.lower() not in known:
        raise DataError(f"{path} is no log that can be read here: use {listing(known)}")


def _read_csv(path: Path, names: Sequence[str], separator: str, advice: str) -> pa.Table:
    separator = "\t" if separator == r"\t" else separator or SEPARATORS[path.suffix.lower()]
    if len(separator) != 1:
        raise DataError(f"`data.separator` must be one character, got {separator!r}")
    with path.open(encoding="utf-8-sig", newline="") as file:
        line = file.readline()
    header = next(csv.reader([line], delimiter=separator), [])
    columns = matched(names, header, path, advice, line, separator)
    return read_csv(
        path,
        ReadOptions(block_size=1 << 24),
        ParseOptions(delimiter=separator),
        ConvertOptions(
            include_columns=columns,
            column_types=dict.fromkeys(columns, pa.string()),
            strings_can_be_null=True,
            null_values=MISSING,
        ),
    )


def matched(
    names: Sequence[str],
    header: Sequence[str],
    path: Path,
    advice: str,
    line: str = "",
    separator: str = "",
) -> list[str]:
    """The columns of those names, with or without RecBole's `:type` behind them.

    Raises: DataError: one is missing; says so where another separator would have found it.
    """
    by_name = {column.partition(":")[0].strip(): column for column in header}
    by_name |= {column: column for column in header}
    for name in names:
        if name in by_name:
            continue
        for other in (";", "\t", ",", "|"):
            if other != separator and len(line.split(other)) > max(len(header), 1):
                raise DataError(
                    f"{path} has no column `{name}` when it is cut at {separator!r}; its header "
                    f"looks cut at {other!r}: set `data.separator={other!r}`"
                )
        known = [column.partition(":")[0] for column in header]
        raise DataError(
            f"{path} has no column `{name}`{did_you_mean(name, known)}\n"
            f"Its columns are {listing(known)}; {advice}."
        )
    return [by_name[name] for name in names]


def numbered(column: pa.ChunkedArray, name: str, path: Path) -> tuple[np.ndarray, list[str]]:
    """The column as numbers from 0 in order of appearance, and the text of each number.

    Raises: DataError: the column holds lists, infinities or the like.
    """
    try:
        if pa.types.is_floating(column.type) and pc.all(pc.equal(pc.floor(column), column)).as_py():
            column = column.cast(pa.int64())  # integers that a missing value had made floats
        encoded = column.combine_chunks().dictionary_encode()
        names = encoded.dictionary.cast(pa.string()).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"`{name}` of {path} must hold texts or whole numbers, got {column.type}: {error}"
        ) from error
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False), names


def as_times(column: pa.ChunkedArray, name: str, path: Path) -> np.ndarray:
    """Times as numbers that order them: integers, floats, or micro- or nanoseconds of ISO dates.

    Raises: DataError: a value is none of these; names the first one and its row.
    """
    for kind in TIME_KINDS:
        try:
            found = column.cast(kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue
        found = found.cast(pa.int64()) if pa.types.is_timestamp(kind) else found
        values = found.combine_chunks().to_numpy(zero_copy_only=False)
        if not np.isfinite(values).all():
            row = int((~np.isfinite(values)).argmax())
            raise DataError(f"`{name}` of {path} must be finite, got {values[row]} in {_row(row)}")
        return values
    row = _first_bad(column)
    raise DataError(
        f"`{name}` of {path} must hold numbers or ISO dates, got {column[row].as_py()!r} in "
        f"{_row(row)}\nWithout times, `data.time=` takes the order of the file."
    )


def _row(row: int) -> str:
    return f"row {row + 2} (the header is row 1, rows left out are not counted)"


def _first_bad(column: pa.ChunkedArray) -> int:
    """The first value that is not of the kind that the others are, found by halving."""
    kind = next((k for k in reversed(TIME_KINDS) if _casts(column[:1], k)), TIME_KINDS[1])
    low, high = 0, len(column)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _casts(column[low:middle], kind) else (low, middle)
    return low


def _casts(column: pa.ChunkedArray, kind: pa.DataType) -> bool:
    try:
        column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True
