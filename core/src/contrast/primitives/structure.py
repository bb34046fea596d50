"""Pair weights by structure: who counts for whom, without an N x M tensor.

A structure can restrict itself to a tile of anchors and candidates and write that tile out.
Several multiply. They come in three kinds that differ in cost: holes on diagonals (O(N) work),
factors w >= 0 that multiply after the exponential, and log-weights that are added before it, which
alone can learn. Relations by ids (`Same`, `Differ`, `Apart`) are defined with the forms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from contrast.forms import Apart, Differ, Same
from contrast.primitives.low_rank import log_weight


@dataclass(frozen=True)
class OffDiagonal:
    """Weight 0 where j - i is one of the offsets, else 1: without the anchor, or its positive.

    Among candidates gathered from all ranks the offset is the column of the first local anchor.
    """

    offsets: tuple[int, ...] = (0,)

    def tile(self, rows: slice, columns: slice) -> OffDiagonal:
        """The structure between some of the anchors and some of the candidates."""
        moved = rows.start - columns.start
        lowest, highest = rows.start - rows.stop, columns.stop - columns.start
        offsets = (offset + moved for offset in self.offsets)
        return OffDiagonal(tuple(offset for offset in offsets if lowest < offset < highest))

    def fill_(self, tile: Tensor, value: float) -> None:
        """Overwrite the excluded entries of a tile."""
        for offset in self.offsets:
            tile.diagonal(offset).fill_(value)


@dataclass(frozen=True)
class Mask:
    """Weight 1 where `allowed`, else 0.     Shapes:  allowed: (N, M) bool."""

    allowed: Tensor

    def tile(self, rows: slice, columns: slice) -> Mask:
        """The structure between some of the anchors and some of the candidates."""
        return Mask(self.allowed[rows, columns])


@dataclass(frozen=True)
class LogWeight:
    """Weight exp(values), so -inf for none; gradients flow to the values.

    Shapes:  values: (N, M) float.
    """

    values: Tensor

    def tile(self, rows: slice, columns: slice) -> LogWeight:
        """The structure between some of the anchors and some of the candidates."""
        return LogWeight(self.values[rows, columns])

    def log_weight(self) -> Tensor:
        """The log-weights written out, (N, M)."""
        return self.values


@dataclass(frozen=True)
class LowRank:
    """The learnt weight sigmoid(direction . tanh(rows_i + columns_j) + bias) of AdaMEOW.

    With rows = f Q^T + b and columns = a Q^T this is sigmoid(v . tanh(Q (f_i + a_j) + b) + b')
    of the official code (arXiv:2212.13847), without its (N, M, D) tensor. Gradients flow to all.

    Shapes:  rows: (N, H);  columns: (M, H);  direction: (H,);  bias: ().
    """

    rows: Tensor
    columns: Tensor
    direction: Tensor
    bias: Tensor

    def tile(self, rows: slice, columns: slice) -> LowRank:
        """The structure between some of the anchors and some of the candidates."""
        return replace(self, rows=self.rows[rows], columns=self.columns[columns])

    def log_weight(self) -> Tensor:
        """The log-weights written out, (N, M)."""
        return log_weight(self.rows, self.columns, self.direction, self.bias)


Structure = Same | Differ | Apart | OffDiagonal | Mask | LogWeight | LowRank


def is_symmetric(structure: Structure) -> bool:
    """Whether w_ij = w_ji follows from the structure itself, without reading any values."""
    if isinstance(structure, OffDiagonal):
        return set(structure.offsets) == {-offset for offset in structure.offsets}
    return isinstance(structure, Same | Differ | Apart) and structure.rows is structure.columns


def pairs_of(structure: Structure) -> tuple[int, int] | None:
    """The numbers of anchors and candidates that a structure is of, None where it fits any."""
    match structure:
        case OffDiagonal():
            return None
        case Mask(values) | LogWeight(values):
            return tuple(values.shape)
        case Apart(rows, columns):
            return rows.shape[1], columns.shape[1]
    return structure.rows.shape[0], structure.columns.shape[0]
