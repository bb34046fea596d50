"""What the plugin adds to `Lists`: fields that single objectives need. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contrast.forms import Lists, over

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Responses(Lists):
    """Lists of responses, with log-ratios of mismatched pairs of prompt and response.

    Shapes:  mismatched: (N, K) log pi - log ref of alternative k's response under another prompt.
    """

    mismatched: Tensor | None = over(0, default=None)


@dataclass(frozen=True)
class InContext(Lists):
    """Lists that the model wrote itself, in one sequence; scores are mean log-probs of items.

    Shapes:  positions: (N, K) place at which a person ranked the item, from 1.
    """

    positions: Tensor | None = over(0, default=None)


@dataclass(frozen=True)
class Judged(Lists):
    """Lists that an ensemble of reward models voted on.

    Shapes:  strength: (N, K) mean reward of the voters; its difference is the pair's strength u.
    """

    strength: Tensor | None = over(0, default=None)


@dataclass(frozen=True)
class Rated(Judged):
    """Lists with rewards, and the states that the head made them from.

    Shapes:  states: (N, K, D) float;  again: (N, K, D), the same under another dropout.
    """

    states: Tensor | None = over(0, default=None)
    again: Tensor | None = over(0, default=None)

    def judged(self) -> Judged:
        """The lists without the states, as objectives on rewards read them."""
        return Judged(
            self.scores,
            targets=self.targets,
            mask=self.mask,
            ids=self.ids,
            strength=self.strength,
        )


@dataclass(frozen=True)
class YesNo(Lists):
    """Documents scored by the logits of two answers: `scores` holds those of "yes".

    Shapes:  no: (N, K) logits of "no".
    """

    no: Tensor | None = over(0, default=None)
