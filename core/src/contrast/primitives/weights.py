"""Structures made ready for tiles: sorted by kind, in one dtype, written into scratch memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from contrast.forms import Apart, Differ, Same
from contrast.primitives.structure import (
    LogWeight,
    LowRank,
    Mask,
    OffDiagonal,
    Structure,
    pairs_of,
)

Borrow = Callable[[str], Tensor]  # a scratch tile by name, in the shape and dtype of the scores


@dataclass(frozen=True)
class Groupings:
    """w_ij = in how many of C groupings two ids are equal (or not): `Same`, `Differ`, `Apart`.

    Shapes:  rows: (C, N);  columns: (C, M).
    """

    rows: Tensor
    columns: Tensor
    equal: bool

    def tile(self, rows: slice, columns: slice) -> Groupings:
        """The factor between some of the anchors and some of the candidates."""
        return Groupings(self.rows[:, rows], self.columns[:, columns], self.equal)

    def write(self, out: Tensor, borrow: Borrow) -> Tensor:
        """The factor written out, (N, M)."""
        compare = torch.eq if self.equal else torch.ne
        for c, (row, column) in enumerate(zip(self.rows, self.columns, strict=True)):
            if c == 0:
                compare(row[:, None], column, out=out)
            else:
                out.add_(compare(row[:, None], column, out=borrow("grouping")))
        return out


@dataclass(frozen=True)
class Allowed:
    """w_ij = 1 where allowed: a written `Mask`."""

    mask: Tensor

    def tile(self, rows: slice, columns: slice) -> Allowed:
        """The factor between some of the anchors and some of the candidates."""
        return Allowed(self.mask[rows, columns])

    def write(self, out: Tensor, borrow: Borrow) -> Tensor:
        """The factor written out, (N, M)."""
        return out.copy_(self.mask)


@dataclass(frozen=True)
class Weights:
    """The product of some structures, sorted by kind: of all pairs, or of a tile of them."""

    holes: tuple[OffDiagonal, ...] = ()
    factors: tuple[Groupings | Allowed, ...] = ()
    logs: tuple[LogWeight | LowRank, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.holes or self.factors or self.logs)

    def tile(self, rows: slice, columns: slice) -> Weights:
        """The weights between some of the anchors and some of the candidates."""
        holes = tuple(s for hole in self.holes if (s := hole.tile(rows, columns)).offsets)
        if not (self.factors or self.logs):
            return Weights(holes) if holes else NONE
        factors, logs = (
            (s.tile(rows, columns) for s in kind) for kind in (self.factors, self.logs)
        )
        return Weights(holes, tuple(factors), tuple(logs))

    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors that gradients may flow to."""
        return tuple(tensor for s in self.logs for tensor in _tensors(s))

    def factor(self, borrow: Borrow) -> Tensor | None:
        """The product of the factors written out, or None where there is none."""
        if not self.factors:
            return None
        first, *others = self.factors
        product = first.write(borrow("factor"), borrow)
        for other in others:
            product.mul_(other.write(borrow("next factor"), borrow))
        return product

    def multiply_(self, tile: Tensor, factor: Tensor | None) -> Tensor:
        """The tile times the written factor, with the holes cut out."""
        if factor is not None:
            tile.mul_(factor)
        for hole in self.holes:
            hole.fill_(tile, 0.0)
        return tile

    def add_logs_(self, scores: Tensor, unit: float) -> Tensor:
        """The tile of scores, in multiples of `unit`, plus the log-weights."""
        for structure in self.logs:
            scores.add_(structure.log_weight(), alpha=1 / unit)
        return scores

    def written(self, like: Tensor) -> Tensor:
        """The product of factors and holes for all pairs, (N, M)."""
        factor = self.factor(lambda name: torch.empty_like(like))
        return self.multiply_(torch.ones_like(like), factor)

    def add_to(self, scores: Tensor) -> Tensor:
        """The scores of all pairs plus the log of all weights; may write into the scores."""
        factor = self.factor(lambda name: torch.empty_like(scores))
        x = scores if factor is None else scores + factor.log()
        x = sum((s.log_weight() for s in self.logs), x)
        for hole in self.holes:
            hole.fill_(x, -torch.inf)
        return x

    def zeros(self) -> Weights:
        """Zeros in the shape of `tensors`: what `add_gradients` adds to, tile by tile."""
        empty = (type(s)(*(torch.zeros_like(tensor) for tensor in _tensors(s))) for s in self.logs)
        return Weights(logs=tuple(empty))

    def add_gradients(self, gradient: Tensor, sums: Weights) -> None:
        """Add to `sums`, a tile of `zeros`, what a gradient of the log-weights brings."""
        for structure, into in zip(self.logs, sums.logs, strict=True):
            leaves = [tensor.detach().requires_grad_() for tensor in _tensors(structure)]
            with torch.enable_grad():
                written = type(structure)(*leaves).log_weight()
            parts = torch.autograd.grad(written, leaves, gradient)
            for total, part in zip(_tensors(into), parts, strict=True):
                total.add_(part)


NONE = Weights()


def ready(structures: Iterable[Structure], shape: tuple[int, int], like: Tensor) -> Weights:
    """The structures as `Weights` of (N, M) pairs, in the dtype of `like`.

    Raises: ValueError: a structure is of other pairs.  TypeError: it is no structure.
    """
    holes, factors, logs = [], [], []
    for s in structures:
        if not isinstance(s, Structure):
            raise TypeError(f"weights must be structures such as `Same`, got {type(s).__name__}")
        if pairs_of(s) not in (None, shape):
            raise ValueError(f"{type(s).__name__} is of {pairs_of(s)} pairs, the scores of {shape}")
        if isinstance(s, OffDiagonal):
            holes.append(s)
        elif isinstance(s, LogWeight | LowRank):
            logs.append(type(s)(*(tensor.to(like.dtype) for tensor in _tensors(s))))
        else:
            factors.append(Allowed(s.allowed) if isinstance(s, Mask) else _groupings(s, like))
    return Weights(tuple(holes), tuple(factors), tuple(logs))


def _groupings(relation: Same | Differ | Apart, like: Tensor) -> Groupings:
    """The relation with its ids numbered from 0, as floats.

    On CPU a comparison of floats written as floats takes 0.1 ns an entry, of integers 0.7 ns.
    """
    rows, columns = relation.rows, relation.columns
    if not isinstance(relation, Apart):
        alike = rows is columns
        rows = rows[None]
        columns = rows if alike else columns[None]
    ids = rows if rows is columns else torch.cat((rows, columns), 1)
    numbers = torch.unique(ids, return_inverse=True)[1].to(like.dtype)
    rows, columns = numbers[:, : rows.shape[1]], numbers[:, ids.shape[1] - columns.shape[1] :]
    return Groupings(rows, columns, equal=isinstance(relation, Same))


def _tensors(structure: LogWeight | LowRank) -> list[Tensor]:
    return [getattr(structure, item.name) for item in fields(structure)]
