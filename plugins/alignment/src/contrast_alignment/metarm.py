"""MetaRM: a reward model that keeps telling apart what the policy writes now (arXiv:2405.00438).

    J(theta) = how far apart the rewards of a policy's own responses to one prompt are
    theta' = theta + eta grad J(theta)                                      looking ahead, upwards
    theta <- theta - alpha grad L(theta')                   the step, L on the original preferences

It is the first order of the bilevel problem, which is what the paper expands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from contrast.engine.placement import move
from contrast.interfaces import Work
from contrast_alignment.objectives.reward import metarm_difference


@contextmanager
def looking_ahead(work: Work) -> Iterator[None]:
    """Within the block the encoder stands at theta'; an optimiser step taken there moves theta.

    Nothing happens at `trainer.meta_rate=0`. Every rank draws the same responses of the policy,
    and so looks the same way. Weight decay would see theta' instead of theta; it is off by default.
    """
    rate = work.trainer.meta_rate
    if not rate:
        yield
        return
    encoder = work.parts.encoder
    parameters = [p for p in encoder.parameters() if p.requires_grad]
    difference = drawn_difference(encoder, work)
    gradients = torch.autograd.grad(difference, parameters, allow_unused=True)
    work.log(difference=difference)
    moved(parameters, gradients, rate)
    try:
        yield
    finally:
        moved(parameters, gradients, -rate)


def drawn_difference(encoder: Any, work: Work) -> Tensor:
    """J on some of the policy's own responses."""
    first = next(encoder.parameters())
    batch = move(work.parts.sampler.drawn(work.at), first.device, first.dtype)
    return metarm_difference(encoder(batch).judged())


@torch.no_grad()
def moved(parameters: Sequence[Tensor], gradients: Sequence[Tensor | None], rate: float) -> None:
    """theta + rate * gradient, in place."""
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if gradient is not None:
            parameter.add_(gradient, alpha=rate)
