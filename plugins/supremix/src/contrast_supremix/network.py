"""Several networks of one shape in step: S members, each with weights of its own.

A product of stacks costs little more than one product, so that seeds, folds and baselines are
trained together; no member sees anything of another. Every parameter leads with the axis of the
members.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import leaky_relu

SLOPE = 0.1  # of the leaky rectifier, as in the C-Mixup code


class Members(nn.Module):
    """S perceptrons with LeakyReLU(0.1) between layers, and after the last one if `active`.

    Shapes:  weights: for each layer (S, in, out);  forward: (S, B, in) to (S, B, out).
    """

    def __init__(
        self, sizes: Sequence[int], generators: Sequence[Generator], *, active: bool = False
    ) -> None:
        super().__init__()
        self.active = active
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for fan_in, fan_out in pairwise(sizes):
            shapes = (fan_in, fan_out), (1, fan_out)
            for held, shape in zip((self.weights, self.biases), shapes, strict=True):
                held.append(drawn(shape, fan_in, generators))

    def forward(self, x: Tensor) -> Tensor:
        """All members, each on its own rows."""
        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            if i < last or self.active:
                x = leaky_relu(x, SLOPE)
        return x


def drawn(shape: Sequence[int], fan_in: int, generators: Sequence[Generator]) -> nn.Parameter:
    """Untrained weights of every member, (S, *shape), from what nn.Linear draws from."""
    bound = fan_in**-0.5
    numbers = [torch.rand(shape, generator=g) * 2 * bound - bound for g in generators]
    return nn.Parameter(torch.stack(numbers))


def joined(parts: Sequence[nn.Module]) -> nn.Module:
    """The members of several stacks as one stack, copied."""
    made = deepcopy(parts[0])
    alike = zip(made.parameters(), *(part.parameters() for part in parts), strict=True)
    for parameter, *each in alike:
        parameter.data = torch.cat([one.detach() for one in each])
    return made
