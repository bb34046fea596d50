"""An encoder whose weights are a moving average of another's: targets that move slowly.

MoCo (arXiv:1911.05722, eq. 2) and BYOL (arXiv:2006.07733, section 3.1).
"""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import torch
from torch import nn


class EMA(nn.Module):
    """A copy of a module that follows it by theta' <- m theta' + (1 - m) theta.

    The copy begins equal, has no gradient, and keeps its weights in float32 at least: in half
    precision a step of 1 - m would be rounded away. It stands in the checkpoint as any submodule;
    the followed module is handed to `update`, so that its weights are not saved twice. Floating
    buffers (batch statistics) and integer ones are copied as they are.

    In a recipe the encoder holds both, and the step ends with
    `encoder.target.update(encoder.online, cosine_momentum(...))`, after `descend`.
    """

    def __init__(self, online: nn.Module) -> None:
        super().__init__()
        self.target = deepcopy(online).requires_grad_(False)
        for parameter in self.target.parameters():
            if parameter.dtype in (torch.float16, torch.bfloat16):
                parameter.data = parameter.data.float()

    @torch.no_grad()
    def forward(self, *arguments: Any) -> Any:
        """What the copy makes of the arguments, without gradient."""
        return self.target(*arguments)

    @torch.no_grad()
    def update(self, online: nn.Module, momentum: float) -> None:
        """Follow the module by one step.

        Edge cases: momentum 1 changes no weight, 0 copies them.
        Raises: ValueError: momentum outside 0..1, or a module of other parameters.
        """
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum must be in 0..1, got {momentum}")
        mine, theirs = dict(self.target.named_parameters()), dict(online.named_parameters())
        if mine.keys() != theirs.keys():
            odd = min(mine.keys() ^ theirs.keys())
            raise ValueError(f"the followed module has other parameters: `{odd}` is only in one")
        for name, parameter in mine.items():
            parameter.lerp_(theirs[name].to(parameter), 1 - momentum)
        for own, buffer in zip(self.target.buffers(), online.buffers(), strict=True):
            own.copy_(buffer)


def cosine_momentum(step: int, steps: int, start: float = 0.996, end: float = 1.0) -> float:
    """The momentum of a step, from `start` to `end` along half a cosine (BYOL, section 3.2).

    m = end - (end - start) (cos(pi step / steps) + 1) / 2;  beyond `steps` it stays at `end`.
    """
    done = min(step / max(steps, 1), 1.0)
    return end - (end - start) * (math.cos(math.pi * done) + 1) / 2
