"""Tiles of the matrix x = a k^T: computed into borrowed memory, weighted and exponentiated.

   candidates ->        general: all tiles       self-similarity: the upper half,
a  +----+----+          in row-major order       where tile (I, J) also stands for (J, I)
n  | x  |    |
c  +----+----+          One tile at a time is in memory, and stays in the processor's cache
h  |    |    |          between the product, the exponential and the products that use it.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from contrast.primitives.weights import Weights

# Rows and columns of a tile. CPU: at 256 x 512 in float32 (0.5 MiB) two tiles share a 2 MiB cache,
# and an elementwise product costs 0.11 ns an entry instead of 0.16 at 512 x 512, while the matrix
# products are within 2 % of their best. Elsewhere large tiles hide the cost of a launch.
CPU_TILE = (256, 512)
DEVICE_TILE = (4096, 8192)

# Where no |x| exceeds this, exp(x) needs no shift: float32 holds sums of e^40 and products of
# e^-40 with gradients down to 1e-20. Unit rows at temperature 0.025 are at the limit.
BOUND = 40.0

LOWEST = -1e30  # a finite stand-in for -inf: differences of two of them are not NaN


class Tiles:
    """The tiles of x = a k^T and the memory that they share.

    Shapes:  a: (N, D);  k: (M, D);  half: only tiles on and above the diagonal, with k = a.
    """

    def __init__(self, a: Tensor, k: Tensor, weights: Weights, *, half: bool = False) -> None:
        self.a, self.k, self.weights, self.half = a, k, weights, half
        height, width = CPU_TILE if a.device.type == "cpu" else DEVICE_TILE
        if half:  # square, so that the diagonal runs through whole tiles only
            height = width = (height + width) // 2
        self.rows, self.columns = spans(len(a), height), spans(len(k), width)
        self.bounded = not weights.logs and _is_bounded(a, k)
        # Below this, exp() is denormal, which costs the CPU up to 200 times as much.
        self.floor = torch.log(torch.tensor(torch.finfo(a.dtype).tiny)).item() + 1
        self._memory: dict[tuple[str, int, int], Tensor] = {}

    def __iter__(self) -> Iterator[tuple[slice, slice]]:
        """The tiles, each as the rows and the columns that it spans."""
        for i, rows in enumerate(self.rows):
            for columns in self.columns[i if self.half else 0 :]:
                yield rows, columns

    def scratch(self, name: str, rows: slice, columns: slice) -> Tensor:
        """Memory of the size of a tile: its content lasts until the name is asked for again."""
        key = name, rows.stop - rows.start, columns.stop - columns.start
        if key not in self._memory:
            self._memory[key] = self.a.new_empty(key[1:])
        return self._memory[key]

    def tile(self, rows: slice, columns: slice, name: str = "x") -> Tile:
        """The scores of one tile, with the weights that apply there."""
        return Tile(self, rows, columns, name)


class Tile:
    """One tile of scores x, (n, m), in borrowed memory."""

    def __init__(self, tiles: Tiles, rows: slice, columns: slice, name: str) -> None:
        self.tiles, self.rows, self.columns = tiles, rows, columns
        self.x = torch.mm(tiles.a[rows], tiles.k[columns].T, out=self.scratch(name))
        self.weights = tiles.weights.tile(rows, columns) if tiles.weights else tiles.weights
        self.factor = self.weights.factor(self.scratch)

    def scratch(self, name: str) -> Tensor:
        """Memory of this tile's size."""
        return self.tiles.scratch(name, self.rows, self.columns)

    def exp_(self) -> Tensor:
        """w exp(x), in place of x; for bounded scores."""
        return self.weights.multiply_(self.x.exp_(), self.factor)

    def shifted_exp(self, shift: Tensor, out: Tensor) -> Tensor:
        """w exp(x - shift); x - shift must be <= 0 wherever w > 0.

        Shapes:  shift: (n, 1) or (1, m).
        """
        torch.sub(self.x, shift, out=out).clamp_(self.tiles.floor, 0).exp_()
        return self.weights.multiply_(out, self.factor)

    def hide_excluded_(self) -> None:
        """Put the log-weights on x, and entries of weight 0 far below all others."""
        self.weights.add_logs_(self.x)
        for hole in self.weights.holes:
            hole.fill_(self.x, LOWEST)
        if self.factor is not None:
            zero = torch.eq(self.factor, 0, out=self.scratch("zero"))
            self.x.sub_(zero, alpha=-LOWEST)


def spans(length: int, step: int) -> list[slice]:
    """The range in pieces of at most `step`."""
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


def _is_bounded(a: Tensor, k: Tensor) -> bool:
    """Whether |x| <= BOUND is certain; not asked of a device, whose answer would be waited for."""
    if a.device.type != "cpu" or not (len(a) and len(k)):
        return False
    longest = torch.linalg.vector_norm(a, dim=1).max() * torch.linalg.vector_norm(k, dim=1).max()
    return bool(longest <= BOUND)
