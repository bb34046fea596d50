"""A finished run put to use: the nearest samples of any sample, new ones too, in each space.

analysis = Analysis.load("runs/sepclr-folders-seed0")
analysis.nearest(analysis.of_row(17), "salient", k=5)
analysis.nearest(analysis.read("new.png")[0], "common", k=5, among="background")
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from contrast.engine.placement import move
from contrast.errors import ConfigError
from contrast.interfaces import Parts
from contrast_sepclr.data import Groups
from contrast_sepclr.evaluate import SPACES, embed
from contrast_sepclr.sampler import SWEEP, Batch

Among = Literal["targets", "background", "all"]


@dataclass(frozen=True)
class Sample:
    """One sample in both spaces: a row of the run, or a new one.

    Shapes:  x: as one sample of `Groups`;  z: (D,) of each space.
    """

    name: str
    x: Tensor
    z: dict[str, Tensor]
    row: int | None = None


@dataclass(frozen=True)
class Near:
    """A row of the run and its Euclidean distance in the space that was asked."""

    row: int
    distance: float


class Analysis:
    """The samples of a run in both spaces, and its encoders for new ones."""

    def __init__(self, parts: Parts) -> None:
        self.data: Groups = parts.data
        self.encoder = parts.encoder.eval()
        with torch.no_grad():
            self.z = embed(parts)

    @classmethod
    def load(cls, run: Path | str) -> Analysis:
        """The analysis of a run of this plugin.

        Raises: ContrastError: no such run, a run of another plugin, or data that are gone.
        """
        import contrast

        parts = contrast.load(run)
        if not isinstance(parts.data, Groups):
            raise ConfigError(f"{run} is no run of the plugin `sepclr` with its data")
        return cls(parts)

    def of_row(self, row: int) -> Sample:
        """A sample of the run by its row number."""
        z = {space: self.z[space][row] for space in SPACES}
        return Sample(str(self.data.ids[row]), self.data.x[row], z, row)

    def read(self, path: Path | str) -> list[Sample]:
        """New samples from a file, read as the run's own were: an image or a folder of them, a
        volume, or a table with the run's columns.

        Raises: DataError: it cannot be read, or a column is missing.
        """
        x, names = self.data.read(path)
        like, found = next(self.encoder.parameters()), []
        for part in x.split(SWEEP):
            none = torch.zeros(len(part), dtype=torch.long)
            batch = move(Batch(part, none.bool(), none), like.device, like.dtype)
            with torch.no_grad():
                found.append(self.encoder.embed(batch))
        z = {space: torch.cat([each[space] for each in found]).float().cpu() for space in SPACES}
        return [
            Sample(name, x[i], {space: z[space][i] for space in SPACES})
            for i, name in enumerate(names)
        ]

    def nearest(
        self, sample: Sample, space: str, k: int = 5, among: Among = "targets"
    ) -> list[Near]:
        """The k nearest rows of the run in a space, nearest first, never the sample itself.

        `among="background"` in the common space finds who is alike but for what is looked for.

        Raises: ConfigError: no such space or group.
        """
        if space not in SPACES or among not in get_args(Among):
            raise ConfigError(
                f"space must be one of {SPACES}, among one of {get_args(Among)}, "
                f"got {space!r} and {among!r}"
            )
        rows = self.rows(among)
        if sample.row is not None:
            rows = rows[rows != sample.row]
        distance = np.linalg.norm((self.z[space][rows] - sample.z[space]).numpy(), axis=1)
        order = distance.argsort(kind="stable")[:k]
        return [Near(int(rows[place]), float(distance[place])) for place in order]

    def rows(self, among: Among) -> np.ndarray:
        """The row numbers of a group."""
        target = self.data.is_target.numpy()
        kept = {"targets": target, "background": ~target, "all": np.ones_like(target)}[among]
        return np.flatnonzero(kept)

    def known(self, row: int) -> list[tuple[str, str]]:
        """What is known of a row: its group, and each factor with its value in words."""
        found = [("group", "target" if self.data.is_target[row] else "background")]
        for factor in self.data.factors:
            if factor.known[row]:
                value = factor.values[row]
                found.append(
                    (factor.name, factor.classes[value] if factor.classes else f"{value:g}")
                )
        return found
