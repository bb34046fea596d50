"""Sums of a function over all pairs, with its gradients, in one pass over the tiles.

    L = sum_ij w_ij h(s_ij; r_i, c_j, parameters),    dL/ds_ij = w_ij h'(s_ij)

No row statistic stands between score and loss, so each tile is finished at once: three matrix
products, nothing kept. SigLIP is a sum over all pairs as negatives put right on the diagonal,
since softplus(-x) = softplus(x) - x; a triplet loss has the positive's score as a row value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from contrast.primitives.plain import SMALL, graph_gradients
from contrast.primitives.products import add_product, in_halves
from contrast.primitives.scores import Score, check_pairs, full_precision, lower_scores, wide
from contrast.primitives.sharing import own_rows, summed
from contrast.primitives.structure import Structure
from contrast.primitives.tiles import Tile, Tiles
from contrast.primitives.weights import Weights, ready


def pair_sum(
    anchors: Tensor,
    candidates: Tensor,
    function: Callable[..., Tensor],
    *,
    rows: Sequence[Tensor] = (),
    columns: Sequence[Tensor] = (),
    parameters: Sequence[Tensor] = (),
    score: Score = "inner",
    weights: Sequence[Structure] = (),
) -> Tensor:
    """sum_ij w_ij h(s_ij), where h is any elementwise function of the scores.

    `function(scores, *rows, *columns, *parameters)` is called on tiles: scores (n, m), values of
    their anchors (n, 1) and of their candidates (m,), and parameters as given; it returns (n, m).

    Shapes:  anchors: (N, D), candidates: (M, D), rows: (N,), columns: (M,) float;  parameters: any;
    weights: structures of N x M pairs other than log-weights.  Returns ().
    Gradient: to every tensor named above, formed in the forward pass; a graph of the gradient
    itself is formed in O(N M) memory.
    Cost: O(N M D) time, O((N + M) D) memory.
    Raises: ValueError: shapes do not fit, or weights hold log-weights.
    """
    n, m = check_pairs(anchors, candidates)
    half = in_halves(anchors, candidates, score)
    anchors, candidates = wide(anchors), wide(candidates)
    for name, values, length in (("rows", rows, n), ("columns", columns, m)):
        for value in values:
            if value.shape != (length,):
                raise ValueError(f"{name} must be ({length},), got {tuple(value.shape)}")
    with full_precision(anchors):
        a, k, _ = lower_scores(anchors, candidates, 1.0, score)
        by_kind = ready(weights, (n, m), a)
        if by_kind.logs:
            raise ValueError("a pair sum takes no log-weights; write them into the function")
        call = _Call(function, len(rows), len(columns), by_kind, torch.is_grad_enabled(), half)
        values = [*rows, *columns, *parameters]
        return (_plain if n * m <= SMALL else _tiled)(a, k, call, *values)


def softplus_against(scores: Tensor, levels: Tensor, temperature: float = 1.0) -> Tensor:
    """sum_p softplus((s - level_p) / t), elementwise: how far scores overtake each level.

    With all positives' scores as levels (a parameter of `pair_sum`) this is the Mann-Whitney loss
    (arXiv:2510.00137, eq. 3). One level at a time: O(P) time an entry and no memory for it.

    Shapes:  scores: (n, m);  levels: (P,).  Returns (n, m).
    """
    return _SoftplusAgainst.apply(scores, levels, temperature)


@dataclass(frozen=True)
class _Call:
    """The function, what its values belong to, whether gradients will be asked for, products."""

    function: Callable[..., Tensor]
    row_values: int
    column_values: int
    weights: Weights
    grad: bool
    products: torch.dtype | None

    def pieces(self, values: Sequence[Tensor | None], rows: slice, columns: slice) -> list:
        """The values that belong to a tile; a missing one stays missing."""
        both = self.row_values + self.column_values
        spans = [rows] * self.row_values + [columns] * self.column_values
        cut = [v if v is None else v[s] for v, s in zip(values[:both], spans, strict=True)]
        return cut + list(values[both:])

    def __call__(self, scores: Tensor, values: Sequence[Tensor]) -> Tensor:
        """The function, elementwise."""
        rows, others = values[: self.row_values], values[self.row_values :]
        return self.function(scores, *(row[:, None] for row in rows), *others)


def _plain(a: Tensor, k: Tensor, call: _Call, *values: Tensor) -> Tensor:
    """The sum from all pairs at once: small problems, second derivatives."""
    found = call(a @ k.T, values)
    return (found * call.weights.written(found.detach()) if call.weights else found).sum()


def _tiled(a: Tensor, k: Tensor, call: _Call, *values: Tensor) -> Tensor:
    """The sum by tiles; under `pairs_shared` this rank takes some of the rows."""
    if (rows := own_rows(len(a))) is None:
        return _PairSum.apply(a, k, call, *values)
    every = slice(0, len(k))
    own = replace(call, weights=call.weights.tile(rows, every))
    return summed(_PairSum.apply(a[rows], k, own, *call.pieces(values, rows, every)))


class _PairSum(torch.autograd.Function):
    """The sum tile by tile, each with the gradients that autograd finds within it."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, k: Tensor, call: _Call, *values: Tensor) -> Tensor:
        inputs, needs = (a, k, *values), ctx.needs_input_grad
        wanted = [call.grad and need for need in (*needs[:2], *needs[3:])]
        sums = [torch.zeros_like(t) if w else None for t, w in zip(inputs, wanted, strict=True)]
        total = a.new_zeros((), dtype=torch.float64)  # up to N M terms of one sign
        for tile in Tiles(a, k, call.weights, products=call.products):
            total += _add_tile(tile, call, values, sums)
        ctx.save_for_backward(*inputs, *sums)
        ctx.call = call
        return total.to(a.dtype)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors
        inputs, sums = saved[: len(saved) // 2], saved[len(saved) // 2 :]
        if torch.is_grad_enabled():
            total = _plain(*inputs[:2], ctx.call, *inputs[2:])
            found = graph_gradients((total,), inputs, (g,))
        else:
            found = [None if part is None else g * part for part in sums]
        return found[0], found[1], None, *found[2:]


def _add_tile(
    tile: Tile, call: _Call, values: Sequence[Tensor], sums: Sequence[Tensor | None]
) -> Tensor:
    """The sum over one tile; its gradients are added to `sums` where those are wanted."""
    tiles, (to_a, to_k, *others) = tile.tiles, sums
    rows, columns = tiles.span(tile.i, tile.j)
    into = call.pieces(others, rows, columns)
    leaves = [
        piece.detach().requires_grad_(to is not None)
        for piece, to in zip(call.pieces(values, rows, columns), into, strict=True)
    ]
    scores = tile.x.detach().requires_grad_(to_a is not None or to_k is not None)
    total = _tile_sum(tile, call, scores, leaves)
    slope, *parts = _slopes(total, [scores, *leaves])
    if slope is not None and to_a is not None:
        _add(to_a[rows], slope, tiles.columns[tile.j], tiles.products)
    if slope is not None and to_k is not None:
        _add(to_k[columns], slope.t(), tiles.rows[tile.i], tiles.products)
    for part, to in zip(parts, into, strict=True):
        if part is not None:
            to.add_(part)
    return total.detach()


def _add(out: Tensor, slope: Tensor, rows: Tensor, half: torch.dtype | None) -> None:
    """Add slope times rows; float16 would lose small slopes, bfloat16 has the range of float32."""
    if half == torch.bfloat16:
        add_product(out, slope.to(half), rows.to(half), 1.0)
    else:
        out.addmm_(slope, rows)


@torch.enable_grad()
def _tile_sum(tile: Tile, call: _Call, scores: Tensor, values: Sequence[Tensor]) -> Tensor:
    found = call(scores, values)
    if tile.weights:
        found = found * tile.weights.multiply_(torch.ones_like(found.detach()), tile.factor)
    return found.sum()


def _slopes(total: Tensor, leaves: Sequence[Tensor]) -> list[Tensor | None]:
    """The gradient to each leaf, None to those that want none or are not used."""
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    if not total.requires_grad:
        return [None] * len(leaves)
    found = iter(torch.autograd.grad(total, wanted, allow_unused=True))
    return [next(found) if leaf.requires_grad else None for leaf in leaves]


class _SoftplusAgainst(torch.autograd.Function):
    """sum_p softplus((s - level_p) / t); the backward pass goes through the levels once more."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, levels: Tensor, temperature: float) -> Tensor:
        ctx.save_for_backward(scores, levels)
        ctx.temperature = temperature
        total = torch.zeros_like(scores)
        for level in levels.unbind():
            total += softplus((scores - level) / temperature)
        return total

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, None]:
        scores, levels = ctx.saved_tensors
        slope, to_levels = torch.zeros_like(scores), []
        for level in levels.unbind():
            share = g * torch.sigmoid((scores - level) / ctx.temperature) / ctx.temperature
            slope = slope + share
            to_levels.append(-share.sum())
        to_levels = torch.stack(to_levels) if to_levels else torch.zeros_like(levels)
        return slope, to_levels, None
