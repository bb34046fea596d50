"""One table: numbers to learn from, a column that says who is a control, covariates beside."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Generator, Tensor

from contrast.data.files import require_file
from contrast.data.tables import read_table, require_columns
from contrast.errors import DataError, did_you_mean, listing
from contrast_sepclr.data import Factor, Groups, check_groups, coded, split_units

MOST_CLASSES = 12  # whole numbers of more values are amounts, and so are fractions
MOST_NAMED = 12  # columns that a note names


@dataclass(frozen=True)
class Scales:
    """The columns that are learnt from, with mean and deviation of their training rows.

    Shapes:  names: F;  mean, spread: (F,).
    """

    names: list[str]
    mean: np.ndarray
    spread: np.ndarray

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Rows (M, F) standardised, float32 within +-10; gaps become the mean."""
        centred = np.where(np.isfinite(x), x - self.mean, 0)
        return (centred / self.spread).clip(-10, 10).astype(np.float32)


def table(
    *,
    generator: Generator,
    path: str,
    group: str,
    control: str,
    subject: str,
    covariates: tuple[str, ...],
    test_share: float,
) -> Groups:
    """Every numeric column that is neither group, subject nor covariate, standardised.

    Means and deviations are those of the training rows; gaps become the mean. Whole numbers that
    count the rows, and constants, are left out. In .h5ad files `X` holds the numbers.

    Raises: DataError: the file or a column is missing, nothing numeric is left, or a group
    is small.
    """
    frame, x, names, ids = read_rows(path, group, subject, covariates)
    is_target, groups = target_of(frame, group, control, path)
    units = units_of(frame, subject, path)
    train, test = split_units(is_target, units, test_share, generator, path)
    factors = factors_of(frame, covariates) + groups
    scales = scales_of(x, train.numpy(), names, path)
    rows, target = torch.from_numpy(scales.apply(x)), torch.from_numpy(is_target)
    told = listing(names) if len(names) <= MOST_NAMED else f"{len(names)} columns"
    notes = (f"Learnt from {told}; gaps are means of training rows.",)
    read = partial(read_new_rows, scales=scales)
    name = Path(path).name
    return Groups(name, "table", rows, target, train, test, ids, factors, notes, read)


def read_rows(
    path: str, group: str, subject: str, covariates: tuple[str, ...]
) -> tuple[pd.DataFrame, np.ndarray, list[str], list[int | str]]:
    """What is known of each row, the numbers to learn from (N, F), their names, and the rows' ids.

    An id is the subject, else the name of the observation in .h5ad, else the number of the row.
    """
    known = [name for name in (group, subject, *covariates) if name]
    if path.endswith(".h5ad"):
        stored = _open_h5ad(path)
        require_columns(stored.obs, known, f"{path} (obs)")
        x, names = _dense(stored.X), stored.var_names.to_numpy(str)
        frame, ids = stored.obs, stored.obs_names.astype(str).tolist()
    else:
        frame = read_table(path, text=[name for name in (group, subject) if name])
        require_columns(frame, known, path)
        numbers = frame.drop(columns=known).select_dtypes("number")
        numbers = numbers.loc[:, [not _counts_rows(values) for _, values in numbers.items()]]
        x, names = numbers.to_numpy(np.float64), numbers.columns.to_numpy(str)
        ids = list(range(len(frame)))
    varies = np.fmax.reduce(x, 0) > np.fmin.reduce(x, 0)  # gaps do not count
    if not varies.any():
        raise DataError(f"{path} has no column of numbers beside {listing(known)}")
    if subject:
        ids = frame[subject].astype(str).tolist()
    return frame, x[:, varies], names[varies].tolist(), ids


def read_new_rows(path: Path | str, scales: Scales) -> tuple[Tensor, list[str]]:
    """New rows as (M, F) by the columns and scales of a run, and what they are called.

    Raises: DataError: the file or a column is missing, or holds text.
    """
    path = str(path)
    if path.endswith(".h5ad"):
        stored = _open_h5ad(path)
        require_columns(pd.DataFrame(columns=stored.var_names), scales.names, path)
        x, ids = _dense(stored[:, scales.names].X), stored.obs_names.astype(str).tolist()
    else:
        frame = read_table(path)
        require_columns(frame, scales.names, path)
        frame, ids = frame[scales.names], [f"row {i + 1}" for i in range(len(frame))]
        if texts := [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]:
            raise DataError(f"{path}: column `{texts[0]}` must be numbers, as in the run's table")
        x = frame.to_numpy(np.float64)
    _refuse_infinity(x, scales.names, path)
    return torch.from_numpy(scales.apply(x)), ids


