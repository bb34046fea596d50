"""Two groups of samples: a background, and a target that has something on top."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Generator, Tensor

from contrast.errors import DataError

Kind = Literal["strip", "sprites", "photo", "table", "volume"]
LEAST = 4  # samples of each group: two to learn from, two to test on


@dataclass(frozen=True)
class Factor:
    """Something known of samples: a class where `classes` are named, else an amount.

    `belongs` says where it should be found: in the common or in the salient space, if known.

    Shapes:  values: (N,) positions in `classes`, -1 unknown; or float64 amounts, NaN unknown.
    """

    name: str
    values: np.ndarray
    classes: tuple[str, ...] = ()
    belongs: Literal["common", "salient", ""] = ""

    @property
    def known(self) -> np.ndarray:
        """Of which samples it is known, (N,) bool."""
        return self.values >= 0 if self.classes else np.isfinite(self.values)


@dataclass(frozen=True)
class Groups:
    """N samples of two groups, with their split.

    `read` reads new samples from a file, as these were read: x (M, ...) and M names.

    Shapes:  x: (N, C, H, W) uint8, (N, 1, D, H, W) or (N, F) float32;  is_target: (N,) bool;
    train, test: row numbers.
    """

    name: str
    kind: Kind
    x: Tensor
    is_target: Tensor
    train: Tensor
    test: Tensor
    ids: list[int | str]
    factors: tuple[Factor, ...] = ()
    notes: tuple[str, ...] = ()
    read: Callable[[str], tuple[Tensor, list[str]]] | None = None

    def __len__(self) -> int:
        return len(self.is_target)


def attributes_of(data: Groups) -> tuple[Factor, ...]:
    """The factors that are known of targets alone, of some in training.

    Classes stay their numbers; amounts are scaled to 0..1 over the training targets, as the
    kernel of the supervised variant asks.
    """
    background, found = ~data.is_target.numpy(), []
    for factor in data.factors:
        learnt = factor.values[data.train][factor.known[data.train]]
        if len(learnt) and not factor.known[background].any():
            low, span = (0, 1) if factor.classes else (learnt.min(), np.ptp(learnt) or 1.0)
            found.append(replace(factor, values=(factor.values - low) / span))
    return tuple(found)


def check_groups(is_target: np.ndarray, source: str, advice: str) -> None:
    """Raises: DataError: a group has fewer than four samples."""
    for count, name in ((int((~is_target).sum()), "background"), (int(is_target.sum()), "target")):
        if count < LEAST:
            raise DataError(
                f"{source}: the {name} has {count} samples, expected at least {LEAST}\n{advice}"
            )


def split_units(
    is_target: np.ndarray, units: np.ndarray, share: float, generator: Generator, source: str
) -> tuple[Tensor, Tensor]:
    """Training and test rows, such that no unit (a subject) stands on both sides.

    Units are drawn within the background and among those with a target, so both sides have both.

    Raises: DataError: a group has too few units to stand on both sides.
    """
    tested = np.zeros(len(units), bool)
    with_target = np.isin(units, units[is_target])
    for among, name in ((~with_target, "background"), (with_target, "target")):
        own = np.unique(units[among])
        if len(own) < 2:
            kind = "no target" if name == "background" else "a target"
            raise DataError(
                f"{source}: {len(own)} subjects have {kind} among their samples, "
                "expected at least 2\nTraining and test need both kinds, and a subject "
                "(`data.subject`) stays on one side."
            )
        count = min(max(round(share * len(own)), 1), len(own) - 1)
        order = torch.randperm(len(own), generator=generator).numpy()
        tested |= np.isin(units, own[order[:count]])
    return torch.from_numpy(np.flatnonzero(~tested)), torch.from_numpy(np.flatnonzero(tested))


def hold_out(train: Tensor, test: Tensor, judged_on: str, generator: Generator) -> tuple:
    """The split as it is, or a fifth of the training rows in place of the test."""
    if judged_on == "test":
        return train, test
    order = train[torch.randperm(len(train), generator=generator)]
    return order[len(order) // 5 :].sort().values, order[: len(order) // 5].sort().values


def coded(values: Sequence[object]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Texts as positions in their sorted names; None and empty ones as -1."""
    missing = np.array([value is None or value == "" for value in values])
    texts = np.array([str(value) for value in values])
    names = sorted(set(texts[~missing]))
    position = {name: i for i, name in enumerate(names)}
    return np.array([-1 if m else position[t] for t, m in zip(texts, missing, strict=True)]), tuple(
        names
    )
