"""The pairs of a gathered form shared out: each rank evaluates some, all know what comes out.

All ranks hold the same rows after a `gather` and would do the same work. In a block of
`pairs_shared` a primitive evaluates this rank's pairs alone; what is found, O(N) numbers, is put
together over ranks, so that whatever is written on top sees what it would see on one process.

           rows against others          rows against themselves: each pair once, of three ranks
rank 0     rows 0..N/R of all           block (0, 0) and (0, 1)
rank 1     rows N/R..2N/R of all        block (1, 1) and (1, 2)      (i, j) also stands for (j, i)
rank 2     the rest                     block (2, 2) and (2, 0)

Backward: the upstream gradient is summed over ranks, and each rank differentiates its own pairs.
Summed over ranks, as `gather` and the engine do, that is the gradient of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

from contrast.engine.distribution import World, collective_device
from contrast.primitives.plain import Plan, Statistics

Run = Callable[[Tensor, Tensor | None, Plan], Statistics]
Block = tuple[slice, slice]

ALONE = World()
_WORLD: ContextVar[World] = ContextVar("world")


@contextmanager
def pairs_shared(world: World) -> Iterator[None]:
    """Within the block every rank holds the same rows, and evaluates its share of their pairs.

    Holds for what is called in the block; its backward pass may come later. All ranks must make the
    same calls in the same order, and weigh what they differentiate by shares that add up to 1.
    Problems small enough to be held at once are not shared. No graph of the gradient is formed.
    """
    before = _WORLD.set(world)
    try:
        yield
    finally:
        _WORLD.reset(before)


def own_rows(n: int) -> slice | None:
    """Which of n rows this rank evaluates; None where it evaluates all."""
    world = _WORLD.get(ALONE)
    return _spans(n, world.size)[world.rank] if 1 < world.size <= n else None


def summed(own: Tensor) -> Tensor:
    """The sum over ranks, on every rank; so is the gradient."""
    return _Sum.apply(own, _WORLD.get(ALONE))


def joined(own: Tensor, rows: slice, n: int) -> Tensor:
    """All n rows, of which each rank has found its `own_rows`: (n, ...)."""
    nothing = own.new_zeros(n, *own.shape[1:])
    return summed(nothing.slice_scatter(own, 0, rows.start, rows.stop))


def shared(run: Run, a: Tensor, k: Tensor | None, plan: Plan) -> Statistics:
    """`run(a, k, plan)` of `row_lse`, shared out; k = None stands for a, half of whose pairs do."""
    rows, n = own_rows(len(a)), len(a)
    if rows is None:
        return run(a, k, plan)
    world = _WORLD.get(ALONE)
    if k is None:
        return _shared_half(run, a, plan, world), None, None
    every = slice(0, len(k))
    own = replace(plan, weights=plan.weights.tile(rows, every))
    lse, moment, column_lse = run(a[rows], k, own)
    return (
        _LogSum.apply(world, n, (rows,), lse),
        None if moment is None else joined(moment, rows, n),
        None if column_lse is None else _LogSum.apply(world, len(k), (every,), column_lse),
    )


def _shared_half(run: Run, a: Tensor, plan: Plan, world: World) -> Tensor:
    """The log-sum-exp of rows against themselves, each pair evaluated once."""
    places, pieces, others = [], [], plan.partners(a, None)
    for rows, columns in _blocks(len(a), world):
        own = replace(plan, weights=plan.weights.tile(rows, columns), columns=rows != columns)
        lse, _, column_lse = run(a[rows], others[columns] if own.columns else None, own)
        places.append(rows)
        pieces.append(lse)
        if own.columns:
            places.append(columns)
            pieces.append(column_lse)
    return _LogSum.apply(world, len(a), tuple(places), *pieces)


def _blocks(n: int, world: World) -> Iterator[Block]:
    """This rank's blocks of the pairs of n rows: each unordered pair is in one, of one rank."""
    spans, rank = _spans(n, world.size), world.rank
    yield spans[rank], spans[rank]
    for distance in range(1, world.size // 2 + 1):
        other = (rank + distance) % world.size
        rows, columns = spans[rank], spans[other]
        if 2 * distance == world.size:  # the other rank comes to this block too: half for each
            rows, columns = spans[min(rank, other)], spans[max(rank, other)]
            middle = (rows.start + rows.stop) // 2
            first = rank < other
            rows = slice(rows.start, middle) if first else slice(middle, rows.stop)
        if rows.start < rows.stop:
            yield rows, columns


def _spans(n: int, size: int) -> list[slice]:
    """n rows cut into as many runs as there are ranks."""
    return [slice(n * r // size, n * (r + 1) // size) for r in range(size)]


class _Sum(torch.autograd.Function):
    """The sum over ranks, forward and backward."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, world: World) -> Tensor:
        ctx.world = world
        return world.sum(own.clone()).to(own.device)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        return ctx.world.sum(g.clone()).to(g.device), None


class _LogSum(torch.autograd.Function):
    """log sum exp over all pieces of all ranks that lie in a place, (n,); -inf where none does."""

    @staticmethod
    def forward(ctx: Any, world: World, n: int, places: Sequence[slice], *pieces: Tensor) -> Tensor:
        own = pieces[0].new_full((n,), -torch.inf)
        for place, piece in zip(places, pieces, strict=True):
            own[place] = torch.logaddexp(own[place], piece)
        sent = own.to(collective_device())
        everyone = [torch.empty_like(sent) for _ in range(world.size)]
        dist.all_gather(everyone, sent)
        whole = torch.stack(everyone).logsumexp(0).to(own.device)
        ctx.save_for_backward(whole, *pieces)
        ctx.world, ctx.places = world, places
        return whole

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        whole, *pieces = ctx.saved_tensors
        g = ctx.world.sum(g.clone()).to(g.device).masked_fill(whole == -torch.inf, 0)
        whole = whole.masked_fill(whole == -torch.inf, 0)
        shares = (
            g[place] * (piece - whole[place]).exp()
            for place, piece in zip(ctx.places, pieces, strict=True)
        )
        return None, None, None, *shares
