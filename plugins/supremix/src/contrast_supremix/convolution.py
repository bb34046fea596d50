"""Small convolutional networks over images and series, S members in step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.nn.functional import leaky_relu

from contrast_supremix.network import SLOPE, Members, drawn

CHANNELS = (16, 32, 64)  # of three layers, each of which halves every side
KERNEL = {1: 5, 2: 3}  # by the number of sides: a series has one, an image two
POOLED = {1: 8, 2: 4}  # places that are left of a side at most


class Convolved(nn.Module):
    """S times three convolutions with LeakyReLU(0.1), the means of a few places, and a layer.

    Shapes:  forward: (S, B, C, T) or (S, B, C, H, W) to (S, B, width); bytes become -1..1.
    """

    def __init__(self, sample: Sequence[int], width: int, generators: Sequence[Generator]) -> None:
        super().__init__()
        channels, *sides = sample
        self.kernel = KERNEL[len(sides)]
        self.pooled = [min(POOLED[len(sides)], -(-side // 2 ** len(CHANNELS))) for side in sides]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for out in CHANNELS:
            shape = (out, channels, *(self.kernel for _ in sides))
            fan_in = channels * self.kernel ** len(sides)
            self.weights.append(drawn(shape, fan_in, generators))
            self.biases.append(drawn((out,), fan_in, generators))
            channels = out
        places = 1
        for side in self.pooled:
            places *= side
        self.last = Members([channels * places, width], generators, active=True)

    def forward(self, x: Tensor) -> Tensor:
        """All members, each on its own samples: a group of channels is a member."""
        members, count = x.shape[:2]
        if x.dtype == torch.uint8:
            x = x.to(self.weights[0].dtype) / 127.5 - 1
        two = len(self.pooled) == 2
        convolve = functional.conv2d if two else functional.conv1d
        pool = functional.adaptive_avg_pool2d if two else functional.adaptive_avg_pool1d
        x = x.transpose(0, 1).flatten(1, 2)  # (B, S C, ...)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            padding = self.kernel // 2
            x = convolve(x, weight.flatten(0, 1), bias.flatten(), 2, padding, groups=members)
            x = leaky_relu(x, SLOPE)
        x = pool(x, self.pooled).reshape(count, members, -1)
        return self.last(x.transpose(0, 1))
