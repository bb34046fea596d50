"""The two sides of all pairs on a GPU, cut into strips, and their passes launched.

             candidates ->                A strip of anchors against all candidates at a time:
anchors   +--------------------+          1  scores, exponentials and their sums, one kernel
(strip)   | e^x  e^x  e^x  ... |          2  exponentials x candidates -> anchors' gradient
          +--------------------+          3  exponentials^T x anchors  -> candidates' gradient

In half precision the exponentials are held in the operands' dtype and 2 and 3 are library products
that sum in float32. float32 and float64 form their scores by a library product too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from contrast.primitives.kernels.relations import Counted
from contrast.primitives.products import HALVES, product

# Rows, columns and features of a program's tile, warps and pipeline stages.
FUSED_TILE = (128, 128, 64, 8, 3)
READ_TILE = (16, 256, 64, 4, 2)

# In half precision up to this many features a kernel forms the scores itself, which then are never
# in memory; wider rows leave them to a library product. Not measured yet.
FUSED_WIDTH = 1024
FUSED_DTYPES = HALVES

STRIP_BYTES = 2**30  # of exponentials, and of scores where those are in memory
HEIGHT = 5632  # rows of a strip at most: 44 x 3 tiles of 128 x 256 for 132 processors at D = 768
LEAST = 128  # and at least, in multiples of it
CHUNK = 16384  # candidates whose scores are in memory at once
LIFT = 2.0**14  # float16 holds exponentials times this, so that those of 1e-11 are not lost
BOUND = 40.0  # up to this |x| the bound on a row's scores is its shift, and nothing is lowered


def sides(
    anchors: Tensor, candidates: Tensor | None, temperature: float | Tensor
) -> tuple[Tensor, Tensor, Tensor | None, float]:
    """Anchors, candidates, r and scale: r_i scale = 1 / t_i, with r only for a tensor."""
    k = anchors if candidates is None else candidates
    dtype = torch.promote_types(anchors.dtype, k.dtype)
    a = anchors.to(dtype)
    k = a if k is anchors else k.to(dtype)
    if not isinstance(temperature, Tensor):
        return a, k, None, 1 / temperature
    inverse = 1 / temperature.to(torch.promote_types(dtype, torch.float32)).reshape(-1)
    return a, k, inverse.expand(len(a)).contiguous(), 1.0


def rowwise(x: Tensor) -> Tensor:
    """The tensor with each of its rows in one piece."""
    return x if x.stride(1) == 1 else x.contiguous()


@dataclass(frozen=True)
class Operands:
    """x_ij = scale r_i <a_i, k_j> with who counts for whom.

    Shapes:  a: (N, D), k: (M, D), rows contiguous, one dtype;  row_scale: (N,) or None.
    """

    a: Tensor
    k: Tensor
    row_scale: Tensor | None
    scale: float
    who: Counted

    @property
    def wide(self) -> torch.dtype:
        """The dtype of all sums."""
        return torch.promote_types(self.a.dtype, torch.float32)

    @property
    def fused(self) -> bool:
        """Whether a kernel forms the scores."""
        return self.a.dtype in FUSED_DTYPES and self.a.shape[1] <= FUSED_WIDTH

    @property
    def lift(self) -> float:
        """What stored exponentials are multiplied by."""
        return LIFT if self.a.dtype == torch.float16 else 1.0

    def strips(self, *, stored: bool, half: bool = False) -> Iterator[tuple[slice, slice]]:
        """The rows and the columns of each strip; of half the pairs, from its own place on."""
        n, m = len(self.a), len(self.k)
        # Of half the pairs a strip's own block is formed whole, so strips are low.
        most = max(n // 8, 2 * LEAST) if half else n
        height = max(LEAST, min(self._height(m, stored), most))
        for start in range(0, n, height):
            stop = min(start + height, n)
            yield slice(start, stop), slice(start if half else 0, m)

    def _height(self, m: int, stored: bool) -> int:
        if not stored and self.fused:
            return max(2**26 // m, HEIGHT)  # only partial sums are in memory
        size = self.a.element_size()
        chunk = 0 if self.fused or size > 2 else min(CHUNK, m) * 4
        return min(HEIGHT, STRIP_BYTES // max(m * size * stored + chunk, 1)) // LEAST * LEAST

    def buffer(self, *, stored: bool, half: bool = False) -> Buffer:
        """Memory for the largest strip."""
        n, m = self._largest(stored, half)
        held = self.a.new_empty(n, m) if stored else None
        scores = None
        if not self.fused and (held is None or held.dtype != self.wide):
            scores = self.a.new_empty(n, min(CHUNK, m), dtype=self.wide)
        return Buffer(held, scores)

    def _largest(self, stored: bool, half: bool) -> tuple[int, int]:
        for rows, columns in self.strips(stored=stored, half=half):
            return rows.stop - rows.start, columns.stop - columns.start
        return 0, len(self.k)

    def bound(self) -> Tensor | None:
        """For each row a limit that its scores cannot exceed, -inf where that is too far off.

        None where exponentials below it would be lost in float16, or log-weights are added.
        """
        if self.a.dtype == torch.float16 or self.who.logs is not None or not len(self.k):
            return None
        of_a, of_k = (torch.linalg.vector_norm(t, dim=1, dtype=self.wide) for t in (self.a, self.k))
        limit = of_a * of_k.max() * abs(self.scale)
        if self.row_scale is not None:
            limit = limit * self.row_scale.abs()
        return torch.where(limit <= BOUND, limit, -torch.inf)


@dataclass(frozen=True)
class Buffer:
    """Memory that strips share: exponentials (n, m) in the operands' dtype, scores of a chunk."""

    held: Tensor | None
    scores: Tensor | None


def chunks(op: Operands, columns: slice) -> Iterator[slice]:
    """The candidates that one launch takes."""
    width = columns.stop - columns.start if op.fused else CHUNK
    for start in range(columns.start, columns.stop, max(width, 1)):
        yield slice(start, min(start + width, columns.stop))


def scores_of(
    op: Operands, rows: slice, columns: slice, buffer: Buffer, held: Tensor | None
) -> Tensor | None:
    """The products of a chunk where no kernel forms them; in the place of their exponentials."""
    if op.fused:
        return None
    out = held
    if out is None or out.dtype != op.wide:
        out = buffer.scores[: rows.stop - rows.start, : columns.stop - columns.start]
    return product(op.a[rows], op.k[columns].T, out)
