"""Several small encoders trained at once: seeds, or an ensemble, in one product a layer.

A network of this size costs as much in calls as in multiplications; K of them share the calls.
Each learns as it would alone: the losses are summed, and nothing is shared.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn
from torch.optim import Adam, Optimizer

DECAY = 0.99999  # of the learning rate, a step
COLLAPSED = 1e-8  # variance over trajectories below which an embedding says nothing


class Several(nn.Module):
    """K perceptrons of the same sizes, each with initial weights of its own.

    Shapes:  sizes: input, hidden ..., output;  forward: (K, B, F) or (B, F) to (K, B, D).
    """

    def __init__(self, members: int, sizes: tuple[int, ...], *, generator: Generator) -> None:
        super().__init__()
        self.members = members
        pairs = list(pairwise(sizes))
        draw = _uniform(generator)
        self.weights = nn.ParameterList([draw((members, i, o), i) for i, o in pairs])
        self.biases = nn.ParameterList([draw((members, 1, o), i) for i, o in pairs])

    def forward(self, x: Tensor) -> Tensor:
        """The outputs of every member; ReLU between layers."""
        x = x.expand(self.members, *x.shape[-2:])
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            x = x.relu() if layer < last else x
        return x

    @torch.no_grad()
    def restart(self, which: Tensor, generator: Generator) -> None:
        """New initial weights for the members of which `which`, (K,) bool, is true."""
        draw = _uniform(generator)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            fan_in = weight.shape[1]
            for old in (weight, bias):
                old[which] = draw(old.shape, fan_in)[which]


def descend(
    modules: nn.Module,
    loss: Callable[[int], Tensor],
    *,
    steps: int,
    lr: float,
    after: Callable[[int], None] = lambda step: None,
) -> None:
    """Adam on `loss(step)` with the method's decay of the learning rate."""
    optimizer = decaying_adam(list(modules.parameters()), lr)
    for step in range(steps):
        gradients = torch.autograd.grad(loss(step), optimizer.param_groups[0]["params"])
        for parameter, gradient in zip(optimizer.param_groups[0]["params"], gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()
        optimizer.param_groups[0]["lr"] = lr
        after(step)


def decaying_adam(
    parameters: list[nn.Parameter], lr: float, weight_decay: float = 0.0
) -> Optimizer:
    """Adam whose rate is the given one times `DECAY` to the power of the steps taken.

    Whoever steps it sets the rate back to the given one after each step.
    """
    on_cpu = all(each.device.type == "cpu" for each in parameters)  # elsewhere: steps on a device
    made = Adam(parameters, lr=lr, weight_decay=weight_decay, fused=on_cpu)
    made.register_step_pre_hook(_decay)
    return made


def collapsed(z: Tensor) -> Tensor:
    """Whether embeddings, (..., B, D), are the same for all trajectories: dead units."""
    return z.detach().var(dim=-2, correction=0).sum(-1) < COLLAPSED


def _decay(optimizer: Optimizer, args: object, kwargs: object) -> None:
    for group in optimizer.param_groups:
        taken = optimizer.state[group["params"][0]].get("step", 0)
        group["lr"] = group["lr"] * DECAY ** float(taken)


def _uniform(generator: Generator) -> Callable[[tuple[int, ...], int], nn.Parameter]:
    """torch's own start of a linear layer: uniform within 1 / sqrt(fan-in)."""

    def draw(shape: tuple[int, ...], fan_in: int) -> nn.Parameter:
        return nn.Parameter((2 * torch.rand(shape, generator=generator) - 1) / fan_in**0.5)

    return draw
