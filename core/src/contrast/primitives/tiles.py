"""Tiles of the matrix x = scale a k^T: computed into borrowed memory, weighted, exponentiated.

Exponentials are taken to base 2, of scores in units of ln 2, which costs the product nothing: on
CPU `torch.exp` goes through MKL, whose 0.9 ns an entry (AVX-512, AMD) is a tenth of the time of
three products at D = 128, and 80 ns where the result is denormal; `exp2` takes 0.3 and 0.6.

   candidates ->        general: all tiles       self-similarity: the upper half,
a  +----+----+          in row-major order       where tile (i, j) also stands for (j, i)
n  | x  |    |
c  +----+----+          One tile at a time is in memory, and stays in the processor's cache
h  |    |    |          between the product, the exponential and the products that use it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from contrast.primitives.products import product
from contrast.primitives.weights import Weights

# Rows and columns of a tile. CPU: at 256 x 512 in float32 (0.5 MiB) two tiles share a 2 MiB cache,
# and an elementwise product costs 0.11 ns an entry instead of 0.16 at 512 x 512, while the matrix
# products are within 2 % of their best. Elsewhere large tiles hide the cost of a launch.
CPU_TILE = (256, 512)
DEVICE_TILE = (4096, 8192)

# Where no |x| exceeds this, exp(x) needs no shift: float32 holds sums of e^40 and products of
# e^-40 with gradients down to 1e-20. Unit rows at temperature 0.025 are at the limit.
BOUND = 40.0

LN2 = math.log(2)

LOWEST = -1e30  # a finite stand-in for -inf: differences of two of them are not NaN


class Tiles:
    """The tiles of x = scale a k^T and the memory that they share.

    `shape` is the rows and columns of a tile, by default what suits the device. Tiles are written
    in multiples of `unit`: LN2 for exponentials. `peaked` scores are at most 0, which each row and
    column reaches: they need no shift. `products` is the dtype that a and k were widened from,
    where products are taken in it: of scores at scale 1.
    Shapes:  a: (N, D);  k: (M, D);  half: only tiles on and above the diagonal of a symmetric x.
    """

    def __init__(
        self,
        a: Tensor,
        k: Tensor,
        weights: Weights,
        scale: float = 1.0,
        *,
        unit: float = 1.0,
        half: bool = False,
        shape: tuple[int, int] | None = None,
        products: torch.dtype | None = None,
        peaked: bool = False,
    ) -> None:
        self.a, self.k, self.weights, self.scale, self.half = a, k, weights, scale, half
        self.unit, self.products, self.peaked = unit, products, peaked
        self.height, self.width = shape or (CPU_TILE if a.device.type == "cpu" else DEVICE_TILE)
        if half:  # square, so that the diagonal runs through whole tiles only
            self.height = self.width = (self.height + self.width) // 2
        self.rows, self.columns = self.by_row(a), self.by_column(k)
        self.bounded = peaked or (not weights.logs and _is_bounded(a, k, scale))
        self.floor = math.log2(torch.finfo(a.dtype).tiny) + 1  # below, 2^x is denormal: slow
        self._memory: dict[tuple[str, int, int], Tensor] = {}

    def __iter__(self) -> Iterator[Tile]:
        """The tiles, one at a time: the next one takes the memory of the last."""
        for i in range(len(self.rows)):
            for j in range(i if self.half else 0, len(self.columns)):
                yield Tile(self, i, j)

    def by_row(self, values: Tensor) -> tuple[Tensor, ...]:
        """What belongs to each row of tiles, of values whose axis 0 runs over anchors."""
        return _cut(values, self.height)

    def by_column(self, values: Tensor) -> tuple[Tensor, ...]:
        """What belongs to each column of tiles, of values whose axis 0 runs over candidates."""
        return _cut(values, self.width)

    def span(self, i: int, j: int) -> tuple[slice, slice]:
        """The rows and the columns of tile (i, j)."""
        top, left = i * self.height, j * self.width
        return slice(top, top + len(self.rows[i])), slice(left, left + len(self.columns[j]))

    def scratch(self, name: str, n: int, m: int) -> Tensor:
        """Memory of the size of a tile: its content lasts until the name is asked for again."""
        key = name, n, m
        if key not in self._memory:
            self._memory[key] = self.a.new_empty(n, m)
        return self._memory[key]


class Tile:
    """Tile (i, j) of scores x, (n, m), in borrowed memory."""

    def __init__(self, tiles: Tiles, i: int, j: int, name: str = "x") -> None:
        self.tiles, self.i, self.j = tiles, i, j
        a, k = tiles.rows[i], tiles.columns[j]
        self.n, self.m = len(a), len(k)
        x = self.scratch(name)
        if half := tiles.products:
            self.x = product(a.to(half), k.to(half).t(), x)
        else:  # a product with alpha has the scale for nothing
            self.x = torch.addmm(x, a, k.t(), beta=0, alpha=tiles.scale / tiles.unit, out=x)
        self.weights = tiles.weights
        if self.weights:
            self.weights = self.weights.tile(*tiles.span(i, j))
        self.factor = self.weights.factor(self.scratch)

    def scratch(self, name: str) -> Tensor:
        """Memory of this tile's size."""
        return self.tiles.scratch(name, self.n, self.m)

    def exp_(self) -> Tensor:
        """w 2^x, in place of x; for bounded scores."""
        if self.tiles.peaked:
            self.x.clamp_(self.tiles.floor, 0)
        return self.weights.multiply_(self.x.exp2_(), self.factor)

    def shifted_exp(self, shift: Tensor, out: Tensor) -> Tensor:
        """w 2^(x - shift); x - shift must be <= 0 wherever w > 0.

        Shapes:  shift: (n, 1) or (m,).
        """
        torch.sub(self.x, shift, out=out).clamp_(self.tiles.floor, 0).exp2_()
        return self.weights.multiply_(out, self.factor)

    def add_logs_(self) -> None:
        """Put the log-weights on x."""
        self.weights.add_logs_(self.x, self.tiles.unit)

    def hide_excluded_(self) -> None:
        """Put the log-weights on x, and entries of weight 0 far below all others."""
        self.add_logs_()
        for hole in self.weights.holes:
            hole.fill_(self.x, LOWEST)
        if self.factor is not None:
            zero = torch.eq(self.factor, 0, out=self.scratch("zero"))
            self.x.add_(zero, alpha=LOWEST)


def _cut(values: Tensor, size: int) -> tuple[Tensor, ...]:
    return values.split(size) if len(values) > size else (values,)


def _is_bounded(a: Tensor, k: Tensor, scale: float) -> bool:
    """Whether |x| <= BOUND is certain; not asked of a device, whose answer would be waited for."""
    if a.device.type != "cpu" or not (len(a) and len(k)):
        return False
    of_a = torch.linalg.vector_norm(a, dim=1).max().item()
    of_k = of_a if k is a else torch.linalg.vector_norm(k, dim=1).max().item()
    return of_a * of_k * scale <= BOUND
