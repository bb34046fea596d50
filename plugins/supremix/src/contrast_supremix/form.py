"""The form of samples that have an order, with the randomness of their mixtures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contrast.forms import Form, Views, over

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True)
class Ordered(Views):
    """Views whose targets are in label units; `moment` is seed and step, the same on every rank.

    Shapes:  as `Views`;  targets: (N,) in label units;  labels: (N,) the same rounded.
    """

    moment: tuple[int, int] = (0, 0)

    def generator(self) -> Generator:
        """A generator for what this step draws."""
        from contrast.engine.randomness import generator

        return generator("mixtures", *self.moment)


@dataclass(frozen=True)
class Predictions(Form):
    """What a regressor says of N samples, beside what is true, both standardised.

    Shapes:  predicted, targets: (N,).
    """

    predicted: Tensor = over(0)
    targets: Tensor | None = over(0, default=None)
