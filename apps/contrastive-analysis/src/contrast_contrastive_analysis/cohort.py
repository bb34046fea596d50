"""A finished SepCLR run, opened for looking: its samples, and whom each is near to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from contrast.data.files import IMAGES
from contrast.data.tables import TABLES
from contrast.errors import DataError
from contrast.reporting.search import find
from contrast.reporting.serving import check_finished

if TYPE_CHECKING:
    from contrast_sepclr import Analysis
    from contrast_sepclr.analysis import Among, Near, Sample

PLUGIN = "sepclr"
OPENS = {  # by kind of data: what a file of one's own may be
    "table": [*TABLES, ".h5ad"],
    "volume": [".nii", ".gz"],
}


@dataclass(frozen=True)
class Shelf:
    """The neighbours of a sample in a space, and of how many of them each factor is the same."""

    space: str
    near: list[Near]
    alike: list[tuple[str, int]]


class Cohort:
    """The N samples of a run, targets of the test before all others."""

    def __init__(self, name: str, analysis: Analysis) -> None:
        self.name, self.analysis, self.data = name, analysis, analysis.data
        target = self.data.is_target.numpy()
        tested = np.isin(np.arange(len(target)), self.data.test.numpy())
        self.order = np.flatnonzero(target)[np.argsort(~tested[target], kind="stable")]
        self.ids = [str(id) for id in self.data.ids]
        self.picture = lru_cache(maxsize=4096)(self._picture)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def pictured(self) -> bool:
        """Whether samples can be shown: rows of a table cannot."""
        return self.data.kind != "table"

    @property
    def opens(self) -> list[str]:
        """The suffixes of files that a new sample may come from."""
        return OPENS.get(self.data.kind, [*IMAGES])

    @property
    def first(self) -> Sample:
        """The sample that a visit begins with: a target of the test."""
        return self.analysis.of_row(int(self.order[0]))

    @property
    def kinds(self) -> list[str]:
        """What targets may be narrowed down to: each class of each factor."""
        return [f"{f.name}: {each}" for f in self.data.factors for each in f.classes]

    def targets(self, kind: str = "", text: str = "") -> list[int]:
        """Rows of targets, of one of the `kinds` or of all, by id where something is typed."""
        rows = self.order.tolist()
        if kind:
            name, _, value = kind.partition(": ")
            rows = [row for row in rows if (name, value) in self.analysis.known(row)]
        if text.strip():
            names = [self.ids[row] for row in rows]
            rows = [rows[place] for place in find(text, names, names, limit=len(rows))]
        return rows

    def shelf(self, sample: Sample, space: str, k: int, among: Among) -> Shelf:
        """The k nearest of a sample in a space, and what they share with it."""
        near = self.analysis.nearest(sample, space, k, among)
        known = dict(self.known(sample))
        classes = {factor.name for factor in self.data.factors if factor.classes}
        alike = [
            (name, sum(dict(self.analysis.known(each.row)).get(name) == value for each in near))
            for name, value in known.items()
            if name in classes
        ]
        return Shelf(space, near, alike)

    def known(self, sample: Sample) -> list[tuple[str, str]]:
        """What is known of a sample: nothing of a new one."""
        return [] if sample.row is None else self.analysis.known(sample.row)

    def of_id(self, id: str) -> Sample:
        """The sample of this id.

        Raises: DataError: there is none; the message says what ids look like.
        """
        if id.strip() not in self.ids:
            some = ", ".join(self.ids[row] for row in self.order[:3])
            raise DataError(f"no sample has the id `{id.strip()}`; ids look like {some}")
        return self.analysis.of_row(self.ids.index(id.strip()))

    def read(self, path: str) -> Sample:
        """A new sample from a file, the first where it holds several.

        Raises: DataError: it cannot be read as the run's own samples were.
        """
        return self.analysis.read(path)[0]

    def picture_of(self, sample: Sample) -> str:
        """A new sample, or one of the run, as a PNG in text."""
        return self._drawn(sample.x) if sample.row is None else self.picture(sample.row)

    @property
    def small(self) -> bool:
        """Whether pictures are so small that their pixels should stay squares."""
        from contrast_sepclr.pictures import SMALL

        return self.data.x.shape[-1] < SMALL

    def _picture(self, row: int) -> str:
        return self._drawn(self.data.x[row])

    def _drawn(self, x) -> str:
        from contrast_sepclr.pictures import data_uri

        return data_uri(x) if self.pictured else ""


def alike(values: Sequence[tuple[str, str]], others: Sequence[tuple[str, str]]) -> set[str]:
    """The names whose value is the same in both."""
    return {name for name, value in values if (name, value) in others}


def open_run(folder: Path) -> Cohort:
    """The run in this folder.

    Raises: RunFolderError: it is no run folder, or the run is not finished;
    ConfigError: it is a run of another plugin;  DataError: its data are gone.
    """
    check_finished(folder, PLUGIN, "the contrastive analysis")
    from contrast_sepclr import Analysis

    return Cohort(folder.resolve().name, Analysis.load(folder))
