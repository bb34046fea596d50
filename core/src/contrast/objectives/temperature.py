"""A temperature that may be learnt, by the logarithm of its inverse: the scale of the logits."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Temperature(nn.Module):
    """exp(-log_scale): a number, or learnt from there on.

    `least` bounds a learnt temperature from below (CLIP: 0.01, a scale of 100). In training mode
    the parameter is put back to that bound before it is read, so that its gradient never vanishes.
    """

    def __init__(self, initial: float, *, learnt: bool, least: float = 0.0) -> None:
        super().__init__()
        self.initial = initial
        self.most_log_scale = math.inf if least == 0 else -math.log(least)
        start = torch.tensor(-math.log(initial))
        self.log_scale = nn.Parameter(start) if learnt else None

    def forward(self) -> float | Tensor:
        """The temperature: a number, or () with a gradient."""
        if self.log_scale is None:
            return self.initial
        if self.training:
            with torch.no_grad():
                self.log_scale.clamp_(max=self.most_log_scale)
        return (-self.log_scale).exp()
