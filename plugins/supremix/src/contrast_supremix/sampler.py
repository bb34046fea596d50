"""Batches of rows in a new random order every epoch, scaled by what the training rows show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor

from contrast.forms import Form
from contrast.interfaces import Moment, Sampler
from contrast_supremix.data import Rows
from contrast_supremix.form import Ordered
from contrast_supremix.kinds import KINDS
from contrast_supremix.scaling import TargetScale

SWEEP = 1024  # samples of a batch when nothing is learnt


@dataclass(frozen=True)
class Batch:
    """B samples, scaled.

    Shapes:  x: (B, ...) of their kind;  y: (B,) standardised;  labels: (B,) in label units;
    rows: (B,) numbers.
    """

    x: Tensor
    y: Tensor
    labels: Tensor
    rows: Tensor


class RowSampler(Sampler):
    """The training rows in batches that differ by one row at most in size."""

    def __init__(self, data: Rows, *, generator: Generator, batch_size: int = 64) -> None:
        self.data, train = data, data.split.train
        self.scaling = KINDS[data.kind].scaling(data.x, train)
        self.scale = TargetScale.of(data.y[train])
        self.x = torch.from_numpy(self.scaling(data.x))
        self.y = torch.from_numpy(self.scale.standardised(data.y)).float()
        self.labels = torch.from_numpy(self.scale.labels(data.y)).float()
        self.steps_per_epoch = batch_count(len(train), batch_size)
        self._order: tuple[tuple[str, int, int], Tensor] | None = None  # of the last epoch drawn

    def draw(self, at: Moment) -> Batch:
        """The batch of this step; with several processes, each takes its own part of it."""
        place = at.step % self.steps_per_epoch
        order = self.order(replace(at, step=at.step - place))
        size, longer = divmod(len(order), self.steps_per_epoch)
        begin = place * size + min(place, longer)
        chosen = order[begin : begin + size + (place < longer)][at.rank :: at.world_size]
        return self.batch(self.data.split.train[chosen.numpy()])

    def order(self, at: Moment) -> Tensor:
        """The order of the rows in the epoch that begins at this moment."""
        epoch = at.stage, at.seed, at.step
        if self._order is None or self._order[0] != epoch:
            n = len(self.data.split.train)
            self._order = epoch, torch.randperm(n, generator=at.shared("order"))
        return self._order[1]

    def batch(self, rows: np.ndarray) -> Batch:
        """These rows."""
        own = torch.from_numpy(rows)
        return Batch(self.x[own], self.y[own], self.labels[own], own)

    def relate(self, form: Form, at: Moment) -> Form:
        """Where the randomness of mixtures comes from, alike on every rank."""
        return replace(form, moment=(at.seed, at.step)) if isinstance(form, Ordered) else form

    def sweep(self, split: str) -> Iterator[Batch]:
        """`train`, `valid`, `held`, or all rows in their order."""
        rows = np.arange(len(self.data)) if split == "all" else getattr(self.data.split, split)
        for begin in range(0, len(rows), SWEEP):
            yield self.batch(rows[begin : begin + SWEEP])

    def ids(self, batch: Batch) -> list[int | str]:
        """The rows' numbers in their file from 0, or the samples' names."""
        return [self.data.ids[row] for row in batch.rows.tolist()]


def batch_count(rows: int, size: int) -> int:
    """Batches of an epoch, of so many rows at most; one more before a row would be alone."""
    return max(min(-(-rows // size), rows // 2), 1)
