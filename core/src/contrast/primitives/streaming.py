"""The two passes over the tiles of x = r a k^T that give row and column log-sums, and gradients.

    l_i = log sum_j w_ij e^(x_ij),    e_i = sum_j p_ij x_ij,    c_j = log sum_i w_ij e^(x_ij)

With upstream gradients g = dL/dl, h = dL/de, u = dL/dc and q the column form of p,

    dL/dx_ij = p_ij (g_i + h_i (1 + x_ij - e_i)) + q_ij u_j

For rows alone the forward pass also carries o_i = sum_j p_ij k_j, which gives e_i = r a_i . o_i and
dL/da_i = r g_i o_i, so that the backward pass has only dL/dk left to form. Tiles hold x / ln 2, and
so do shifts; all else is natural.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from contrast.primitives.tiles import LN2, LOWEST, Tile, Tiles
from contrast.primitives.weights import Weights

Parts = tuple[Tensor, ...]  # one tensor for each row (or column) of tiles


class Sums:
    """Sums of w 2^x as they grow tile by tile: total * 2^shift; no shift for bounded scores."""

    def __init__(self, like: Tensor, parts: Callable[[Tensor], Parts], *, bounded: bool) -> None:
        self.total = like.new_zeros(len(like))
        self.shift = None if bounded else like.new_full((len(like),), LOWEST)
        self.totals = parts(self.total)
        self.shifts = None if bounded else parts(self.shift)

    def rise(self, part: int, peaks: Tensor) -> Tensor:
        """Lift the shift of a part to the peaks seen; returns what its sums were scaled by."""
        shift = self.shifts[part]
        lifted = torch.maximum(shift, peaks)
        rescale = (shift - lifted).exp2_()
        self.totals[part].mul_(rescale)
        shift.copy_(lifted)
        return rescale

    def log(self, part: int | None = None) -> Tensor:
        """The natural log of the sums, -inf where all weights are 0."""
        total = self.total if part is None else self.totals[part]
        if self.shift is None:
            return total.log()
        shift = self.shift if part is None else self.shifts[part]
        return total.log().add_(shift, alpha=LN2).masked_fill_(shift <= LOWEST / 2, -torch.inf)


def absorb(tile: Tile, sums: Sums, carried: Parts | None) -> Tensor:
    """Add a tile to its rows' sums, and its 2^x k to what they carry; returns w 2^(x - shift).

    Shapes:  carried: (n, D) for each row of tiles;  returns (n, m), in the memory of the scores.
    """
    if sums.shift is None:
        e = tile.exp_()
    else:
        rescale = sums.rise(tile.i, tile.x.amax(1))
        e = tile.shifted_exp(sums.shifts[tile.i][:, None], out=tile.x)
        if carried is not None:
            carried[tile.i].mul_(rescale[:, None])
    sums.totals[tile.i].add_(e.sum(1))
    if carried is not None:
        carried[tile.i].addmm_(e, tile.tiles.columns[tile.j])
    return e


def absorb_columns(tile: Tile, sums: Sums) -> None:
    """Add a tile whose scores stand under a shift to the sums of its columns."""
    sums.rise(tile.j, tile.x.amax(0))
    e = tile.shifted_exp(sums.shifts[tile.j], out=tile.scratch("column"))
    sums.totals[tile.j].add_(e.sum(0))


def forward(tiles: Tiles, *, columns: bool, carry: bool) -> tuple[Sums, Sums, Tensor | None]:
    """Row sums, column sums and what the rows carry; of half the tiles both sums are one."""
    by_row = by_column = Sums(tiles.a, tiles.by_row, bounded=tiles.bounded)
    if not tiles.half:
        by_column = Sums(tiles.k, tiles.by_column, bounded=tiles.bounded)
    carried = torch.zeros_like(tiles.a) if carry else None
    parts = tiles.by_row(carried) if carry else None
    for tile in tiles:
        both = tile.i != tile.j if tiles.half else columns
        if not tiles.bounded:
            tile.hide_excluded_()
            if both:
                absorb_columns(tile, by_column)
        e = absorb(tile, by_row, parts)
        if both and tiles.bounded:
            by_column.totals[tile.j].add_(e.sum(0))
    return by_row, by_column, carried


@dataclass(frozen=True)
class Side:
    """What rows (or columns) send into each tile: w 2^(x - shift) (factor + slope x).

    Shapes:  for each part (n, 1) of rows, (m,) of columns; no shift for bounded scores, no slope
    without moment.
    """

    factor: Parts
    shift: Parts | None
    slope: Parts | None = None


def row_side(
    tiles: Tiles, g: Tensor, lse: Tensor, h: Tensor | None = None, moment: Tensor | None = None
) -> Side:
    """The side of the rows whose upstream gradients are g = dL/dl and h = dL/de."""
    factor, shift = _sent(g, lse, tiles.bounded)
    slope = None
    if h is not None:
        slope, _ = _sent(h, lse, tiles.bounded)
        factor = factor + slope * (1 - moment)
    sent = (factor, shift, slope)
    return Side(*(None if value is None else tiles.by_row(value[:, None]) for value in sent))


def column_side(tiles: Tiles, u: Tensor, lse: Tensor) -> Side:
    """The side of the columns whose upstream gradient is u = dL/dc."""
    factor, shift = _sent(u, lse, tiles.bounded)
    return Side(tiles.by_column(factor), shift if shift is None else tiles.by_column(shift))


def _sent(g: Tensor, lse: Tensor, bounded: bool) -> tuple[Tensor, Tensor | None]:
    """Factor and shift: g e^x / e^l = (g e^-l) e^x = g e^(x - l); an empty row sends nothing."""
    empty = lse == -torch.inf
    g, lse = g.masked_fill(empty, 0), lse.masked_fill(empty, 0)
    return (g * (-lse).exp(), None) if bounded else (g, lse / LN2)


def exponentials(tile: Tile, row: Side) -> Tensor:
    """w 2^(x - shift) of one tile, in the memory of its scores."""
    if row.shift is None:
        return tile.exp_()
    tile.add_logs_()
    return tile.shifted_exp(row.shift[tile.i], out=tile.x)


def tile_gradient(tile: Tile, row: Side, column: Side | None) -> Tensor:
    """dL/dx of one tile, in the memory of its scores."""
    multiplier = row.factor[tile.i]
    if row.slope is not None:
        slopes = torch.mul(tile.x, row.slope[tile.i], out=tile.scratch("slopes"))
        multiplier = torch.add(multiplier, slopes, alpha=LN2, out=slopes)
    if column is None:
        return exponentials(tile, row).mul_(multiplier)
    factor = column.factor[tile.j]
    if row.shift is None:
        both = torch.add(multiplier, factor, out=tile.scratch("both"))
        return exponentials(tile, row).mul_(both)
    tile.add_logs_()
    by_column = tile.shifted_exp(column.shift[tile.j], out=tile.scratch("column"))
    by_row = tile.shifted_exp(row.shift[tile.i], out=tile.x)
    return by_row.mul_(multiplier).addcmul_(by_column, factor)


def backward_candidates(tiles: Tiles, row: Side, dk: Tensor) -> None:
    """Add dL/dk = r p^T (g a) of rows alone: their factor is folded into the D-wide side."""
    parts, scaled = tiles.by_column(dk), None
    for tile in tiles:
        if tile.j == 0:
            scaled = tiles.rows[tile.i] * row.factor[tile.i]
        parts[tile.j].addmm_(exponentials(tile, row).t(), scaled, alpha=tiles.scale)


def backward(
    tiles: Tiles, row: Side, column: Side | None, da: Tensor | None, dk: Tensor | None
) -> Weights:
    """Add dL/da and dL/dk where wanted; returns the gradients of the log-weights.

    Of half the tiles dk is da, and the diagonal ones count once.
    """
    sums = tiles.weights.zeros()
    to_a = None if da is None else tiles.by_row(da)
    to_k = None if dk is None else tiles.by_column(dk)
    for tile in tiles:
        gradient = tile_gradient(tile, row, column)
        if to_a is not None:
            to_a[tile.i].addmm_(gradient, tiles.columns[tile.j], alpha=tiles.scale)
        if to_k is not None and not (tiles.half and tile.i == tile.j):
            others = tiles.columns if tiles.half else tiles.rows
            to_k[tile.j].addmm_(gradient.t(), others[tile.i], alpha=tiles.scale)
        if sums:
            if row.slope is not None:  # x itself carries h p_ij, which is none of the weights'
                again = exponentials(Tile(tiles, tile.i, tile.j, "again"), row)
                gradient.addcmul_(again, row.slope[tile.i], value=-1)
            tile.weights.add_gradients(gradient, sums.tile(*tiles.span(tile.i, tile.j)))
    return sums
