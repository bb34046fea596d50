"""An objective of the user's own: any function of the lists that gives a loss."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from contrast.forms import Lists
from contrast_alignment.own import imported


def build(*, function: str) -> Callable[[Lists], Tensor]:
    """The function that `objective.function` names.

    Raises: ConfigError: it cannot be imported.
    """
    return imported(function, "objective.function")
