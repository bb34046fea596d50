"""The two passes over the tiles of x = a k^T that give row and column log-sums, and gradients.

    l_i = log sum_j w_ij e^(x_ij),    e_i = sum_j p_ij x_ij,    c_j = log sum_i w_ij e^(x_ij)

With upstream gradients g = dL/dl, h = dL/de, u = dL/dc and q the column form of p,

    dL/dx_ij = p_ij (g_i + h_i (1 + x_ij - e_i)) + q_ij u_j

For rows alone the forward pass also carries o_i = sum_j p_ij k_j, which gives e_i = a_i . o_i and
dL/da_i = g_i o_i, so that the backward pass has only dL/dk left to form.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from contrast.primitives.tiles import LOWEST, Tile, Tiles
from contrast.primitives.weights import Weights


@dataclass(frozen=True)
class Plan:
    """What is wanted of the pairs: `half` for x symmetric with k = a, whose rows are its columns."""

    weights: Weights
    half: bool = False
    moment: bool = False
    columns: bool = False
    grad: bool = True


class Sums:
    """Sums of w e^x as they grow tile by tile: total * e^shift; no shift for bounded scores."""

    def __init__(self, length: int, tiles: Tiles) -> None:
        self.total = tiles.a.new_zeros(length)
        self.shift = None if tiles.bounded else tiles.a.new_full((length,), LOWEST)

    def rise(self, span: slice, peaks: Tensor) -> Tensor:
        """Lift the shift to the peaks seen; returns the factor that old sums were scaled by."""
        shift = self.shift[span]
        lifted = torch.maximum(shift, peaks)
        rescale = (shift - lifted).exp_()
        self.total[span].mul_(rescale)
        shift.copy_(lifted)
        return rescale

    def log(self) -> Tensor:
        """The log of the sums, -inf where all weights are 0."""
        if self.shift is None:
            return self.total.log()
        return (self.total.log() + self.shift).masked_fill_(self.shift <= LOWEST / 2, -torch.inf)


def absorb(tile: Tile, sums: Sums, carried: Tensor | None) -> Tensor:
    """Add a tile to the sums of its rows, and its e^x k to what they carry; returns w e^(x - shift).

    Shapes:  carried: (N, D) or None;  returns (n, m), in the memory of the tile's scores.
    """
    rows, columns = tile.rows, tile.columns
    if sums.shift is None:
        e = tile.exp_()
    else:
        rescale = sums.rise(rows, tile.x.amax(1))
        e = tile.shifted_exp(sums.shift[rows, None], out=tile.x)
        if carried is not None:
            carried[rows].mul_(rescale[:, None])
    sums.total[rows].add_(e.sum(1))
    if carried is not None:
        carried[rows].addmm_(e, tile.tiles.k[columns])
    return e


def absorb_columns(tile: Tile, sums: Sums) -> None:
    """Add a tile whose scores stand under a shift to the sums of its columns."""
    sums.rise(tile.columns, tile.x.amax(0))
    e = tile.shifted_exp(sums.shift[tile.columns], out=tile.scratch("column"))
    sums.total[tile.columns].add_(e.sum(0))


def forward(tiles: Tiles, *, columns: bool, carry: bool) -> tuple[Sums, Sums, Tensor | None]:
    """Row sums, column sums and what the rows carry; of half the tiles both sums are one."""
    by_row = Sums(len(tiles.a), tiles)
    by_column = by_row if tiles.half else Sums(len(tiles.k), tiles)
    carried = torch.zeros_like(tiles.a) if carry else None
    for rows, span in tiles:
        tile = tiles.tile(rows, span)
        both = rows != span if tiles.half else columns
        if not tiles.bounded:
            tile.hide_excluded_()
            if both:
                absorb_columns(tile, by_column)
        e = absorb(tile, by_row, carried)
        if both and tiles.bounded:
            by_column.total[span].add_(e.sum(0))
    return by_row, by_column, carried


@dataclass(frozen=True)
class Side:
    """What rows (or columns) send into each tile: dL/dx = w e^(x - shift) (factor + slope x).

    Shapes:  factor, shift, slope: (N,); no shift for bounded scores, no slope without moment.
    """

    factor: Tensor
    shift: Tensor | None
    slope: Tensor | None = None

    @classmethod
    def of(cls, g: Tensor, lse: Tensor, bounded: bool) -> Side:
        """The side of l whose upstream gradient is g; empty rows send nothing."""
        empty = lse == -torch.inf
        g, lse = g.masked_fill(empty, 0), lse.masked_fill(empty, 0)
        return cls(g * (-lse).exp(), None) if bounded else cls(g, lse)

    def with_moment(self, h: Tensor, moment: Tensor, lse: Tensor) -> Side:
        """The side of l and e together, h being dL/de."""
        slope = Side.of(h, lse, self.shift is None).factor
        return Side(self.factor + slope * (1 - moment), self.shift, slope)


def tile_gradient(tile: Tile, row: Side, column: Side | None) -> Tensor:
    """dL/dx of one tile, in the memory of its scores."""
    rows, columns = tile.rows, tile.columns
    multiplier = row.factor[rows, None]
    if row.slope is not None:
        slopes = torch.mul(tile.x, row.slope[rows, None], out=tile.scratch("slopes"))
        multiplier = slopes.add_(multiplier)
    if row.shift is None:
        if column is not None:
            both = tile.scratch("multiplier")
            multiplier = torch.add(multiplier, column.factor[columns], out=both)
        return tile.exp_().mul_(multiplier)
    tile.weights.add_logs_(tile.x)
    beside = None
    if column is not None:
        beside = tile.shifted_exp(column.shift[columns], out=tile.scratch("column"))
        beside.mul_(column.factor[columns])
    gradient = tile.shifted_exp(row.shift[rows, None], out=tile.x).mul_(multiplier)
    return gradient if beside is None else gradient.add_(beside)


def backward(
    tiles: Tiles, row: Side, column: Side | None, *, da: Tensor | None, dk: Tensor | None
) -> Weights:
    """Add the gradients of the tiles to da and dk, where wanted; returns those of the log-weights.

    Of half the tiles da is the only one, and takes both.
    """
    a, k, sums = tiles.a, tiles.k, tiles.weights.zeros()
    folded = None
    if not (tiles.half or column or da is not None or sums or row.slope is not None):
        folded = a * row.factor[:, None]  # the row factor costs nothing on the D-wide side
    for rows, columns in tiles:
        tile = tiles.tile(rows, columns)
        if folded is not None:
            unscaled = Side(row.factor, row.shift)
            dk[columns].addmm_(exponentials(tile, unscaled).T, folded[rows])
            continue
        gradient = tile_gradient(tile, row, column)
