"""One table: numbers to learn from, a column that says who is a control, covariates beside."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Generator

from contrast.data.tables import read_table, require_columns
from contrast.errors import DataError, did_you_mean, listing
from contrast_sepclr.data import Factor, Groups, check_groups, coded, split_units

MOST_CLASSES = 12  # whole numbers of more values are amounts


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

    Means and deviations are those of the training rows; gaps become the mean. In .h5ad files `X`
    holds the numbers.

    Raises: DataError: the file or a column is missing, nothing numeric is left, or a group
    is small.
    """
    frame, x, names = read_rows(path, group, subject, covariates)
    is_target, groups = target_of(frame, group, control, path)
    units = np.arange(len(frame)) if not subject else coded(frame[subject].astype(str))[0]
    train, test = split_units(is_target, units, test_share, generator, path)
    factors = factors_of(frame, covariates) + groups
    ids = frame[subject].astype(str).tolist() if subject else list(range(len(frame)))
    notes = (f"Learnt from {len(names)} columns; gaps are means of training rows.",)
    x = torch.from_numpy(_standardised(x, train.numpy(), names, path))
    target = torch.from_numpy(is_target)
    return Groups(Path(path).name, "table", x, target, train, test, ids, factors, notes)


def read_rows(
    path: str, group: str, subject: str, covariates: tuple[str, ...]
) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """What is known of each row, the numbers to learn from (N, F), and their names."""
    if path.endswith(".h5ad"):
        return _read_h5ad(path, group, subject, covariates)
    known = [name for name in (group, subject, *covariates) if name]
    frame = read_table(path, text=[name for name in (group, subject) if name])
    require_columns(frame, known, path)
    numbers = frame.drop(columns=known).select_dtypes("number")
    numbers = numbers.loc[:, numbers.nunique() > 1]
    if numbers.empty:
        raise DataError(f"{path} has no column of numbers beside {listing(known)}")
    return frame, numbers.to_numpy(np.float64), [str(name) for name in numbers.columns]


def _read_h5ad(path: str, group: str, subject: str, covariates: tuple[str, ...]) -> tuple:
    if importlib.util.find_spec("anndata") is None:
        raise DataError(f"{path} needs anndata: pip install 'contrast-sepclr[anndata]'")
    if not Path(path).is_file():
        raise DataError(f"there is no file {path}")
    import anndata

    try:
        stored = anndata.read_h5ad(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read as h5ad: {str(error).splitlines()[0]}") from error
    require_columns(stored.obs, [n for n in (group, subject, *covariates) if n], f"{path} (obs)")
    x = stored.X.toarray() if hasattr(stored.X, "toarray") else np.asarray(stored.X)
    varies = np.flatnonzero(x.std(0) > 0)
    return stored.obs, x[:, varies].astype(np.float64), stored.var_names[varies].tolist()


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
        amounts = pd.api.types.is_numeric_dtype(values) and values.nunique() > MOST_CLASSES
        if amounts:
            found.append(Factor(name, values.to_numpy(np.float64, na_value=np.nan)))
        else:
            texts = [None if pd.isna(value) else str(value) for value in values]
            found.append(Factor(name, *coded(texts)))
    return tuple(found)


def _standardised(x: np.ndarray, train: np.ndarray, names: list[str], path: str) -> np.ndarray:
    if np.isinf(x).any():
        row, column = np.argwhere(np.isinf(x))[0]
        raise DataError(f"{path}: column `{names[column]}` is infinite in row {row + 1}")
    known = np.isfinite(x)
    count = np.maximum(known[train].sum(0), 1)
    mean = np.where(known[train], x[train], 0).sum(0) / count
    centred = np.where(known, x - mean, 0)
    spread = np.sqrt(np.square(centred[train]).sum(0) / count)
    return (centred / np.where(spread > 0, spread, 1)).clip(-10, 10).astype(np.float32)
