"""Trajectories as the method sees them: padded steps, what a person said of them, how they look."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Generator, Tensor

from contrast.errors import DataError

FEWEST = 3


@dataclass(frozen=True)
class Scene:
    """How trajectories are drawn: paths in the plane among marks.

    Shapes:  paths: (N, T, 2), y upwards;  captions: N sentences or none;  marks: x, y, name;
    turns: (N,) an angle in radians that is drawn at the end of a path, or None.
    """

    paths: Tensor
    marks: tuple[tuple[float, float, str], ...] = ()
    captions: tuple[str, ...] = ()
    turns: Tensor | None = None
    axes: tuple[str, str] = ("x", "y")


@dataclass(frozen=True)
class Answers:
    """Which two of three were called alike: rows P1, P2 and the odd one out N.

    Shapes:  triples: (Q, 3) rows of trajectories.
    """

    triples: Tensor
    annotators: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number Q of answered questions."""
        return len(self.triples)


@dataclass(frozen=True)
class Preferences:
    """Which of two was preferred.

    Shapes:  pairs: (M, 2) rows of trajectories;  second: (M,) 1 if the second is preferred, else
    0, or 0.5 for neither.
    """

    pairs: Tensor
    second: Tensor

    def __len__(self) -> int:
        """The number M of answered pairs."""
        return len(self.pairs)


@dataclass(frozen=True)
class Trajectories:
    """N trajectories of at most T steps, with true features or people's answers.

    Shapes:  steps: (N, T, D) float, 0 behind the end;  mask: (N, T) bool, True where a step is;
    constants: (N, C) numbers of a whole trajectory;  features: (N, q) in [0, 1], or None;
    train, test: rows.
    """

    steps: Tensor
    mask: Tensor
    constants: Tensor
    ids: tuple[int | str, ...]
    train: Tensor
    test: Tensor
    scene: Scene
    features: Tensor | None = None
    feature_names: tuple[str, ...] = ()
    answers: Answers | None = None
    preferences: Preferences | None = None
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Raises: DataError: a number is NaN or infinite."""
        broken = ~(self.steps.isfinite().all(2).all(1) & self.constants.isfinite().all(1))
        if broken.any():
            row = int(broken.nonzero()[0])
            bad = ~self.steps[row].isfinite().all(1)
            step = f", step {int(bad.nonzero()[0])}" if bad.any() else ""
            raise DataError(
                f"trajectory `{self.ids[row]}`{step} holds NaN or infinity "
                f"({int(broken.sum())} of {len(broken)} trajectories do); leave such states out"
            )

    def __len__(self) -> int:
        """The number N of trajectories."""
        return len(self.steps)

    @property
    def ragged(self) -> bool:
        """Whether lengths differ."""
        return not bool(self.mask.all())

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Rows by the text of their id, without spaces around it, as answers are read."""
        return {str(each).strip(): row for row, each in enumerate(self.ids)}


def split(count: int, held_out: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """Rows to learn from and rows to test on, at random; three are learnt from, if there are."""
    order = torch.randperm(count, generator=generator)
    tested = min(round(held_out * count), max(count - FEWEST, 0))
    return order[tested:], order[:tested]


def split_groups(groups: Tensor, held_out: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """The same by whole groups: trajectories of one group are all learnt from or all tested on."""
    names = groups.unique()
    order = names[torch.randperm(len(names), generator=generator)]
    tested = torch.isin(groups, order[: round(held_out * len(names))])
    return (~tested).nonzero()[:, 0], tested.nonzero()[:, 0]