def _counts_rows(values: pd.Series) -> bool:
    """Whether a column of whole numbers only numbers the rows."""
    if values.dtype.kind not in "iu":
        return False
    return np.array_equal(np.sort(values) - values.min(), np.arange(len(values)))


def _open_h5ad(path: str):
    if importlib.util.find_spec("anndata") is None:
        raise DataError(f"{path} needs anndata: pip install 'contrast-sepclr[anndata]'")
    require_file(Path(path))
    import anndata

    try:
        stored = anndata.read_h5ad(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read as h5ad: {str(error).splitlines()[0]}") from error
    if stored.X is None:
        raise DataError(f"{path} has no `X` to learn from")
    return stored


def _dense(x) -> np.ndarray:
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x, np.float64)


def target_of(
    frame: pd.DataFrame, group: str, control: str, path: str
) -> tuple[np.ndarray, tuple[Factor, ...]]:
    """Who is a target, (N,) bool, and the kinds of targets where there are several.

    Raises: DataError: nobody has the value `control`, nobody another, or somebody has none.
    """
    values = frame[group].astype("string").str.strip()
    if values.isna().any():
        row = int(values.isna().to_numpy().argmax())
        raise DataError(f"{path}: column `{group}` is empty in row {row + 1}; remove such rows")
    known = sorted(values.unique())
    if control not in known:
        hint = did_you_mean(control, known)
        raise DataError(
            f"{path}: column `{group}` never is `{control}`{hint}\n"
            f"It is {listing(known[:8])}; set `data.control`."
        )
    is_target = (values != control).to_numpy(bool)
    advice = f"Column `{group}` says who is who; `data.control` is {control!r}."
    check_groups(is_target, path, advice)
    if len(known) < 3:
        return is_target, ()
    kinds = coded([v if t else None for v, t in zip(values, is_target, strict=True)])
    return is_target, (Factor(group, *kinds, "salient"),)


def factors_of(frame: pd.DataFrame, covariates: tuple[str, ...]) -> tuple[Factor, ...]:
    """Covariates as factors: text and whole numbers of few values are classes, others amounts."""
    found = []
    for name in covariates:
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values) and _amounts(values):
            found.append(Factor(name, values.to_numpy(np.float64, na_value=np.nan)))
        else:
            texts = [None if pd.isna(value) else str(value) for value in values]
            found.append(Factor(name, *coded(texts)))
    return tuple(found)


def _amounts(values: pd.Series) -> bool:
    known = values.dropna().to_numpy(np.float64)
    return len(np.unique(known)) > MOST_CLASSES or (known != np.rint(known)).any()


def units_of(frame: pd.DataFrame, subject: str, path: str) -> np.ndarray:
    """Whose each row is, (N,) numbers; every row its own where no column says so.

    Raises: DataError: a row says nobody's.
    """
    if not subject:
        return np.arange(len(frame))
    units = coded([None if pd.isna(value) else str(value) for value in frame[subject]])[0]
    if (units < 0).any():
        raise DataError(f"{path}: column `{subject}` is empty in row {units.argmin() + 1}")
    return units


def scales_of(x: np.ndarray, train: np.ndarray, names: Sequence[str], path: str) -> Scales:
    """Mean and deviation of each column over what is known of its training rows.

    Raises: DataError: a number is infinite.
    """
    _refuse_infinity(x, names, path)
    known = np.isfinite(x[train])
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, x[train], 0).sum(0) / count
    spread = np.sqrt(np.where(known, np.square(x[train] - mean), 0).sum(0) / count)
    return Scales(list(names), mean, np.where(spread > 0, spread, 1))


def _refuse_infinity(x: np.ndarray, names: Sequence[str], path: str) -> None:
    if np.isinf(x).any():
        row, column = np.argwhere(np.isinf(x))[0]
        raise DataError(f"{path}: column `{names[column]}` is infinite in row {row + 1}")
