"""The form of the method: three behaviours a question, of which two are alike. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrast.forms import Form, Pairs, over

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Triples(Form):
    """Embeddings of B answered questions: the two that are alike, and the odd one out.

    Shapes:  z: (3, B, D) float, in the order P1, P2, N.
    """

    lowers_to: ClassVar[type[Form] | None] = Pairs

    z: Tensor = over(1)

    def lower(self) -> Pairs:
        """P1 against its P2, with the P2 of other questions and every N as negatives."""
        import torch

        return Pairs(anchors=self.z[0], candidates=torch.cat([self.z[1], self.z[2]]))
