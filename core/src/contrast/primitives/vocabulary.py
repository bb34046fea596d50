"""The last layer of a language model in tiles: some positions against some of the vocabulary."""

from __future__ import annotations

import torch
from torch import Tensor

# Positions and vocabulary entries of a tile. CPU: 4 MiB in float32, which stays in the cache.
CPU_TILE = (512, 2048)
DEVICE_TILE = (4096, 16384)
FLOOR = -87.0  # exp of less is denormal in float32, which costs the CPU up to 200 times as much


class Head:
    """The last layer of a language model, one tile of logits at a time."""

    def __init__(self, weight: Tensor, bias: Tensor | None, scale: float, softcap: float) -> None:
        self.weight, self.bias, self.scale, self.softcap = weight, bias, scale, softcap
        self.dtype = torch.promote_types(weight.dtype, torch.float32)
        self.tile = DEVICE_TILE if weight.is_cuda else CPU_TILE

    def scores(self, h: Tensor, columns: slice) -> Tensor:
        """The logits of some positions for some of the vocabulary, (b, m)."""
        y = _product(h, self.weight[columns].T, self.dtype)
        if self.bias is not None:
            y += self.bias[columns]
        if self.scale != 1:
            y *= self.scale
        return y.div_(self.softcap).tanh_().mul_(self.softcap) if self.softcap else y

    def slope(self, x: Tensor) -> Tensor | float:
        """How the logits change with the products that they are made of: dx/dy times the scale."""
        if not self.softcap:
            return self.scale
        return (x / self.softcap).square_().neg_().add_(1).mul_(self.scale)  # 1 - tanh^2

    def add_gradients(
        self, d_y: Tensor, h: Tensor, rows: slice, columns: slice, sums: list[Tensor | None]
    ) -> None:
        """Add what a tile's gradient brings to those of hidden states, weight and bias."""
        d_h, d_weight, d_bias = sums
        if d_h is not None:
            _add_product(d_h[rows], d_y, self.weight[columns])
        if d_weight is not None:
            _add_product(d_weight[columns], d_y.T, h[rows])
        if d_bias is not None:
            d_bias[columns] += d_y.sum(0)


class Running:
    """The statistics of some positions over the vocabulary seen so far."""

    def __init__(self, targets: Tensor, dtype: torch.dtype, entropy: bool) -> None:
        self.targets, self.with_entropy = targets, entropy
        self.target = torch.full(targets.shape, torch.nan, dtype=dtype, device=targets.device)
        self.largest = torch.full_like(self.target, torch.finfo(dtype).min)
        self.total = torch.zeros_like(self.target)  # of exp(x - largest)
        self.moment = torch.zeros_like(self.target)  # of exp(x - largest) (x - largest)

    def add(self, x: Tensor, columns: slice) -> None:
        """Take in a tile of logits, whose memory is used up."""
        place, inside = places(self.targets, columns)
        self.target = torch.where(inside, x.gather(1, place)[:, 0], self.target)
        largest = torch.maximum(self.largest, x.amax(1))
        step = (self.largest - largest).clamp_(min=2 * FLOOR)
        decay = step.exp()
        shifted = x.sub_(largest[:, None]).clamp_(min=FLOOR)
        if self.with_entropy:
            weight = shifted.exp()
            self.moment = decay * (self.moment + self.total * step) + (weight * shifted).sum(1)
            self.total = decay * self.total + weight.sum(1)
        else:
            self.total = decay * self.total + shifted.exp_().sum(1)
        self.largest = largest

    def lse(self) -> Tensor:
        """The log-sum-exp of the logits, (b,)."""
        return self.largest + self.total.log()

    def entropy(self) -> Tensor:
        """The entropy of their softmax, (b,)."""
        return self.total.log() - self.moment / self.total


def spans(length: int, step: int) -> list[slice]:
    """The range in pieces of at most `step`."""
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


def places(targets: Tensor, columns: slice) -> tuple[Tensor, Tensor]:
    """Where the targets are in a tile, (b, 1), and whether they are, (b,)."""
    place = targets - columns.start
    width = columns.stop - columns.start
    return place.clamp(0, width - 1)[:, None], (place >= 0) & (place < width)


def _product(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    """The matrix product, summed and given in `dtype`."""
    if a.is_cuda and a.dtype == b.dtype == torch.bfloat16:
        return torch.mm(a, b, out_dtype=dtype)
    return a.to(dtype) @ b.to(dtype)


def _add_product(out: Tensor, a: Tensor, b: Tensor) -> None:
    """Add the matrix product of a gradient `a` in the dtype of `out` with some input `b`."""
    if b.is_cuda and b.dtype == torch.bfloat16:
        out += _product(a.to(b.dtype), b, out.dtype)
    else:
        out.addmm_(a, b.to(out.dtype))
