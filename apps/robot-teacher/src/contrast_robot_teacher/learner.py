"""What learns while a person clicks: an ensemble on the answers, a reward on the preferences."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Lock, Thread

import torch
from torch import Generator, Tensor

from contrast.engine.randomness import generator
from contrast_robot_teacher.log import AnswerLog
from contrast_sirl.active import SURPRISE, entropy, most_informative
from contrast_sirl.answers import EQUAL, PAIR, QUESTION, SKIP, read_answers, read_preferences
from contrast_sirl.baselines import Bench, fit_sirl
from contrast_sirl.metrics import RIDGE, fit_preferences, standardised
from contrast_sirl.questions import random_triples
from contrast_sirl.trajectories import Trajectories

MEMBERS, STEPS, HIDDEN = 4, 800, 128
FIRST = 10  # questions at random before the first chosen one
POOL = 4000  # questions, or pairs, among which the best is chosen
RECENT = 20  # answers over which the robot's guesses are counted


class Learner:
    """Keeps answers, learns from them in a thread of its own, and chooses what to ask.

    Questions and rewards come from the latest ensemble that is done: nobody waits for learning.
    """

    def __init__(self, data: Trajectories, answers: Path, preferences: Path) -> None:
        self.data = data
        self.answers, self.pairs = AnswerLog(answers, QUESTION), AnswerLog(preferences, PAIR)
        self.answered, self.notes = read_answers(answers, data.row_of)
        self.preferred, _ = read_preferences(preferences, data.row_of)
        self.bench = _bench(data)
        self.rows = torch.arange(len(data))
        self.draw = generator("robot teacher", len(self.answered))
        self.z: Tensor | None = None
        self.learnt = 0  # answers of the latest ensemble
        self.guesses: list[bool] = []
        self.asked: set[frozenset[int]] = set()
        self._new, self._stop, self._lock = Event(), Event(), Lock()
        self._thread = Thread(target=self._work, daemon=True)

    def start(self) -> Learner:
        """Begin to learn in the background."""
        self._thread.start()
        if len(self.answered) >= FIRST:
            self._new.set()
        return self

    def stop(self) -> None:
        """Learn no more; what is kept on the disk is complete at any time."""
        self._stop.set()
        self._new.set()
        self._thread.join()

    def next_question(self) -> list[int]:
        """Three trajectories: at random at first, then what the ensemble disagrees on most."""
        with self._lock:
            if self.z is None:
                return random_triples(self.rows, 1, self.draw)[0].tolist()
            best = most_informative(self.z, self.rows, 50, generator=self.draw, pool=POOL).tolist()
            fresh = [each for each in best if frozenset(each) not in self.asked]
            return (fresh or best)[0]

    def answer(self, shown: list[int], odd: int | None, annotator: str) -> None:
        """Keep an answer: which of the three is the odd one out; None skips."""
        names = [str(self.data.ids[row]) for row in shown]
        with self._lock:
            self.asked.add(frozenset(shown))
            self.answers.add(
                *names, SKIP if odd is None else str(self.data.ids[odd]), annotator=annotator
            )
            if odd is None:
                return
            if self.z is not None:
                self.guesses.append(_guess(self.z, shown) == odd)
            self.answered, self.notes = read_answers(self.answers.path, self.data.row_of)
        if len(self.answered) >= FIRST:
            self._new.set()

    def next_pair(self) -> list[int]:
        """Two trajectories whose order the ensemble's rewards disagree on most."""
        with self._lock:
            pairs = random_triples(self.rows, POOL, self.draw)[:, :2]
            if self.z is None or not len(self.preferred):
                return pairs[0].tolist()
            rewards = torch.stack([self._rewards(one) for one in self.z])  # (K, N)
            second = torch.sigmoid(rewards[:, pairs[:, 1]] - rewards[:, pairs[:, 0]])
            chances = torch.stack([second, 1 - second], dim=-1)
            told = entropy(chances.mean(0)) - entropy(chances).mean(0)
            return pairs[told.argmax()].tolist()

    def prefer(self, shown: list[int], better: int | str, annotator: str) -> None:
        """Keep a preference: a trajectory, `equal` or `skip`."""
        names = [str(self.data.ids[row]) for row in shown]
        said = better if better in (EQUAL, SKIP) else str(self.data.ids[int(better)])
        with self._lock:
            self.pairs.add(*names, str(said), annotator=annotator)
            self.preferred, _ = read_preferences(self.pairs.path, self.data.row_of)

    def rewards(self) -> Tensor | None:
        """The mean reward of all trajectories over the ensemble; None before any preference."""
        with self._lock:
            if self.z is None or not len(self.preferred):
                return None
            return torch.stack([self._rewards(one) for one in self.z]).mean(0)

    def _rewards(self, z: Tensor) -> Tensor:
        z = standardised(z.double(), self.rows)
        first, second = self.preferred.pairs.T
        weights = fit_preferences(
            (z[second] - z[first])[None], self.preferred.second[None], ridge=RIDGE
        )
        return z @ weights[0]

    def _work(self) -> None:
        while True:
            self._new.wait()
            self._new.clear()
            if self._stop.is_set():
                return
            triples = self.answered.triples
            draw = generator("ensemble", len(triples))
            z = _learn(self.bench, triples, draw)
            with self._lock:
                self.z, self.learnt = z, len(triples)


def _learn(bench: Bench, triples: Tensor, draw: Generator) -> Tensor:
    with torch.enable_grad():
        encoders, _ = fit_sirl(bench, triples.expand(MEMBERS, -1, -1), SURPRISE, draw)
    return bench.embed(encoders)


def _guess(z: Tensor, shown: list[int]) -> int:
    """Which of the three the ensemble would have called the odd one out."""
    from contrast_sirl.objective import choice_logits

    chances = choice_logits(z[:, shown].transpose(0, 1)).softmax(-1).mean(0)
    return shown[2 - int(chances.argmax())]  # the pair 01 leaves 2, 02 leaves 1, 12 leaves 0


def _bench(data: Trajectories) -> Bench:
    """Trajectories as inputs, z-scored: nothing is known of their units."""
    real = data.steps[data.mask]
    scaled = (data.steps - real.mean(0)) / real.std(0, correction=0).clamp_min(1e-6)
    parts = [scaled.masked_fill(~data.mask[..., None], 0).flatten(1), data.constants]
    if data.ragged:
        parts.append(data.mask.float())
    x, rows = torch.cat(parts, dim=1), torch.arange(len(data))
    return Bench(x, torch.zeros(len(data), 1), rows, hidden=HIDDEN, steps=STEPS)
