"""A trained run put to use: numbers for new rows, each with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from contrast.engine.placement import move
from contrast.errors import ConfigError, DataError
from contrast.interfaces import Parts
from contrast_supremix.conformal import margin
from contrast_supremix.data import Rows
from contrast_supremix.evaluate import predictions
from contrast_supremix.sampler import SWEEP, Batch


@dataclass(frozen=True)
class Predicted:
    """What is said of M rows, and what was unusual about them.

    Shapes:  value, low, high: (M,) in the target's unit; infinite where too few rows were held
    out;  z: (M, D) features.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    z: np.ndarray
    notes: tuple[str, ...] = ()

    def beside(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The M rows with the columns `prediction`, `low` and `high` behind their own.

        A row's own column of such a name stays: ours is then `predicted_low`, and so on.
        """
        said = {"prediction": self.value, "low": self.low, "high": self.high}
        for name, values in said.items():
            free = name
            while free in frame.columns:
                free = f"predicted_{free}"
            frame = frame.assign(**{free: values})
        return frame


class Predictor:
    """Predicts new samples of the kind that a run was trained on."""

    def __init__(self, parts: Parts, coverage: float = 0.9) -> None:
        self.parts, self.data = parts, parts.data
        if int(parts.encoder.fingerprint) != self.data.fingerprint:
            raise DataError(
                f"the rows of {self.data.name} are not those that the run was trained on: the file "
                "has changed since. Train again, or bring the old file back."
            )
        held = self.data.split.held
        errors = np.abs(predictions(parts, "held") - self.data.y[held])
        self.margin = margin(errors, coverage)  # in the unit that is learnt

    @classmethod
    def load(cls, run: Path | str, coverage: float = 0.9) -> Predictor:
        """The predictor of a finished run of this plugin.

        Raises: ContrastError: no such run, a run of another plugin, or data that have changed.
        """
        import contrast

        parts = contrast.load(run)
        if not isinstance(parts.data, Rows):
            raise ConfigError(f"{run} is no run of the plugin `supremix` with its data")
        return cls(parts, coverage)

    def predict(self, frame: pd.DataFrame, source: str = "the table") -> Predicted:
        """Predictions and intervals of new rows; further columns are ignored.

        Rows are read as those of the training were: of images and texts the columns of file names
        and of text are looked at, of series the long table is.

        Intervals cover new rows of the same kind with the asked probability, by the errors of the
        held-out rows: rows of other times or places may be covered less often.
        Raises: DataError: a column is missing, or holds text where numbers stood.
        """
        return self._predicted(*self.data.reader.matrix(frame, source))

    def predict_file(self, path: Path | str) -> tuple[pd.DataFrame, Predicted]:
        """The same for a file: a table, a folder of images, or an .npz of series; before it a
        table with a row a prediction.

        Raises: DataError: the file cannot be read; see `predict`.
        """
        frame, x, notes = self.data.reader.read(Path(path))
        return frame, self._predicted(x, notes)

    @torch.no_grad()
    def _predicted(self, x: np.ndarray, notes: tuple[str, ...]) -> Predicted:
        sampler, encoder = self.parts.sampler, self.parts.encoder
        first = next(encoder.parameters())
        said, z = [], []
        for some in torch.from_numpy(sampler.scaling(x)).split(SWEEP):
            none = torch.zeros(len(some))
            batch = move(Batch(some, none, none, none.long()), first.device, first.dtype)
            said.append(encoder.predict(batch.x).double().cpu())
            z.append(encoder.embed(batch)["z"].float().cpu())
        y = sampler.scale.target(torch.cat(said).numpy())
        unit = self.data.in_unit
        low, high = unit(y - self.margin), unit(y + self.margin)
        return Predicted(unit(y), low, high, torch.cat(z).numpy(), notes)
