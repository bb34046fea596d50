"""Weights of SASRec to and from RecBole's layout, in which they have the same names."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from contrast.errors import CheckpointError, listing
from contrast_mclrec.encoder import SASRec

OURS = ("catalogue", "augmenters.")  # what RecBole's SASRec has not
TABLE = "item_embedding.weight"


def to_recbole(encoder: SASRec) -> dict[str, Tensor]:
    """The state of an encoder as RecBole's SASRec loads it: no augmenters, I + 1 rows of items."""
    state = {k: v.detach() for k, v in encoder.state_dict().items() if not k.startswith(OURS)}
    return state | {TABLE: state[TABLE][: encoder.items + 1]}


def from_recbole(encoder: SASRec, state: Mapping[str, Tensor]) -> None:
    """Give an encoder the weights of RecBole's SASRec, or of the official code's (I + 2 rows).

    Augmenters stay as they are; so does the row of a mask token.
    Raises: CheckpointError: names or shapes are others.
    """
    own = {k: v for k, v in encoder.state_dict().items() if not k.startswith(OURS)}
    given = {k: v for k, v in state.items() if k in own}
    missing = [k for k in own if k not in state]
    if missing:
        raise CheckpointError(f"no weights of RecBole's SASRec: {listing(missing[:3])} missing")
    rows = encoder.items + 1
    if len(given[TABLE]) not in (rows, rows + 1):
        raise CheckpointError(
            f"weights of {len(given[TABLE])} items and padding, expected {rows}: another log?"
        )
    table = own[TABLE].clone()
    if given[TABLE].shape[1:] == table.shape[1:]:
        table[:rows] = given[TABLE][:rows]
        given[TABLE] = table
    wrong = [k for k, v in given.items() if v.shape != own[k].shape]
    if wrong:
        raise CheckpointError(
            f"`{wrong[0]}` is {tuple(given[wrong[0]].shape)}, expected {tuple(own[wrong[0]].shape)}"
        )
    encoder.load_state_dict(given, strict=False)
