"""A number for every sample of a data set, kept between steps: moving averages, temperatures."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StateTable(nn.Module):
    """One value a sample, read and written by sample id, without gradient.

    The values are a buffer, so that they stand in the checkpoint and move with the module. An
    objective that keeps its tables as submodules sees the form of all ranks: every rank then
    writes the same values, and the tables stay equal.

    Shapes:  values: (samples,) float, `init` until they are first written;  seen: (samples,) bool.
    Raises: ValueError: samples < 1.
    """

    values: Tensor
    seen: Tensor

    def __init__(self, samples: int, init: float = 0.0) -> None:
        super().__init__()
        if samples < 1:
            raise ValueError(f"a table needs at least one sample, got {samples}")
        self.register_buffer("values", torch.full((samples,), float(init)))
        self.register_buffer("seen", torch.zeros(samples, dtype=torch.bool))

    def read(self, ids: Tensor) -> Tensor:
        """The values of the samples, (N,), as a copy.     Shapes:  ids: (N,) integer.

        Raises: ValueError: an id is not in 0..samples-1 (seen on CPU; CUDA stops the kernel).
        """
        return self._select(self.values, ids)

    def is_new(self, ids: Tensor) -> Tensor:
        """Whether a sample was never written, (N,) bool.

        Raises: ValueError: an id is not in 0..samples-1.
        """
        return ~self._select(self.seen, ids)

    @torch.no_grad()
    def write(self, ids: Tensor, values: Tensor) -> None:
        """Keep the values of the samples; an id that comes twice gets the mean of its values.

        Shapes:  ids: (N,) integer;  values: (N,) float, any dtype.
        Raises: ValueError: an id is not in 0..samples-1, or the shapes differ.
        """
        if ids.shape != values.shape:
            raise ValueError(
                f"ids and values must have one shape, got {tuple(ids.shape)} and "
                f"{tuple(values.shape)}"
            )
        self._select(self.seen, ids)  # refuses ids before anything is written
        values = values.detach().to(self.values)
        self.values.scatter_reduce_(0, ids.long(), values, "mean", include_self=False)
        self.seen.index_fill_(0, ids.long(), True)

    def _select(self, table: Tensor, ids: Tensor) -> Tensor:
        try:
            return table.index_select(0, ids.long())
        except (IndexError, RuntimeError) as cause:
            raise ValueError(
                f"sample ids must lie in 0..{len(table) - 1}, got {ids.min()}..{ids.max()}"
            ) from cause


def log_average(log_old: Tensor, log_new: Tensor, rate: float | Tensor) -> Tensor:
    """log((1 - rate) exp(log_old) + rate exp(log_new)): a moving average in the log domain.

    Survives averages of exp(s / t) at small temperatures, where the average itself overflows
    (SogCLR, arXiv:2202.12387). -inf stands for an average of 0; rate 1 replaces, rate 0 keeps.

    Shapes:  log_old, log_new, rate broadcast.     Gradient: none is meant to flow.
    """
    rate = torch.as_tensor(rate, dtype=log_new.dtype, device=log_new.device)
    return torch.logaddexp(log_old + torch.log1p(-rate), log_new + rate.log())
