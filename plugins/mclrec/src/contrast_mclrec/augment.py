"""The three augmentations of a history, for all rows of a batch at once.

crop     a window of floor(n (1 - ratio)) items, at least one, moved to the front
mask     floor(n ratio) distinct positions hidden
reorder  a window of floor(n ratio) items in random order

Windows begin anywhere that they fit, both ends included. Two different operators are drawn for the
two views of a history; one of a single item stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Ratios:
    """How much of a history each operator takes; `token` stands in hidden positions."""

    crop: float = 0.5
    mask: float = 0.5
    reorder: float = 0.8
    token: int = 0


def two_views(
    items: Tensor, lengths: Tensor, ratios: Ratios, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Two views of each history, the first of all rows before the second.

    Shapes:  items: (B, L) integer, 0 behind the end;  lengths: (B,) in 1..L.
    Returns (2B, L) and (2B,).
    """
    B, L = items.shape
    first = torch.randint(3, (B,), generator=generator)
    second = (first + torch.randint(1, 3, (B,), generator=generator)) % 3
    x, n = items.repeat(2, 1), lengths.repeat(2)
    keys = torch.rand(2 * B, L, generator=generator)
    start = torch.rand(2 * B, generator=generator, dtype=torch.float64)

    kept = share(n, 1 - ratios.crop).clamp(min=1)
    cropped = crop(x, (start * (n - kept + 1)).long(), kept)
    masked = mask(x, smallest(keys, n, share(n, ratios.mask)), ratios.token)
    window = share(n, ratios.reorder)
    shuffled = x.gather(1, shuffle((start * (n - window + 1)).long(), window, keys))

    operator = torch.cat([first, second]).masked_fill(n == 1, 3)
    views = torch.stack([cropped, masked, shuffled, x])[operator, torch.arange(2 * B)]
    return views, torch.where(operator == 0, kept, n)


def share(lengths: Tensor, ratio: float) -> Tensor:
    """floor(n ratio) as Python's floats have it."""
    return (lengths.double() * ratio).floor().long()


def crop(items: Tensor, begin: Tensor, kept: Tensor) -> Tensor:
    """The window of `kept` items from `begin` on, moved to the front; zeros behind it."""
    place = torch.arange(items.shape[1])
    moved = items.gather(1, (begin[:, None] + place).clamp(max=items.shape[1] - 1))
    return moved.masked_fill(place >= kept[:, None], 0)


def mask(items: Tensor, hidden: Tensor, token: int = 0) -> Tensor:
    """The items with `token` in the positions that are hidden, (B, L) bool."""
    return items.masked_fill(hidden, token)


def smallest(keys: Tensor, lengths: Tensor, count: Tensor) -> Tensor:
    """Whether a position holds one of its row's `count` smallest keys: (B, L) bool."""
    behind = torch.arange(keys.shape[1]) >= lengths[:, None]
    rank = keys.masked_fill(behind, torch.inf).argsort(1).argsort(1)
    return rank < count[:, None]


def shuffle(begin: Tensor, size: Tensor, keys: Tensor) -> Tensor:
    """An order of positions, (B, L), that is random within each window and plain elsewhere.

    Within a window position t takes the element whose key in (0, 1) is the t-th smallest.
    """
    place = torch.arange(keys.shape[1])
    within = (place >= begin[:, None]) & (place < (begin + size)[:, None])
    drawn = begin[:, None] + keys * size[:, None]  # between the neighbours of the window
    return torch.where(within, drawn - 0.5, place.to(keys.dtype)).argsort(dim=1, stable=True)
