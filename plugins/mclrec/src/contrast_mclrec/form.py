"""The forms of a recommender: what follows a history, and two views of it beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrast.forms import Form, Pairs, Same, Views, over

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class NextItem(Form):
    """Histories and the items that followed, for a softmax over the catalogue.

    It lowers to `Pairs`: the state against the embeddings of what followed in the batch, where
    equal items are each other's positives.

    Shapes:  h: (B, D) state of a history;  followed: (B, D) embedding of the item that did;
    targets: (B,) its number in 1..I;  table: (I + 1, D), row 0 padding;  negatives: (K,) item
    numbers or None (the whole catalogue);  log_expected: (K,), see `Negatives`.
    """

    lowers_to: ClassVar[type[Form] | None] = Pairs

    h: Tensor = over(0)
    followed: Tensor = over(0)
    targets: Tensor = over(0)
    table: Tensor = over(None)
    negatives: Tensor | None = over(None, default=None)
    log_expected: Tensor | None = over(None, default=None)

    def lower(self) -> Pairs:
        """Each history against what followed any of them."""
        return Pairs(self.h, self.followed, positives=Same(self.targets, self.targets))


@dataclass(frozen=True)
class Sequences(Views):
    """Two views of each of B histories; `learnt` of them (0, 1, 2) were made by an augmenter.

    As the encoder gives it, z holds the states of the two augmented histories, and the fields of
    `NextItem` stand beside it; as the step compares two views, only z.

    Shapes:  z: (2, B, D);  the others as in `NextItem`.
    """

    learnt: int = 0
    h: Tensor | None = over(0, default=None)
    followed: Tensor | None = over(0, default=None)
    items: Tensor | None = over(0, default=None)
    table: Tensor | None = over(None, default=None)
    negatives: Tensor | None = over(None, default=None)
    log_expected: Tensor | None = over(None, default=None)

    def next_item(self) -> NextItem:
        """What follows, without the views."""
        return NextItem(
            self.h, self.followed, self.items, self.table, self.negatives, self.log_expected
        )


@dataclass(frozen=True)
class OwnLoss(Form):
    """The loss that a model computed itself, for B histories.

    Shapes:  targets: (B,);  loss: ().
    """

    targets: Tensor = over(0)
    loss: Tensor = over(None)
