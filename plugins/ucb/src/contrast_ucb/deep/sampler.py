"""The deep agent's exploration: a draw acts in the environments, then gives what was met before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Generator, randint

from contrast.errors import ConfigError
from contrast.interfaces import Moment, Sampler
from contrast_ucb.deep.actors import Actors
from contrast_ucb.deep.observations import Array
from contrast_ucb.deep.replay import Replay, Sequences
from contrast_ucb.deep.task import Task
from contrast_ucb.environments import numpy_generator

COUNTED = 2048  # visits whose features make Lambda, for all
SWEPT = 512  # a batch of a sweep


class DeepExplorer(Sampler):
    """`envs` copies of an environment act at once, by values that the bonus has made optimistic.

    A draw is a step of all copies, then `batch_size` stretches of the replay for each of `updates`
    updates. The first takes `warmup` random steps; from then on the share of random actions falls
    to `epsilon` over `decay` steps. `gamma`, `lam` and `refresh` are of the bonus: its weight, its
    ridge, and after how many draws Lambda is made anew.

    Raises: ConfigError: the replay has no room for two stretches.
    """

    steps_per_epoch = 1000
    shared = True

    def __init__(
        self,
        data: Task,
        *,
        generator: Generator,
        envs: int,
        updates: int,
        batch_size: int,
        replay: int,
        warmup: int,
        epsilon: float,
        decay: int,
        n_step: int,
        jumps: int,
        gamma: float,
        lam: float,
        refresh: int,
    ) -> None:
        self.data, self.updates, self.batch_size = data, updates, batch_size
        self.warmup, self.epsilon, self.decay = warmup, epsilon, decay
        self.n_step, self.jumps, self.length = n_step, jumps, max(n_step, jumps) + 1
        self.gamma, self.lam, self.refresh = gamma, lam, refresh
        self.actors = Actors(data, envs, int(randint(2**62, (), generator=generator)))
        self.replay = Replay(data, envs, replay)
        if replay < (least := self.replay.least(self.length)):
            raise ConfigError(
                f"`sampler.replay={replay}` cannot hold two stretches of {self.length} steps of "
                f"{envs} environments\nSet `sampler.replay={least}` or more, or fewer "
                "`sampler.envs`."
            )
        self.taken = self.drawn = 0

    def expect(self, low: float, high: float) -> None:
        """Refuse rewards that no value between these two could hold."""
        self.actors.task = replace(self.data, bounds=(low, high))

    def draw(self, at: Moment) -> Sequences:
        """Act, then stretches; a step that was drawn before is drawn alike."""
        if at.step >= self.drawn:
            self.drawn = at.step + 1
            draw = numpy_generator(at.shared("explore"))
            while self.taken < self.warmup or self.replay.starts(self.length) < 2:
                self.act(draw.integers(self.data.actions, size=self.actors.count))
            self.act(self.chosen(at.encoder, draw))
        size, draw = self.updates * self.batch_size, numpy_generator(at.shared("replay"))
        return self.replay.draw(size, self.length, draw)

    def act(self, actions: Array) -> None:
        """A step of all copies."""
        if not self.actors.envs:
            self.actors.begin()
        row = self.actors.step(actions)
        self.replay.add(row)
        self.taken += int((~row.reset).sum())

    @torch.no_grad()
    def chosen(self, encoder: Any, draw: np.random.Generator) -> Array:
        """The best actions, some replaced by random ones."""
        if not self.actors.envs:
            self.actors.begin()
        obs = torch.from_numpy(self.actors.obs).to(encoder.support.device)
        worth, bonus = encoder.outlook(encoder.prepared(obs), self.gamma)
        best = (worth + bonus).argmax(-1).cpu().numpy()
        share = max(self.epsilon, 1 - self.taken / self.decay)
        random = draw.random(len(best)) < share
        return np.where(random, draw.integers(self.data.actions, size=len(best)), best)

    def visits(self, at: Moment) -> Sequences:
        """States and actions that stand for all that were met, one row long."""
        if self.taken <= COUNTED and self.replay.added <= self.replay.rows:
            rows, copies = self.replay.steps()
            return self.replay.stretches(rows, copies, 1)
        return self.replay.draw(COUNTED, 1, numpy_generator(at.shared("visits")))

    def sweep(self, split: str) -> Iterator[Sequences]:
        """Every step that the replay holds; before any, the first state with every action."""
        rows, copies = self.replay.steps()
        if not len(rows):
            yield self.beginning()
        for first in range(0, len(rows), SWEPT):
            some = slice(first, first + SWEPT)
            yield self.replay.stretches(rows[some], copies[some], 1)

    def beginning(self) -> Sequences:
        """The first state of the first copy with every action."""
        if not self.actors.envs:
            self.actors.begin()
        count = self.data.actions
        none = torch.zeros(1, count, dtype=torch.bool)
        return Sequences(
            torch.from_numpy(self.actors.obs[:1]).repeat_interleave(count, 0)[None],
            torch.arange(count)[None],
            torch.zeros(1, count),
            none,
            none,
            torch.zeros(count, dtype=torch.int64),
            torch.stack([torch.zeros(count, dtype=torch.int64), torch.arange(count)]),
        )

    def ids(self, batch: Sequences) -> list[int | str]:
        """`copy/row`, rows counted since the run began."""
        return [f"{copy}/{row}" for copy, row in batch.place.mT.tolist()]

    def state_dict(self) -> dict[str, Any]:
        """The episodes under way, and the replay."""
        return {
            "taken": self.taken,
            "drawn": self.drawn,
            "actors": self.actors.state_dict(),
            "replay": self.replay.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.taken, self.drawn = state["taken"], state["drawn"]
        self.actors.load_state_dict(state["actors"])
        self.replay.load_state_dict(state["replay"])
