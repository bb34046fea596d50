"""Rows of a file of records, JSON lines, JSON or Parquet, each with the place where it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contrast.data.files import require_file
from contrast.errors import DataError, listing

Row = tuple[str, Mapping[str, Any]]  # where it stands, for messages, and what it holds

SUFFIXES = (".jsonl", ".json", ".parquet")


def read_rows(path: str | Path) -> tuple[list[Row], tuple[str, ...]]:
    """The rows of a file, each with its place, and what is to be said of them.

    A last line of JSON that was cut off, as a crash leaves it, is left out.
    Raises: DataError: no such file, of another kind, not UTF-8, a broken line, or no row.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path} holds no records that can be read here: use {listing(SUFFIXES)}")
    require_file(path)
    notes: tuple[str, ...] = ()
    if path.suffix.lower() == ".parquet":
        rows = _parquet(path)
    elif path.suffix.lower() == ".json":
        rows = _json(path)
    else:
        rows, notes = json_lines(_text(path), str(path))
    if not rows:
        raise DataError(f"{path} holds no record")
    return rows, notes


def json_lines(text: str, name: str) -> tuple[list[Row], tuple[str, ...]]:
    """An object a line.  Raises: DataError: a line that is none."""
    rows: list[Row] = []
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{name}, line {number}"
        try:
            rows.append((place, _object(json.loads(line), place)))
        except json.JSONDecodeError as error:
            if number == len(lines):
                return rows, ("The last line was cut off and is left out.",)
            raise DataError(f"{place} is no JSON: {error.msg}, at character {error.pos}") from None
    return rows, ()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text: byte {error.start} is {error.object[error.start]:#x}\n"
            "Save it as UTF-8."
        ) from None


def _json(path: Path) -> list[Row]:
    try:
        held = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}, line {error.lineno} is no JSON: {error.msg}") from None
    if not isinstance(held, list):
        raise DataError(f"{path} must hold a list of records, got {shortened(held)}")
    places = (f"{path}, record {number}" for number in range(1, len(held) + 1))
    return [(place, _object(each, place)) for place, each in zip(places, held, strict=True)]


def _parquet(path: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        held = pq.read_table(path).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from None
    return [(f"{path}, row {number}", each) for number, each in enumerate(held, start=1)]


def _object(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{place}: expected an object with fields, got {shortened(value)}")
    return value


def shortened(value: Any) -> str:
    """The value as JSON, of 60 characters at most, for a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
