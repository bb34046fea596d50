"""Which three trajectories a person is shown."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def random_triples(rows: Tensor, count: int, generator: Generator) -> Tensor:
    """Triples of different rows, (count, 3); `rows` must hold three at least."""
    order = torch.rand(count, len(rows), generator=generator) if len(rows) < 64 else None
    if order is not None:
        return rows[order.argsort(1)[:, :3]]
    first = torch.randint(len(rows), (count,), generator=generator)
    second = (first + torch.randint(1, len(rows), (count,), generator=generator)) % len(rows)
    third = torch.randint(len(rows) - 2, (count,), generator=generator)
    low, high = torch.minimum(first, second), torch.maximum(first, second)
    third = third + (third >= low)  # skips both, so that all three differ
    third = third + (third >= high)
    return rows[torch.stack([first, second, third], dim=1)]
