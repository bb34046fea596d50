"""Prompts with the weights that the rewards of their preferred responses speak for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Generator, Tensor

from contrast.engine.placement import move
from contrast.errors import ConfigError
from contrast.forms import Lists, over
from contrast.interfaces import Evaluation, Moment, Parts, Sampler, Table
from contrast_alignment.batch import pad
from contrast_alignment.orchestrator import Scale, simplex_regression, target_weights
from contrast_alignment.preferences import Preferences
from contrast_alignment.records import Record, Turns
from contrast_alignment.reward_data import hh_harmless as published
from contrast_alignment.reward_data import own_records as own
from contrast_alignment.reward_data import prompt_tokens
from contrast_alignment.rewards import grade, reward_named
from contrast_alignment.sampler import refuse_idle


@dataclass(frozen=True)
class Rewarded:
    """Records, and by which rewards their preferred responses are graded."""

    records: Preferences
    rewards: tuple[str, ...]
    temperature: float


def hh_harmless(
    generator: Generator, *, rewards: tuple[str, ...], temperature: float, **settings: Any
) -> Rewarded:
    """The published dialogues.  Raises: ConfigError: a reward is unknown, or named twice."""
    checked(rewards)
    return Rewarded(published(generator, **settings).records, rewards, temperature)


def own_records(
    generator: Generator, *, rewards: tuple[str, ...], temperature: float, **settings: Any
) -> Rewarded:
    """The user's pairs or lists.  Raises: ConfigError: a reward is unknown, or named twice."""
    checked(rewards)
    return Rewarded(own(generator, **settings).records, rewards, temperature)


def checked(rewards: tuple[str, ...]) -> None:
    """Raises: ConfigError: there is no reward, one is unknown, or one is named twice."""
    if not rewards or len(set(rewards)) < len(rewards):
        raise ConfigError(f"`data.rewards` must name rewards, each once, got {list(rewards)}")
    for name in rewards:
        reward_named(name)


@dataclass(frozen=True)
class Weighed:
    """Prompts as tokens and the weights aimed at, to train and to validate on.

    Shapes:  weights: (N, K) of the training part;  valid_weights: (N', K).
    """

    data: Rewarded
    tokenizer: Any
    train: tuple[tuple[int, ...], ...]
    valid: tuple[tuple[int, ...], ...]
    weights: Tensor
    valid_weights: Tensor
    scale: Scale


def weighed(data: Rewarded, tokenizer: Any) -> Weighed:
    """The preferred response to each prompt, graded by every reward, and what follows from it."""
    window = data.records.window
    parts = (data.records.train, data.records.valid)
    train, valid = (
        tuple(prompt_tokens(record, tokenizer, window) for record in part) for part in parts
    )
    graded, held_out = (grades_of(part, data.rewards) for part in parts)
    scale = Scale.of(graded)
    weights, others = (
        target_weights(each, scale, temperature=data.temperature) for each in (graded, held_out)
    )
    return Weighed(data, tokenizer, train, valid, weights.float(), others.float(), scale)


def grades_of(records: Sequence[Record], rewards: Sequence[str]) -> Tensor:
    """What each reward gives the best response of each record.  (N, K) float64.

    Raises: DataError: a reward gives no finite number.
    """
    rules = {name: reward_named(name) for name in rewards}
    found = torch.empty(len(records), len(rules), dtype=torch.float64)
    for row, record in zip(found, records, strict=True):
        best = max(range(len(record.grades)), key=record.grades.__getitem__)
        said = as_text(record.prompt), as_text(record.responses[best])
        for k, (name, rule) in enumerate(rules.items()):
            row[k] = grade(rule, name, *said)
    return found


def as_text(turns: Turns) -> str:
    """A text, or what messages say, a line each."""
    return turns if isinstance(turns, str) else "\n".join(each["content"] for each in turns)


@dataclass(frozen=True)
class Prompts:
    """B prompts, padded on the right, and the weights aimed at.

    Shapes:  tokens: (B, T) integer;  lengths: (B,);  weights: (B, K);  rows: (B,).
    """

    tokens: Tensor = over(0)
    lengths: Tensor = over(0)
    weights: Tensor | None = over(0)
    rows: Tensor = over(0)


class PromptSampler(Sampler):
    """Batches of prompts in a new order every epoch."""

    def __init__(self, data: Weighed, *, batch_size: int) -> None:
        self.data, self.batch_size = data, batch_size
        self.steps_per_epoch = -(-len(data.train) // batch_size)

    def draw(self, at: Moment) -> Prompts:
        """The batch of this step; with several processes, each takes its own part of it.

        Raises: ConfigError: see `contrast_alignment.sampler.refuse_idle`.
        """
        refuse_idle(len(self.data.train), self.batch_size, at)
        epoch, place = divmod(at.step, self.steps_per_epoch)
        generator = replace(at, step=epoch).shared("epoch")
        order = torch.randperm(len(self.data.train), generator=generator)
        rows = order[place * self.batch_size : (place + 1) * self.batch_size]
        return self._batch("train", rows[at.rank :: at.world_size])

    def sweep(self, split: str) -> Iterator[Prompts]:
        """Prompts of a part in order: `train` (or `all`) and `valid`."""
        count = len(self.data.valid if split == "valid" else self.data.train)
        for rows in torch.arange(count).split(self.batch_size) if count else ():
            yield self._batch(split, rows)

    def ids(self, batch: Prompts) -> list[int | str]:
        """The ids of the training records."""
        return [self.data.data.records.train[row].id for row in batch.rows.tolist()]

    def _batch(self, split: str, rows: Tensor) -> Prompts:
        valid = split == "valid"
        prompts = self.data.valid if valid else self.data.train
        weights = self.data.valid_weights if valid else self.data.weights
        tokens, lengths = pad([prompts[row] for row in rows.tolist()])
        return Prompts(tokens, lengths, weights[rows], rows)


def evaluate_weights(parts: Parts) -> Evaluation:
    """KL to the weights aimed at for held-out prompts, beside weights that see no prompt."""
    data: Weighed = parts.data
    names, notes = data.data.rewards, data.data.records.notes
    mean = data.weights.mean(0)
    if not data.valid:
        return Evaluation(notes=(*notes, "nothing is held out: nothing is evaluated"))
    first = next(parts.encoder.parameters())
    batches = (move(each, first.device, first.dtype) for each in parts.sampler.sweep("valid"))
    logits = torch.cat([parts.encoder(batch).scores.cpu() for batch in batches])
    wanted = data.valid_weights.to(logits)

    def divergence(scores: Tensor) -> float:
        return float(simplex_regression(Lists(scores.expand_as(wanted), targets=wanted)))

    metrics = {
        "kl": divergence(logits),
        "kl_of_the_mean_weights": divergence(mean.to(logits).log()),
        "kl_of_equal_weights": divergence(torch.zeros_like(logits)),
    }
    found = logits.softmax(1)
    rows = tuple(
        (
            name,
            float(data.scale.mean[k]),
            float(data.scale.deviation[k]),
            float(mean[k]),
            float(found[:, k].mean()),
            float(found[:, k].std(correction=0)),
        )
        for k, name in enumerate(names)
    )
    columns = ("objective", "mean reward", "deviation", "mean weight aimed at")
    columns = (*columns, "mean weight, held out", "deviation over prompts")
    return Evaluation(metrics, (Table("Objectives", columns, rows),), notes=notes)
