"""The form of the method: scores of every transition, and how often each was seen. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contrast.forms import Form, over

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Transitions(Form):
    """Log-scores of all transitions of a finite process, with their two kinds of samples.

    Shapes:  log_scores: (H, S A, S), log f_h(s, a, s');  seen: (H, S A, S), how often a true
    next state was seen;  noise: (H, S A, S), how much of a negative was compared.
    """

    log_scores: Tensor = over(0)
    seen: Tensor = over(0)
    noise: Tensor = over(0)
