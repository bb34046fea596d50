"""Who is compared with whom: responses to one prompt; and pieces of text, which nobody judges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from contrast.errors import ConfigError
from contrast.interfaces import Moment, Sampler
from contrast_alignment.batch import Batch, Item, collate, pad
from contrast_alignment.reference import Cached

BUCKET = 8  # batches whose prompts are sorted by length together


class ListSampler(Sampler):
    """Batches of prompts with their responses, those of similar length together.

    The responses of a prompt come in a new order every time, since ranks among equal scores follow
    the order of the list. `mismatched` gives with each prompt another one of the batch.
    """

    def __init__(
        self,
        train: Sequence[Item],
        valid: Sequence[Item],
        *,
        batch_size: int,
        mismatched: bool = False,
    ) -> None:
        self.items = {"train": train, "valid": valid, "all": train}
        self.batch_size, self.mismatched = batch_size, mismatched
        self.steps_per_epoch = max(-(-len(train) // batch_size), 1)
        self.reference: Cached | None = None
        self._plan: tuple[int, list[Tensor]] = (-1, [])

    def draw(self, at: Moment) -> Batch:
        """The batch of this step; with several processes, each takes its own part of it.

        Raises: ConfigError: see `refuse_idle`.
        """
        refuse_idle(len(self.items["train"]), self.batch_size, at)
        rows = self._batches(at)[at.step % self.steps_per_epoch][at.rank :: at.world_size]
        batch = self._collate("train", rows)
        order = torch.rand(batch.grades.shape, generator=at.local("order")).argsort(1)
        batch = reordered(batch, order)
        return self._mismatch(batch, rows) if self.mismatched else batch

    def sweep(self, split: str) -> Iterator[Batch]:
        """Batches of a part in order: `train` (or `all`) and `valid`."""
        items = self.items[split]
        for rows in torch.arange(len(items)).split(self.batch_size) if items else ():
            yield self._collate(split, rows)

    def ids(self, batch: Batch) -> list[int | str]:
        """The ids of the training items."""
        return [self.items["train"][row].id for row in batch.rows.tolist()]

    def _collate(self, split: str, rows: Tensor) -> Batch:
        batch = collate([self.items[split][row] for row in rows.tolist()], rows)
        if self.reference is None:
            return batch
        known = self.reference.values["train" if split == "all" else split]
        return replace(batch, reference=known[rows, : batch.grades.shape[1]])

    def _mismatch(self, batch: Batch, rows: Tensor) -> Batch:
        """The batch with the prompt of another of its items for each; one alone borrows one."""
        items = self.items["train"]
        others = rows.roll(1) if len(rows) > 1 else (rows + 1) % len(items)
        prompt, length = pad([items[row].prompt for row in others.tolist()])
        return replace(batch, other=prompt, other_length=length)

    def _batches(self, at: Moment) -> list[Tensor]:
        """The rows of each batch of this epoch."""
        epoch = at.step // self.steps_per_epoch
        if self._plan[0] != epoch:
            generator = replace(at, step=epoch).shared("epoch")
            lengths = torch.tensor([len(item) for item in self.items["train"]])
            self._plan = epoch, bucketed(lengths, self.batch_size, generator)
        return self._plan[1]


def refuse_idle(count: int, size: int, at: Moment) -> None:
    """Raises: ConfigError: an epoch's last batch has fewer prompts than there are processes."""
    last = (count - 1) % size + 1
    if last < at.world_size:
        raise ConfigError(
            f"`sampler.batch_size` {size} leaves {last} of {count} prompts to the last batch of an "
            f"epoch, too few for {at.world_size} processes: choose another"
        )


def bucketed(lengths: Tensor, size: int, generator: torch.Generator) -> list[Tensor]:
    """Rows in random batches of similar length: sorted within spans of a random order.

    The last batch, which may be short, stays the last one of its span.
    """
    order = torch.randperm(len(lengths), generator=generator)
    spans = [span[lengths[span].argsort(stable=True)] for span in order.split(BUCKET * size)]
    batches = [batch for span in spans for batch in span.split(size)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def reordered(batch: Batch, order: Tensor) -> Batch:
    """The batch with the responses of each prompt in another order, (B, K)."""

    def turn(values: Tensor | None) -> Tensor | None:
        if values is None:
            return None
        index = order if values.ndim == 2 else order[:, :, None].expand_as(values)
        return values.gather(1, index)

    fields = ("responses", "exists", "scored", "grades", "reference")
    return replace(batch, **{name: turn(getattr(batch, name)) for name in fields})


@dataclass(frozen=True)
class Crops:
    """Tokens of a text, and how long a piece of it is."""

    train: Tensor
    valid: Tensor
    length: int


class CropSampler(Sampler):
    """Random pieces of a text; the first token is the prompt, the rest is to be predicted."""

    def __init__(self, crops: Crops, *, batch_size: int) -> None:
        self.crops, self.batch_size = crops, batch_size
        self.steps_per_epoch = max(len(crops.train) // (batch_size * crops.length), 1)

    def draw(self, at: Moment) -> Batch:
        """Pieces that begin anywhere."""
        count, length = len(self.crops.train), self.crops.length
        starts = torch.randint(
            count - length + 1, (self.batch_size,), generator=at.shared("starts")
        )
        return pieces(self.crops.train, starts[at.rank :: at.world_size], length)

    def sweep(self, split: str) -> Iterator[Batch]:
        """Pieces one after the other; the rest of the text that is shorter is left out."""
        text = self.crops.valid if split == "valid" else self.crops.train
        length = self.crops.length
        for starts in torch.arange(0, len(text) - length + 1, length).split(self.batch_size):
            yield pieces(text, starts, length)

    def ids(self, batch: Batch) -> list[int | str]:
        """Where in the text each piece begins."""
        return batch.rows.tolist()


def pieces(text: Tensor, starts: Tensor, length: int) -> Batch:
    """The pieces of a text that begin at these places."""
    found = text[starts[:, None] + torch.arange(length)]
    response = found[:, None, 1:]
    all_of_it = torch.ones_like(response, dtype=torch.bool)
    ones = torch.ones(len(starts), 1)
    return Batch(
        found[:, :1],
        torch.ones_like(starts),
        response,
        all_of_it,
        all_of_it,
        ones,
        starts,
        dense=True,
    )
