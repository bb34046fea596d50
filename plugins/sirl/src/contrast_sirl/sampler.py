"""Who is compared with whom: answered questions about three, and answered pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from contrast.errors import ConfigError, DataError
from contrast.forms import over
from contrast.interfaces import Moment, Sampler
from contrast_sirl.human import Rule, alike, draw_people, prefers_second, reward
from contrast_sirl.questions import random_triples
from contrast_sirl.trajectories import FEWEST, Answers, Preferences, Trajectories

SWEEP = 4096  # trajectories of a batch when nothing is learnt
EPOCH = 100  # steps, for want of a natural epoch: batches are drawn anew from all answers
REWARD_EPOCH = 10  # steps on all preferences at once
TESTED = 1000  # questions that a simulated person is asked about trajectories held out


@dataclass(frozen=True)
class Batch:
    """Trajectories side by side: V = 3 for a question, 2 for a pair, 1 for a sweep.

    Shapes:  steps: (V, B, T, D);  mask: (V, B, T);  constants: (V, B, C);  rows: (B, V);
    second: (B,) for pairs.
    """

    steps: Tensor = over(1)
    mask: Tensor = over(1)
    constants: Tensor = over(1)
    rows: Tensor = over(0)
    second: Tensor | None = over(0, default=None)


class TrajectorySampler(Sampler):
    """What both samplers share: trajectories by their rows, and the sweep over all."""

    data: Trajectories

    def batch(self, rows: Tensor, second: Tensor | None = None) -> Batch:
        """The trajectories of rows (B, V), side by side."""
        at, data = rows.T, self.data
        return Batch(data.steps[at], data.mask[at], data.constants[at], rows, second)

    def sweep(self, split: str) -> Iterator[Batch]:
        """All trajectories, or those of `train` or `test`, in order."""
        known = {"train": self.data.train, "test": self.data.test}
        for rows in known.get(split, torch.arange(len(self.data))).split(SWEEP):
            yield self.batch(rows[:, None])

    def ids(self, batch: Batch) -> list[int | str]:
        """The ids of trajectories; of a question or a pair all of its, the odd one out last."""
        ids = self.data.ids
        if batch.rows.shape[1] == 1:
            return [ids[row] for row in batch.rows[:, 0].tolist()]
        return [" | ".join(str(ids[row]) for row in rows) for rows in batch.rows.tolist()]


class QuestionSampler(TrajectorySampler):
    """Batches of answered questions: people's own answers, or a simulated person's.

    Without answers in the data, `queries` random triples of training trajectories are answered by
    their true features. A share `held_out` of people's answers is kept for testing, with all others
    to the same questions; a simulated person answers new questions about the trajectories held
    out, without errors.
    """

    steps_per_epoch = EPOCH

    def __init__(
        self,
        data: Trajectories,
        *,
        generator: Generator,
        queries: int,
        batch_size: int,
        answer_rule: Rule,
        rationality: float | None,
        held_out: float,
    ) -> None:
        if len(data.train) < FEWEST:
            raise DataError(
                f"{len(data.train)} trajectories to learn from: a question shows {FEWEST}, so "
                "record more, or hold out fewer"
            )
        self.data, self.batch_size = data, batch_size
        if data.answers is not None:
            learnt, self.tested = _split(data.answers.triples, held_out, generator)
            self.answers = Answers(learnt)
        else:
            truth = features_of(data)
            asked = random_triples(data.train, queries, generator)
            answered = alike(
                truth[asked], rule=answer_rule, rationality=rationality, generator=generator
            )
            self.answers = Answers(asked.gather(1, answered))
            self.tested = _error_free(data, truth, generator)
        if not len(self.answers):
            raise DataError("no answer is left to learn from: ask more, or hold out fewer")

    def draw(self, at: Moment) -> Batch:
        """Answers without repetition; with several processes, each takes its own part of them."""
        order = torch.randperm(len(self.answers), generator=at.shared("answers"))
        rows = order[: self.batch_size][at.rank :: at.world_size]
        return self.batch(self.answers.triples[rows])


class PreferenceSampler(TrajectorySampler):
    """All answered pairs in every step: people's own, or those of one simulated person.

    A data set without preferences and without true features has none: the reward then stays 0.
    """

    steps_per_epoch = REWARD_EPOCH

    def __init__(
        self, data: Trajectories, *, generator: Generator, count: int, rationality: float | None
    ) -> None:
        self.data, self.theta = data, None
        if data.preferences is not None:
            self.preferences = data.preferences
        elif data.features is not None:
            self.theta = draw_people(1, data.features.shape[1], generator)[0]
            pairs = random_triples(data.train, count, generator)[:, :2]
            first, second = reward(data.features, self.theta)[pairs].T
            chosen = prefers_second(first, second, rationality=rationality, generator=generator)
            self.preferences = Preferences(pairs, chosen)
        else:
            self.preferences = Preferences(torch.zeros(0, 2, dtype=torch.long), torch.zeros(0))
        self._all = self.batch(self.preferences.pairs, self.preferences.second)

    def draw(self, at: Moment) -> Batch:
        """All pairs; with several processes, each takes its own part of them."""
        if at.world_size == 1:
            return self._all
        mine = slice(at.rank, None, at.world_size)
        return self.batch(self.preferences.pairs[mine], self.preferences.second[mine])


def features_of(data: Trajectories) -> Tensor:
    """The true features, which a simulated person answers by.

    Raises: ConfigError: the data have neither answers nor features.
    """
    if data.features is None:
        raise ConfigError(
            "these trajectories come without answers: give `data.answers=answers.csv`, or "
            "`data.features=features.csv` for a simulated person"
        )
    return data.features


def _split(triples: Tensor, held_out: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """Answers to learn from and to test on, such that no question stands on both sides."""
    order = torch.randperm(len(triples), generator=generator)
    question = triples[order].sort(1).values.unique(dim=0, return_inverse=True)[1]
    tested = torch.isin(question, question[: round(held_out * len(order))])
    return triples[order[~tested]], triples[order[tested]]


def _error_free(data: Trajectories, truth: Tensor, generator: Generator) -> Tensor:
    """New questions about the trajectories held out, answered right; none where too few are."""
    if len(data.test) < 3:
        return torch.zeros(0, 3, dtype=torch.long)
    asked = random_triples(data.test, TESTED, generator)
    return asked.gather(1, alike(truth[asked]))
