"""Histories as they are predicted from, each with two augmented views; no prefix is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Generator, Tensor

from contrast.errors import ConfigError
from contrast.interfaces import Moment, Sampler
from contrast_mclrec.augment import Ratios, two_views
from contrast_mclrec.log import Log
from contrast_mclrec.rows import Rows

SWEEP = 1024  # histories of a batch when nothing is learnt


@dataclass(frozen=True)
class Negatives:
    """Items that stand for the catalogue in a sampled softmax.

    Shapes:  items: (K,) in 1..I;  log_expected: (K,) log of how often each was to be expected.
    """

    items: Tensor
    log_expected: Tensor


@dataclass(frozen=True)
class Batch:
    """B histories with what followed, and two views of each where the method looks at them.

    `rows` are the histories, then the first views, then the second ones: B or 3B rows; the 2B
    views alone are `views`, for passes that need nothing else.

    Shapes:  users, targets: (B,) integer; a target is 0 where nothing is predicted.
    """

    rows: Rows
    users: Tensor
    targets: Tensor
    views: Rows | None = None
    negatives: Negatives | None = None


class HistorySampler(Sampler):
    """Draws batches of the events to be predicted, in a new random order every epoch.

    The last batch of an epoch may be smaller. A history is cut to its last `max_length` items.
    With `views=False` no history is augmented.
    """

    def __init__(
        self,
        data: Log,
        *,
        generator: Generator,
        batch_size: int = 256,
        max_length: int = 50,
        crop: float = 0.5,
        mask: float = 0.5,
        reorder: float = 0.8,
        mask_token: bool = False,
        negatives: int = 0,
        negative_power: float = 0.0,
        views: bool = True,
    ) -> None:
        self.data, self.batch_size, self.max_length = data, batch_size, max_length
        self.ratios = Ratios(crop, mask, reorder, data.catalogue + 1 if mask_token else 0)
        self.views = views
        self.steps_per_epoch = -(-len(data.split.train) // batch_size)
        self.items = torch.from_numpy(data.items)
        self.negatives = negatives
        if negatives:
            self.log_chance = log_chances(data.popularity[1:], negative_power)
        self._order: tuple[tuple[int, int], Tensor] | None = None  # of the last epoch drawn from

    def draw(self, at: Moment) -> Batch:
        """The batch of this step; with several processes, each takes its own part of it.

        Raises: ConfigError: an epoch's last batch has fewer histories than there are processes.
        """
        last = len(self.data.split.train) - (self.steps_per_epoch - 1) * self.batch_size
        if last < at.world_size:
            raise ConfigError(
                f"`sampler.batch_size` {self.batch_size} leaves {last} histories to the last batch "
                f"of an epoch, too few for {at.world_size} processes: choose another"
            )
        order = self.order(at)
        begin = at.step % self.steps_per_epoch * self.batch_size
        chosen = order[begin : begin + self.batch_size][at.rank :: at.world_size]
        return self.batch(self.data.split.train[chosen.numpy()], at)

    def order(self, at: Moment) -> Tensor:
        """The order of this epoch's events."""
        first = at.step - at.step % self.steps_per_epoch
        if self._order is None or self._order[0] != (at.seed, first):
            epoch = replace(at, step=first).shared("order")
            order = torch.randperm(len(self.data.split.train), generator=epoch)
            self._order = (at.seed, first), order
        return self._order[1]

    def batch(self, positions: np.ndarray, at: Moment | None = None) -> Batch:
        """The histories before these events; augmented where a moment gives randomness."""
        users = self.data.owner(positions)
        items, lengths = self.histories(self.data.starts[users], positions)
        targets = self.items[positions].long()
        made = Batch(Rows.of(items, lengths), torch.from_numpy(users), targets)
        if at is None:
            return made
        if self.negatives:
            made = replace(made, negatives=self.draw_negatives(at.shared("negatives")))
        if not self.views:
            return made
        seen, sizes = two_views(items, lengths, self.ratios, at.local("views"))
        everything = Rows.of(torch.cat([items, seen]), torch.cat([lengths, sizes]))
        return replace(made, rows=everything, views=Rows.of(seen, sizes))

    def histories(self, starts: np.ndarray, ends: np.ndarray) -> tuple[Tensor, Tensor]:
        """The last items of each range, (B, L) with zeros behind the end, and lengths (B,)."""
        begins = torch.from_numpy(np.maximum(starts, ends - self.max_length))
        lengths = torch.from_numpy(ends) - begins
        place = torch.arange(int(lengths.max()))
        items = self.items[(begins[:, None] + place).clamp(max=len(self.items) - 1)].long()
        return items.masked_fill(place >= lengths[:, None], 0), lengths

    def draw_negatives(self, generator: Generator) -> Negatives:
        """Items drawn with replacement, uniformly or by popularity to a power."""
        drawn = torch.multinomial(
            self.log_chance.exp(), self.negatives, replacement=True, generator=generator
        )
        return Negatives(drawn + 1, self.log_chance[drawn] + np.log(self.negatives))

    def sweep(self, split: str) -> Iterator[Batch]:
        """Every user's whole history (`all`), or the histories that a part is predicted from."""
        if split != "all":
            positions = getattr(self.data.split, split)
            for begin in range(0, len(positions), SWEEP):
                yield self.batch(positions[begin : begin + SWEEP])
            return
        starts = self.data.starts
        for begin in range(0, self.data.users, SWEEP):
            users = np.arange(begin, min(begin + SWEEP, self.data.users))
            rows = Rows.of(*self.histories(starts[users], starts[users + 1]))
            yield Batch(rows, torch.from_numpy(users), torch.zeros(len(users), dtype=torch.long))

    def ids(self, batch: Batch) -> list[int | str]:
        """The ids of the users."""
        return [self.data.user_ids[user] for user in batch.users.tolist()]

    def split(self, batch: Batch, size: int) -> list[Batch]:
        """The batch in parts of at most `size` histories, each with its views."""
        B, (items, lengths) = len(batch.users), batch.rows.padded()
        parts = []
        for own in torch.arange(B).split(size):
            rows = torch.cat([own + B * block for block in range(len(batch.rows) // B)])
            views = None if batch.views is None else _taken(batch.views, B, own)
            parts.append(
                replace(
                    batch,
                    rows=Rows.of(items[rows], lengths[rows]),
                    users=batch.users[own],
                    targets=batch.targets[own],
                    views=views,
                )
            )
        return parts


histories = partial(HistorySampler, views=False)  # for a method that augments nothing


def _taken(rows: Rows, B: int, own: Tensor) -> Rows:
    items, lengths = rows.padded()
    both = torch.cat([own, own + B])
    return Rows.of(items[both], lengths[both])


def log_chances(popularity: np.ndarray, power: float) -> Tensor:
    """The log-probability of each item to be drawn: popularity to a power, 0 counted as 1."""
    logs = power * torch.from_numpy(np.maximum(popularity, 1)).double().log()
    return logs.log_softmax(0).float()
