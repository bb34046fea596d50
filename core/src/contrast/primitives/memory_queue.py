"""A queue of past embeddings, first in first out: negatives beyond the batch (MoCo, 1911.05722)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MemoryQueue(nn.Module):
    """The last `size` embeddings that were pushed, with their sample ids, without gradient.

    Rows and ids are buffers, so that they stand in the checkpoint; how many were pushed is known
    to the host, so that nothing waits for the device. Keep the queue in the objective: it sees the
    form of all ranks, every rank pushes the same rows, and the queues stay equal. In a sampler it
    would hold one rank's rows only.

        rows, ids = self.queue.contents()
        loss = infonce(z, torch.cat([k, rows]), excluded=Same(own, torch.cat([own, ids])), ...)
        self.queue.push(k, own)

    Shapes:  rows: (size, width) float, in a ring;  ids: (size,) integer.
    Raises: ValueError: size or width < 1.
    """

    rows: Tensor
    ids: Tensor

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        if size < 1 or width < 1:
            raise ValueError(f"a queue needs size and width >= 1, got {size} and {width}")
        self.register_buffer("rows", torch.zeros(size, width))
        self.register_buffer("ids", torch.zeros(size, dtype=torch.long))
        self.pushed = 0

    def __len__(self) -> int:
        """The number of rows held."""
        return min(self.pushed, len(self.ids))

    def contents(self) -> tuple[Tensor, Tensor]:
        """The rows held and their ids, oldest first, as copies: a later push leaves them alone.

        Shapes:  returns (K, width) and (K,), with K from 0 to `size`.
        """
        held, size = len(self), len(self.ids)
        start = self.pushed % size if held == size else 0
        rows = torch.cat([self.rows[start:held], self.rows[:start]])
        return rows, torch.cat([self.ids[start:held], self.ids[:start]])

    @torch.no_grad()
    def push(self, z: Tensor, ids: Tensor) -> None:
        """Take in embeddings and drop as many of the oldest; of too many the last are kept.

        Shapes:  z: (N, width) float, any dtype;  ids: (N,) integer.
        Raises: ValueError: the shapes do not fit.
        """
        size, width = self.rows.shape
        if z.ndim != 2 or z.shape[1] != width or ids.shape != z.shape[:1]:
            raise ValueError(
                f"z and ids must be (N, {width}) and (N,), got {tuple(z.shape)} and "
                f"{tuple(ids.shape)}"
            )
        first = self.pushed + max(len(z) - size, 0)
        self.pushed += len(z)
        places = torch.arange(first, self.pushed, device=self.rows.device) % size
        kept = len(places)
        self.rows.index_copy_(0, places, z.detach()[len(z) - kept :].to(self.rows))
        self.ids.index_copy_(0, places, ids[len(z) - kept :].to(self.ids))

    def get_extra_state(self) -> Tensor:
        """The number of rows pushed so far, for the checkpoint."""
        return torch.tensor(self.pushed)

    def set_extra_state(self, state: Tensor) -> None:
        """Restore what `get_extra_state` gave."""
        self.pushed = int(state)
