"""The form of the deep method: what was predicted some steps ahead, and what came. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrast.forms import Form, Pairs, over

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Jumps(Form):
    """Features of a state and the actions after it, and of the states that these led to.

    With one jump these are phi(s, a) and psi(s'). Lowers to `Pairs` of the first jump.

    Shapes:  predicted, future: (J, B, D), j + 1 steps ahead;  alive: (J, B), whether the episode
    had not ended before;  values: (B, A, K), what actions at the first state are worth.
    """

    lowers_to: ClassVar[type[Form] | None] = Pairs

    predicted: Tensor = over(1)
    future: Tensor = over(1)
    alive: Tensor = over(1)
    values: Tensor = over(0)

    def lower(self) -> Pairs:
        """Each state and action against the states that came next in the batch."""
        return Pairs(self.predicted[0], self.future[0])
