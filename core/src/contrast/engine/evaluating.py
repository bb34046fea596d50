"""Evaluation leaves no trace in training: modes, gradients and random state come back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from contrast.engine.randomness import seeded
from contrast.interfaces import Moment, Parts


@contextmanager
def evaluating(parts: Parts, at: Moment) -> Iterator[None]:
    """Evaluation mode, no gradients, and a seed of its own, for the block."""
    modules = parts.modules().values()
    modes = [module.training for module in modules]
    for module in modules:
        module.eval()
    try:
        with torch.no_grad(), seeded(at.seed, at.stage, at.step):
            yield
    finally:
        for module, mode in zip(parts.modules().values(), modes, strict=True):
            module.train(mode)
