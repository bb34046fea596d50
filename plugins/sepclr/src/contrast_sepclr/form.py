"""The form of the method: two views of each sample in two spaces. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contrast.forms import Views, over

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Spaces(Views):
    """The common heads as `z`, the salient heads beside, who is a target, and attributes of those.

    Shapes:  z: (V, N, Dc), any scale;  salient: (V, N, Ds), taken as it is, of the supervised
    variant (1, N, Ds), of the clean view alone;  is_target: (N,) bool;  targets: (N, K) attributes;
    known: (N, K) bool, which of them are known; None: of all targets.
    """

    salient: Tensor | None = over(1, default=None)
    is_target: Tensor | None = over(0, default=None)
    known: Tensor | None = over(0, default=None)
