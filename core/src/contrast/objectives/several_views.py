"""What objectives of several views share: checks, products of views, and means over view pairs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import torch
from torch import Tensor

from contrast.errors import BatchError


def check_views(z: Tensor, *, views: int = 2, samples: int = 1) -> tuple[int, int]:
    """The numbers of views and of samples, V and N.

    Raises: ValueError: z is not (V, N, D), or has fewer views or samples than the loss needs.
    """
    if z.ndim != 3:
        raise ValueError(f"z must be (V, N, D), V views of N samples, got {tuple(z.shape)}")
    if len(z) < views:
        raise ValueError(f"z must hold {views} views or more, got {tuple(z.shape)}")
    if z.shape[1] < samples:
        raise BatchError(
            f"z must hold {samples} samples or more, got {tuple(z.shape)}: without another sample "
            "there is no negative; is the batch, or the last one of an epoch, of one sample?"
        )
    return z.shape[0], z.shape[1]


def products(x: Tensor) -> Tensor:
    """The inner products of each sample's own views: (V, N, D) to (N, V, V)."""
    by_sample = x.transpose(0, 1)
    with torch.autocast(x.device.type, enabled=False):
        return by_sample @ by_sample.mT


def mean_over_pairs(x: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
    """A loss of two views, (2, N, D) to (2, N), as that of V views: the mean over their pairs.

    Shapes:  x: (V, N, D);  returns (V, N), each the mean over the V - 1 pairs of that view.
    """
    if len(x) == 2:
        return loss(x)
    by_view: list[list[Tensor]] = [[] for _ in x]
    for a, b in combinations(range(len(x)), 2):
        for view, found in zip((a, b), loss(x[[a, b]]), strict=True):
            by_view[view].append(found)
    return torch.stack([torch.stack(found).mean(0) for found in by_view])
