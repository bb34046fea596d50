"""What the page asks for: columns of a table, a comparison as it grows, a model, predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import contrast
from contrast.config import resolve
from contrast.data.tables import read_table
from contrast.errors import DataError
from contrast.recipe import RunConfig
from contrast_supremix import Predictor
from contrast_supremix.comparison import SIMPLEST_FIRST, comparing
from contrast_supremix.data import Rows, rows_of
from contrast_supremix.evaluate import judged_by
from contrast_supremix.objective import SupReMix
from contrast_supremix.recommend import recommend
from contrast_supremix.training import Budget


@dataclass(frozen=True)
class Question:
    """A table and what is to be predicted; `epochs` is the length of each stage."""

    path: str
    target: str
    group: str = ""
    log_target: bool = False
    epochs: int = 50

    def words(self) -> list[str]:
        """The same for `contrast run plugin=supremix`."""
        return [
            "data=table",
            f"data.path={self.path}",
            f"data.target={self.target}",
            f"data.group={self.group}",
            f"data.log_target={str(self.log_target).lower()}",
            f"trainer.max_epochs={self.epochs}",
            "evaluation.compare=false",
        ]


@dataclass(frozen=True)
class Line:
    """A method with the held-out MAE of each split, in the target's unit."""

    method: str
    mae: np.ndarray

    @property
    def mean(self) -> float:
        """Over the splits."""
        return float(self.mae.mean())

    @property
    def spread(self) -> float:
        """Its deviation."""
        return float(self.mae.std())


@dataclass(frozen=True)
class Progress:
    """What is known so far; `notes` are complete once it is `done`."""

    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    done: bool = False


def columns_of(path: str) -> tuple[list[str], list[str]]:
    """The numeric columns of a table, the last one first since it often is the target, and all.

    Raises: DataError: the table cannot be read, or has no column of numbers.
    """
    frame = read_table(path)
    numeric = [str(name) for name in frame.select_dtypes("number").columns]
    if not numeric:
        raise DataError(f"{Path(path).name} has no column of numbers to be predicted")
    return numeric[::-1], [str(name) for name in frame.columns]


def compared(question: Question) -> Iterator[Progress]:
    """The comparison as it grows, by the settings of the plugin.

    Raises: DataError: a target that nothing can be learnt of.
    """
    config = resolve("supremix", question.words()).config
    frame = read_table(question.path, [question.group] if question.group else ())
    rows = rows_of(
        frame,
        question.target,
        Path(question.path).name,
        group=question.group,
        log_target=question.log_target,
    )
    yield from _growing(rows, config, Budget(question.epochs, question.epochs))


def _growing(rows: Rows, config: RunConfig, budget: Budget) -> Iterator[Progress]:
    splits, seeds, how = judged_by(rows, config)
    y, tried = rows.in_unit(rows.y), {}
    now = Progress(())
    for some in comparing(rows.x, rows.y, splits, seeds, budget=budget, supremix=SupReMix()):
        tried |= some
        ordered = {name: tried[name] for name in SIMPLEST_FIRST if name in tried}
        lines = [
            Line(
                name,
                np.array(
                    [
                        np.abs(rows.in_unit(p) - y)[split.held].mean()
                        for p, split in zip(each.predicted, splits, strict=True)
                    ]
                ),
            )
            for name, each in ordered.items()
        ]
        now = Progress(tuple(lines), rows.notes)
        yield now
    yield replace(now, notes=(*recommend(ordered, rows.target, how), *rows.notes), done=True)


def trained(question: Question, runs: Path) -> Path:
    """A finished run of the plugin on the table."""
    return contrast.run("supremix", overrides=question.words(), runs=runs).folder


def predicted(run: Path, path: str, to: Path, coverage: float = 0.9) -> tuple[Path, str]:
    """New rows with `prediction`, `low` and `high`, written to a folder; and what was unusual.

    Raises: DataError: a column is missing, or holds text where numbers stood.
    """
    frame = read_table(path)
    found = Predictor.load(run, coverage).predict(frame, Path(path).name)
    out = to / f"{Path(path).stem}-predicted.csv"
    found.beside(frame).to_csv(out, index=False)
    return out, " ".join(found.notes)
