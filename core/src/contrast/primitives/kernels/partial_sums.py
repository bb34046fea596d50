"""Sums of exponentials under a shift of their own, folded and merged without overflow."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Sums:
    """sum_j w e^x of some rows as total e^peak, and sum_j w e^x x as moment e^peak.

    Shapes:  peak, total, moment: (n,);  where nothing counts the peak is -inf and the rest 0.
    """

    peak: Tensor
    total: Tensor
    moment: Tensor | None = None

    @classmethod
    def empty(cls, n: int, like: Tensor, dtype: torch.dtype) -> Sums:
        """Sums over nothing."""
        peak = torch.full((n,), -torch.inf, dtype=dtype, device=like.device)
        return cls(peak, torch.zeros_like(peak))

    @classmethod
    def folded(cls, peaks: Tensor, totals: Tensor, moments: Tensor | None = None) -> Sums:
        """The sums of all tiles, (tiles, n)."""
        peak = peaks.amax(0)
        by = (peaks - finite(peak)).exp_()
        moment = None if moments is None else (moments * by).sum(0)
        return cls(peak, (totals * by).sum(0), moment)

    def add(self, part: slice, other: Sums) -> None:
        """Take in sums over further pairs of some of the rows."""
        peak = torch.maximum(self.peak[part], other.peak)
        shift = finite(peak)
        old, new = (self.peak[part] - shift).exp_(), (other.peak - shift).exp_()
        self.total[part] = self.total[part] * old + other.total * new
        self.peak[part] = peak

    def after(self, start: int) -> Sums:
        """The sums of the rows from `start` on."""
        return Sums(self.peak[start:], self.total[start:])

    def lse(self) -> Tensor:
        """The log of the sums, -inf where nothing counts."""
        return self.total.log() + finite(self.peak)

    def mean(self) -> Tensor:
        """The mean of x under the weights of the sums, 0 where nothing counts."""
        return torch.where(self.total == 0, 0, self.moment / self.total)


def finite(peak: Tensor) -> Tensor:
    """The peak as a shift: 0 where nothing was there to be shifted."""
    return peak.masked_fill(peak == -torch.inf, 0)
