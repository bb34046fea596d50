"""What the copies of an environment went through, in rows of all copies; drawn as sequences."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from contrast.forms import over
from contrast_ucb.deep.actors import Row
from contrast_ucb.deep.observations import Array
from contrast_ucb.deep.task import Task


@dataclass(frozen=True)
class Sequences:
    """B stretches of L rows, each wherever its copy was; what follows an `ended` is another's.

    Shapes:  obs: (L, B, *shape);  action, reward, terminated, ended: (L, B);  previous: (B,), the
    action before the first, 0 at the start of an episode;  place: (2, B), copy and row.
    """

    obs: Tensor = over(1)
    action: Tensor = over(1)
    reward: Tensor = over(1)
    terminated: Tensor = over(1)
    ended: Tensor = over(1)
    previous: Tensor = over(0)
    place: Tensor = over(1)

    def part(self, first: int, size: int) -> Sequences:
        """Some of the stretches."""
        cut = {
            f.name: getattr(self, f.name).narrow(f.metadata["axis"], first, size)
            for f in fields(self)
        }
        return Sequences(**cut)


class Replay:
    """The last `capacity` steps of `count` copies. Stacked frames are kept once."""

    def __init__(self, task: Task, count: int, capacity: int) -> None:
        self.stack, self.count, self.rows = task.stack, count, max(capacity // count, 2)
        sizes = (self.rows, count)
        self.held = Row(
            np.zeros((*sizes, *task.frame), task.reading.dtype),
            np.zeros(sizes, np.int32),
            np.zeros(sizes, np.int64),
            np.zeros(sizes, np.float32),
            *(np.zeros(sizes, dtype=bool) for _ in range(3)),
        )
        self.added = 0

    def __len__(self) -> int:
        """Rows that are held."""
        return min(self.added, self.rows)

    def add(self, row: Row) -> None:
        """Keep a row in place of the oldest."""
        for held, new in zip(self.held, row, strict=True):
            held[self.added % self.rows] = new
        self.added += 1

    def least(self, length: int) -> int:
        """The capacity without which stretches of `length` could not be drawn."""
        return self.count * (length + 1 + self.stack)

    def starts(self, length: int) -> int:
        """How many rows a stretch of `length` may begin at; the first few lack older frames."""
        return len(self) - length + 1 - (self.stack if self.added > self.rows else 0)

    def draw(self, size: int, length: int, draw: np.random.Generator) -> Sequences:
        """Stretches that begin at a step somebody took, each as likely.

        Raises: ValueError: fewer than two rows to begin at are held.
        """
        if self.starts(length) < 2:
            raise ValueError(f"{len(self)} rows are too few for stretches of {length}")
        first = self.added - length + 1 - self.starts(length)
        row, copy = self.anywhere(size, first, length, draw)
        while (idle := self.held.reset[row % self.rows, copy]).any():
            row[idle], copy[idle] = self.anywhere(int(idle.sum()), first, length, draw)
        return self.stretches(row, copy, length)

    def anywhere(self, size: int, first: int, length: int, draw: np.random.Generator) -> Any:
        """Rows and copies, uniformly."""
        rows = draw.integers(first, first + self.starts(length), size=size)
        return rows, draw.integers(self.count, size=size)

    def stretches(self, row: Array, copy: Array, length: int) -> Sequences:
        """The stretches of `length` rows from these rows of these copies."""
        rows = row + np.arange(length)[:, None]  # (L, B)
        at, copies = rows % self.rows, np.broadcast_to(copy, rows.shape)
        began = self.held.age[at[0], copy] == 0
        previous = np.where(began, 0, self.held.action[(row - 1) % self.rows, copy])
        return Sequences(
            torch.from_numpy(self.seen(rows, copies)),
            *(torch.from_numpy(held[at, copies]) for held in self.held[2:6]),
            torch.from_numpy(previous),
            torch.from_numpy(np.stack([copy, row])),
        )

    def seen(self, rows: Array, copies: Array) -> Array:
        """The observations of rows, older frames first; the first stands for those before it."""
        if self.stack == 1:
            return self.held.frame[rows % self.rows, copies]
        age = self.held.age[rows % self.rows, copies]
        back = [np.minimum(k, age) for k in reversed(range(self.stack))]
        frames = [self.held.frame[(rows - k) % self.rows, copies] for k in back]
        return np.concatenate(frames, axis=rows.ndim)

    def steps(self) -> tuple[Array, Array]:
        """Rows and copies of all steps taken, the oldest first, that can be looked at whole."""
        first = self.added - len(self) + (self.stack if self.added > self.rows else 0)
        rows = np.arange(first, self.added)
        at, copies = np.nonzero(~self.held.reset[rows % self.rows])
        return rows[at], copies

    def state_dict(self) -> dict[str, Any]:
        """The rows that are filled."""
        filled = {n: torch.from_numpy(h[: len(self)]) for n, h in self.held._asdict().items()}
        return {"added": self.added, **filled}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.added = state["added"]
        for name, held in self.held._asdict().items():
            held[: len(self)] = state[name].numpy()
