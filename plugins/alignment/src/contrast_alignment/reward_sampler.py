"""Who is compared with whom by a reward model: whole conversations about one prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from contrast.forms import over
from contrast.interfaces import Moment, Sampler
from contrast_alignment.batch import Item
from contrast_alignment.reward_data import Judged
from contrast_alignment.sampler import bucketed, refuse_idle


@dataclass(frozen=True)
class Conversations:
    """B prompts, each with up to K whole conversations, padded on the right.

    Shapes:  tokens: (B, K, T) integer;  exists: (B, K) bool;  grades: (B, K);  rows: (B,) place of
    each item;  strength: (B, K) mean reward of the voters.
    """

    tokens: Tensor = over(0)
    exists: Tensor = over(0)
    grades: Tensor = over(0)
    rows: Tensor = over(0)
    strength: Tensor | None = over(0, default=None)


def conversations(items: Sequence[Item], pad: int, rows: Tensor | None = None) -> Conversations:
    """Items as one batch; where nothing is said stands the padding token."""
    alternatives = max(len(item.responses) for item in items)
    width = max(len(item.prompt) + len(each) for item in items for each in item.responses)
    tokens = torch.full((len(items), alternatives, width), pad)
    exists = torch.zeros(len(items), alternatives, dtype=torch.bool)
    grades = torch.zeros(len(items), alternatives)
    for i, item in enumerate(items):
        for k, response in enumerate(item.responses):
            whole = torch.tensor((*item.prompt, *response))
            tokens[i, k, : len(whole)] = whole
        exists[i, : len(item.responses)] = True
        grades[i, : len(item.grades)] = torch.tensor(item.grades)
    return Conversations(tokens, exists, grades, torch.arange(len(items)) if rows is None else rows)


class RewardSampler(Sampler):
    """Batches of prompts with their responses, those of similar length together."""

    def __init__(self, data: Judged, *, batch_size: int, drawn_prompts: int) -> None:
        task = data.task
        self.items = {"train": task.train, "valid": task.valid, "elsewhere": data.elsewhere}
        self.items["all"] = task.train
        self.own, self.pad = data.drawn, task.tokenizer.pad_token_id
        self.batch_size, self.drawn_prompts = batch_size, drawn_prompts
        self.steps_per_epoch = -(-len(task.train) // batch_size)
        self.lengths = torch.tensor([len(item) for item in task.train])
        self.strength = data.texts.strength

    def draw(self, at: Moment) -> Conversations:
        """The batch of this step; with several processes, each takes its own part of it.

        Raises: ConfigError: see `refuse_idle`.
        """
        refuse_idle(len(self.lengths), self.batch_size, at)
        epoch, place = divmod(at.step, self.steps_per_epoch)
        plan = bucketed(self.lengths, self.batch_size, replace(at, step=epoch).shared("epoch"))
        return self._batch("train", plan[place][at.rank :: at.world_size])

    def drawn(self, at: Moment) -> Conversations:
        """Responses of the policy's own to some prompts, the same on every rank."""
        order = torch.randperm(len(self.own), generator=at.shared("drawn"))
        return conversations([self.own[i] for i in order[: self.drawn_prompts].tolist()], self.pad)

    def sweep(self, split: str) -> Iterator[Conversations]:
        """Batches of a part in order: `train` (or `all`), `valid`, `elsewhere`."""
        items = self.items[split]
        for rows in torch.arange(len(items)).split(4 * self.batch_size) if items else ():
            yield self._batch(split, rows)

    def ids(self, batch: Conversations) -> list[int | str]:
        """The ids of the training items."""
        return [self.items["train"][row].id for row in batch.rows.tolist()]

    def _batch(self, split: str, rows: Tensor) -> Conversations:
        batch = conversations([self.items[split][row] for row in rows.tolist()], self.pad, rows)
        if self.strength is None or split not in ("train", "all"):
            return batch
        strength = torch.zeros_like(batch.grades)
        for i, row in enumerate(rows.tolist()):
            strength[i, : len(self.strength[row])] = torch.tensor(self.strength[row])
        return replace(batch, strength=strength)
