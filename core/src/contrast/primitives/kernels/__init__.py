"""Kernels for the pair primitives on a GPU, written in Triton: an optional extra.

    pip install "contrast-core[triton]"

Tensors on a CPU, and any without Triton, take the way of plain torch; so do learnt weights and
half-precision distances, which are widened.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from contrast.forms import Apart, Differ, Same
from contrast.primitives.scores import Score
from contrast.primitives.structure import LogWeight, LowRank, Structure

MOST_RELATIONS = 2  # relations by ids that a kernel multiplies


def serve(anchors: Tensor, score: Score = "inner", weights: Sequence[Structure] = ()) -> bool:
    """Whether these pairs go to the kernels."""
    if score != "inner" or not reachable(anchors):
        return False
    relations = sum(isinstance(s, Same | Differ | Apart) for s in weights)
    return relations <= MOST_RELATIONS and not any(map(_learns, weights))


def reachable(x: Tensor) -> bool:
    """Whether kernels can be launched where the tensor is."""
    return x.is_cuda and installed()


@cache
def installed() -> bool:
    """Whether Triton can be imported."""
    return find_spec("triton") is not None


def _learns(structure: Structure) -> bool:
    if isinstance(structure, LogWeight):
        return structure.values.requires_grad and torch.is_grad_enabled()
    return isinstance(structure, LowRank)
