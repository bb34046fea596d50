"""The user's own tables, and embeddings written out as tables. Nothing is ever unpickled."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

from contrast.data.files import require_file
from contrast.errors import DataError, did_you_mean, listing

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".joblib"}
TABLES = (".csv", ".tsv", ".parquet", ".jsonl")


def read_table(path: str | Path, text: Collection[str] = ()) -> pd.DataFrame:
    """A table from CSV, TSV, Parquet or JSON lines, by the file's suffix; text is UTF-8.

    The columns named in `text` are kept as they stand (`007` stays `007`), where they exist; of a
    CSV, `NA`, `null` and the like are missing there too.

    Raises: DataError: the file is missing, of another kind, unreadable, or has no rows.
    """
    path = Path(path)
    read = _reader(path)
    try:
        frame = read(path, text)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error}\nSave it as UTF-8.") from error
    except (ValueError, OSError) as error:  # what pandas and pyarrow raise for a malformed file
        if _is_empty(path):
            raise DataError(f"{path} is empty, expected a table with a header and rows") from None
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(f"{path} cannot be read as {path.suffix[1:]}: {reason}") from error
    if frame.empty:
        raise DataError(f"{path} has no rows, only the columns {listing(map(str, frame.columns))}")
    return frame


def require_columns(frame: pd.DataFrame, columns: Sequence[str], path: str | Path) -> None:
    """Check that a table has the columns.

    Raises: DataError: one is missing; the message names the nearest one and those there are.
    """
    known = [str(column) for column in frame.columns]
    for column in columns:
        if column not in known:
            hint = did_you_mean(column, known)
            raise DataError(
                f"{path} has no column `{column}`{hint}\nIts columns are {listing(known)}."
            )


def write_embeddings(
    path: str | Path, ids: Sequence[int | str], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write named embeddings with their ids, to Parquet or NPZ by the suffix of `path`.

    Parquet: a column `ids`, and a column of fixed-size lists for each name. NPZ: an array `ids`
    (integers or text), and one array for each name. The file appears whole or not at all.

    Shapes:  arrays: (N, D) each, D may differ;  ids: N, all integers, else written as text.
    Raises: DataError: the file exists, its suffix is another or it cannot be written;
    ValueError: an array is not N x D, or is named `ids`.
    """
    path = Path(path)
    writers = {".parquet": _write_parquet, ".npz": _write_npz}
    if path.suffix not in writers:
        raise DataError(f"embeddings are written to {listing(writers)}, got {path.name!r}")
    if path.exists():
        raise DataError(f"{path} exists and is not overwritten; remove it or choose another name")
    for name, array in arrays.items():
        if name == "ids" or array.ndim != 2 or len(array) != len(ids):
            raise ValueError(f"`{name}` must be ({len(ids)}, D) and not named `ids`: {array.shape}")
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        writers[path.suffix](part, ids, arrays)
        part.replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def _reader(path: Path) -> Callable[[Path, Collection[str]], pd.DataFrame]:
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        raise DataError(
            f"{path} is a pickle, which runs code when it is read; save the table as CSV or Parquet"
        )
    if suffix not in TABLES:
        raise DataError(f"{path} is no table that can be read here: use {listing(TABLES)}")
    require_file(path)
    readers = {".parquet": _read_parquet, ".jsonl": _read_jsonl}
    return readers.get(suffix, _read_csv)


def _is_empty(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == 0


def _read_csv(path: Path, text: Collection[str]) -> pd.DataFrame:
    import pandas as pd

    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    frame = pd.read_csv(path, sep=separator, dtype=dict.fromkeys(text, str), low_memory=False)
    if not isinstance(frame.index, pd.RangeIndex):  # pandas would shift the columns by one
        raise ValueError("its rows have more fields than its header")
    return frame


def _read_jsonl(path: Path, text: Collection[str]) -> pd.DataFrame:
    import pandas as pd

    return _as_text(pd.read_json(path, lines=True, dtype=False, convert_dates=False), text)


def _read_parquet(path: Path, text: Collection[str]) -> pd.DataFrame:
    import pandas as pd

    return _as_text(pd.read_parquet(path).rename(columns=str), text)


def _as_text(frame: pd.DataFrame, columns: Collection[str]) -> pd.DataFrame:
    present = [name for name in columns if name in frame.columns]
    return frame.assign(**{name: _text_of(frame[name]) for name in present})


def _text_of(column: pd.Series) -> pd.Series:
    """The column as text; whole numbers, which a missing one made floats, are whole again."""
    known = column.dropna()
    if column.dtype.kind in "fiu" and len(known) < len(column) and (known % 1 == 0).all():
        return known.map(int).map(str).reindex(column.index)
    return column.map(str, na_action="ignore")


def _plain_ids(ids: Sequence[int | str]) -> list[int] | list[str]:
    if all(isinstance(item, Integral) for item in ids):
        return [int(item) for item in ids]
    return [str(item) for item in ids]


def _write_parquet(path: Path, ids: Sequence[int | str], arrays: Mapping[str, np.ndarray]) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, pa.Array] = {"ids": pa.array(_plain_ids(ids))}
    for name, array in arrays.items():
        flat = pa.array(np.ascontiguousarray(array).reshape(-1))
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, array.shape[1])
    pq.write_table(pa.table(columns), path)


def _write_npz(path: Path, ids: Sequence[int | str], arrays: Mapping[str, np.ndarray]) -> None:
    import numpy as np

    with path.open("wb") as file:
        np.savez(file, ids=np.array(_plain_ids(ids)), **arrays)
