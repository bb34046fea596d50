"""Batches of both groups: in their natural shares, or half and half."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from contrast.errors import DataError
from contrast.interfaces import Moment, Sampler
from contrast_sepclr.data import Groups, attributes_of

SWEEP = 512  # samples of a batch when nothing is learnt


@dataclass(frozen=True)
class Batch:
    """B samples.

    Shapes:  x: (B, ...) as in `Groups`;  is_target: (B,) bool;  rows: (B,) numbers;
    views: two of (B, ...), or None until they are drawn;  attributes, known: (B, K), what
    `attributes_of` gives, 0 where it is not known; None of new samples.
    """

    x: Tensor
    is_target: Tensor
    rows: Tensor
    views: tuple[Tensor, Tensor] | None = None
    attributes: Tensor | None = None
    known: Tensor | None = None


class GroupSampler(Sampler):
    """The training samples of both groups; an epoch is as many batches as fit into all of them.

    `natural` goes through all of them in a new order an epoch, without the last, shorter batch.
    `balanced` draws half a batch of each group: a small group is drawn again and again, in a new
    order each time, so that one of a thousandth's size is in every batch.
    """

    def __init__(
        self, data: Groups, *, generator: Generator, batch_size: int = 256, mix: str = "natural"
    ) -> None:
        self.data, self.mix = data, mix
        self.attributes, self.known = _columns(data)
        among = data.is_target[data.train]
        self.groups = data.train[~among], data.train[among]
        if not all(map(len, self.groups)):
            raise DataError(f"{data.name}: one group has no sample to learn from")
        self.size = min(batch_size, len(data.train))
        self.steps_per_epoch = max(len(data.train) // self.size, 1)

    def draw(self, at: Moment) -> Batch:
        """The batch of this step; with several processes, each takes its own part of it."""
        chosen = self._balanced(at) if self.mix == "balanced" else self._natural(at)
        return self.batch(chosen[at.rank :: at.world_size])

    def _natural(self, at: Moment) -> Tensor:
        place = at.step % self.steps_per_epoch
        order = _order(self.data.train, replace(at, step=at.step - place), "order")
        return order[place * self.size : (place + 1) * self.size]

    def _balanced(self, at: Moment) -> Tensor:
        half = self.size // 2
        parts = [
            _stretch(group, at, f"order of {name}", count)
            for group, name, count in zip(
                self.groups, ("background", "target"), (self.size - half, half), strict=True
            )
        ]
        return torch.cat(parts)

    def batch(self, rows: Tensor) -> Batch:
        """These rows."""
        x, is_target = self.data.x[rows], self.data.is_target[rows]
        return Batch(x, is_target, rows, None, self.attributes[rows], self.known[rows])

    def sweep(self, split: str) -> Iterator[Batch]:
        """`train`, `test`, or all rows in their order."""
        rows = torch.arange(len(self.data)) if split == "all" else getattr(self.data, split)
        yield from map(self.batch, rows.split(SWEEP))

    def ids(self, batch: Batch) -> list[int | str]:
        """The samples' names or numbers."""
        return [self.data.ids[row] for row in batch.rows.tolist()]


def _columns(data: Groups) -> tuple[Tensor, Tensor]:
    """The attributes as numbers and whether they are known, both (N, K)."""
    values, known = torch.zeros(len(data), 0), torch.zeros(len(data), 0, dtype=torch.bool)
    for factor in attributes_of(data):
        own = torch.from_numpy(factor.known)[:, None]
        column = torch.from_numpy(factor.values).float()[:, None].where(own, 0)
        values, known = torch.cat([values, column], 1), torch.cat([known, own], 1)
    return values, known


def _order(rows: Tensor, at: Moment, purpose: str) -> Tensor:
    return rows[torch.randperm(len(rows), generator=at.shared(purpose))]


def _stretch(rows: Tensor, at: Moment, purpose: str, count: int) -> Tensor:
    """The `count` rows of this step out of an endless row of shuffles, each seen equally often."""
    first = at.step * count
    rounds = range(first // len(rows), (first + count - 1) // len(rows) + 1)
    drawn = torch.cat([_order(rows, replace(at, step=each), purpose) for each in rounds])
    begin = first - rounds[0] * len(rows)
    return drawn[begin : begin + count]
