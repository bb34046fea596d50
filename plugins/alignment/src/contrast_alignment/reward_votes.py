"""How strong a preference is, by the votes of reward models that have not seen it.

Each voter cuts the training records into folds of its own and has one model a fold, trained on
the other folds: every record gets as many votes as there are voters, none from a model that was
trained on it. In-sample votes, as in the paper, are those of models that have learnt the labels
by heart, and say nothing where the model is small and the records are few.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from contrast.engine.placement import move
from contrast.errors import ConfigError
from contrast.files import write_atomically
from contrast.forms import Lists, over
from contrast.interfaces import Evaluation, Moment, Parts, Sampler, Table
from contrast_alignment.batch import stacked
from contrast_alignment.objectives.compared import existing, grades
from contrast_alignment.objectives.reward import votes
from contrast_alignment.reward_data import Judged, fingerprint
from contrast_alignment.reward_model import RewardModel
from contrast_alignment.reward_sampler import Conversations, conversations
from contrast_alignment.sampler import bucketed, refuse_idle
from contrast_alignment.watching import extremes

FILE = "votes.jsonl"


@dataclass(frozen=True)
class Ballots:
    """A batch of its own for every model.

    Shapes:  rows: (models * B,) place of each item.
    """

    parts: tuple[Conversations, ...]
    rows: Tensor = over(0)


class FoldSampler(Sampler):
    """Batches of records for every model, from all folds but one."""

    def __init__(
        self, data: Judged, *, generator: Generator, batch_size: int, voters: int, folds: int
    ) -> None:
        self.items, self.pad = data.task.train, data.task.tokenizer.pad_token_id
        self.batch_size = batch_size
        count = len(self.items)
        if count < folds:
            raise ConfigError(
                f"{count} training records make no {folds} folds: see `sampler.folds`"
            )
        orders = torch.stack([torch.randperm(count, generator=generator) for _ in range(voters)])
        self.fold = orders % folds  # (voters, N), the fold in which each voter holds a record out
        self.lengths = torch.tensor([len(item) for item in self.items])
        least = min(len(rows) for rows in self.trained_on())
        self.steps_per_epoch = -(-least // batch_size)

    def trained_on(self) -> list[Tensor]:
        """The rows that each model is trained on: one model a fold, voter after voter."""
        folds = int(self.fold.max()) + 1
        return [(fold != k).nonzero()[:, 0] for fold in self.fold for k in range(folds)]

    def held_out(self) -> list[Tensor]:
        """The rows that each model votes on."""
        folds = int(self.fold.max()) + 1
        return [(fold == k).nonzero()[:, 0] for fold in self.fold for k in range(folds)]

    def draw(self, at: Moment) -> Ballots:
        """The batch of every model; with several processes, each takes its own part of it.

        Raises: ConfigError: see `contrast_alignment.sampler.refuse_idle`.
        """
        epoch, place = divmod(at.step, self.steps_per_epoch)
        then, parts = replace(at, step=epoch), []
        for i, rows in enumerate(self.trained_on()):
            refuse_idle(len(rows), self.batch_size, at)
            plan = bucketed(self.lengths[rows], self.batch_size, then.shared(f"epoch of {i}"))
            parts.append(self.batch(rows[plan[place]][at.rank :: at.world_size]))
        return Ballots(tuple(parts), torch.cat([part.rows for part in parts]))

    def sweep(self, split: str) -> Iterator[Conversations]:
        """Training records in order, whatever the split: they are what is voted on."""
        for rows in torch.arange(len(self.items)).split(4 * self.batch_size):
            yield self.batch(rows)

    def ids(self, batch: Ballots | Conversations) -> list[int | str]:
        """The ids of the records."""
        return [self.items[row].id for row in batch.rows.tolist()]

    def batch(self, rows: Tensor) -> Conversations:
        """These records."""
        return conversations([self.items[row] for row in rows.tolist()], self.pad, rows)


@dataclass(frozen=True)
class Count:
    """What the voters say of each training record.

    Shapes:  strength: (N, K) mean reward;  mean, deviation: (N,) of the difference between the
    best and the worst response, over the voters;  agreement: (N,) share of them that is above 0.
    """

    strength: Tensor
    mean: Tensor
    deviation: Tensor
    agreement: Tensor


@torch.no_grad()
def counted(parts: Parts) -> Count:
    """The votes of every model on the records that it was not trained on."""
    lists, rewards = voted(parts)
    good, bad = extremes(grades(lists), existing(lists))
    best_of, worst_of = ((rewards * each).sum(2) for each in (good, bad))  # (voters, N)
    difference = best_of - worst_of
    mean, deviation = votes(difference)
    agreement = (difference > 0).to(mean).mean(0)
    return Count(rewards.mean(0), mean, deviation, agreement)


def voted(parts: Parts) -> tuple[Lists, Tensor]:
    """The records as lists, and what each voter gives each response.  (voters, N, K)."""
    sampler: FoldSampler = parts.sampler
    batches = list(sampler.sweep("train"))
    grade, exists = (
        stacked([getattr(each, name) for each in batches]) for name in ("grades", "exists")
    )
    rewards = torch.zeros(len(sampler.fold), *grade.shape)
    folds = len(parts.encoder.voters) // len(sampler.fold)
    for i, (voter, rows) in enumerate(zip(parts.encoder.voters, sampler.held_out(), strict=True)):
        given = _given(voter, sampler, rows)
        rewards[i // folds, rows, : given.shape[1]] = given
    return Lists(rewards[0], targets=grade, mask=exists), rewards


def _given(voter: RewardModel, sampler: FoldSampler, rows: Tensor) -> Tensor:
    """What a model gives the responses of some records; 0 where none is.  (rows, K)."""
    first, mode = next(voter.parameters()), voter.training
    voter.eval()
    found = []
    for batch in map(sampler.batch, rows.split(4 * sampler.batch_size)):
        scores = voter(move(batch, first.device, first.dtype)).scores.cpu().float()
        found.append(scores.masked_fill(~batch.exists, 0))
    voter.train(mode)
    return stacked(found)


def evaluate_votes(parts: Parts, shown: int) -> Evaluation:
    """Votes against the labels, by how strong the preference is, and who is doubted most."""
    count = counted(parts)
    order = count.mean.argsort()
    tenths = [order[rows] for rows in torch.arange(len(order)).tensor_split(10) if len(rows)]
    by_strength = Table(
        "Strength of the preferences, by tenths",
        ("records", "mean difference", "deviation over voters", "votes for the label"),
        tuple(
            (
                len(rows),
                float(count.mean[rows].mean()),
                float(count.deviation[rows].mean()),
                float(count.agreement[rows].mean()),
            )
            for rows in tenths
        ),
        "From the weakest to the strongest; below 0 the voters doubt the label.",
    )
    metrics = {
        "votes_for_the_label": float(count.agreement.mean()),
        "doubted": float((count.mean < 0).to(torch.float64).mean()),
        "strength": float(count.mean.mean()),
        "deviation": float(count.deviation.mean()),
    }
    tables = (by_strength, _doubted(parts.data, count, order[:shown])) if shown else (by_strength,)
    return Evaluation(metrics, tables, notes=parts.data.task.notes)


def _doubted(data: Judged, count: Count, rows: Tensor) -> Table:
    """The records whose labels are doubted most."""
    records = data.texts.records.train
    return Table(
        "Most doubted labels",
        ("id", "mean difference", "deviation over voters", "votes for the label"),
        tuple(
            (
                records[row].id,
                float(count.mean[row]),
                float(count.deviation[row]),
                float(count.agreement[row]),
            )
            for row in rows.tolist()
        ),
    )


def write_votes(count: Count, data: Judged, path: Path) -> None:
    """A line of JSON for each training record: its id, what it says, and the votes."""
    lines = []
    for i, record in enumerate(data.texts.records.train):
        vote: dict[str, Any] = {
            "id": record.id,
            "said": fingerprint(record),
            "strength": count.strength[i, : len(record.responses)].tolist(),
            "mean": float(count.mean[i]),
            "deviation": float(count.deviation[i]),
            "for_the_label": float(count.agreement[i]),
        }
        lines.append(json.dumps(vote))
    write_atomically(path, "".join(f"{line}\n" for line in lines))
