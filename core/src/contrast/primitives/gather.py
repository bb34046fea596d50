"""Gathering over processes: every rank gets the form of all samples, gradients find their way home.

rank 0: z_0 ──┐                    ┌── z_0, z_1, z_2 ──► L_0        forward: all-gather
rank 1: z_1 ──┼── the whole form ──┼── z_0, z_1, z_2 ──► L_1
rank 2: z_2 ──┘                    └── z_0, z_1, z_2 ──► L_2        backward: the sum over q
                                                                    of dL_q/dz_r to rank r
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import prod
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from contrast.engine.distribution import World, collective_device
from contrast.forms import Form
from contrast.primitives.join import join, sampled, tensor_at, with_tensors

Shapes = list[list[tuple[int, ...]]]  # of each rank, of each tensor
ALIGNED = 16  # bytes, a multiple of every dtype's, at which tensors begin in a block


def gather(form: Form, world: World) -> Form:
    """The form of all ranks' samples, rank after rank, by the sample axes that it declares.

    Backward is the exact adjoint: rank r receives the sum over ranks q of dL_q/dz_r, its own
    slice. A gather whose backward drops the sum is wrong unless every rank evaluates the same
    loss; one without gradient loses the cross terms. What the L_q are summed
    with is the engine's business: it weighs each rank's loss by its share before the backward.

    Ranks may hold different numbers of samples, also none. Ids, labels and relations are gathered
    too and must mean the same everywhere: sample ids, never positions in a batch. See `join` for
    forms with a mask and for `Pairs` with further candidates.

    Cost: two collectives forward (shapes, then all tensors as one block of bytes), one backward;
    each rank sends its own samples and receives all.
    Raises: ValueError: sizes differ along another axis and there is no mask.
    """
    if world.size == 1:
        return form
    paths = [path for path, _ in sampled(form)]
    own = [tensor_at(form, path) for path in paths]
    shapes = _all_shapes(own, world)
    everything = _Gather.apply(world, shapes, *own)
    ranks = [everything[r * len(own) : (r + 1) * len(own)] for r in range(world.size)]
    return join([with_tensors(form, dict(zip(paths, each, strict=True))) for each in ranks])


class _Gather(torch.autograd.Function):
    """Every rank's tensors on every rank, rank after rank; backward sums over ranks."""

    @staticmethod
    def forward(ctx: Any, world: World, shapes: Shapes, *own: Tensor) -> tuple[Tensor, ...]:
        ctx.world, ctx.shapes = world, shapes
        ctx.kinds = [(tensor.dtype, tensor.device) for tensor in own]
        ctx.set_materialize_grads(False)
        everything = [
            piece.to(tensor.device)
            for pieces in _exchange(own, shapes, world)
            for piece, tensor in zip(pieces, own, strict=True)
        ]
        needed = ctx.needs_input_grad[2:] * world.size
        still = [tensor for tensor, need in zip(everything, needed, strict=True) if not need]
        ctx.mark_non_differentiable(*still)
        return tuple(everything)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        needed = [i for i, need in enumerate(ctx.needs_input_grad[2:]) if need]
        dtype = _sum_dtype(ctx.kinds[i][0] for i in needed)
        blocks = []
        for r, each in enumerate(ctx.shapes):
            of_rank = gradients[r * len(ctx.kinds) :]
            blocks.append(torch.cat([_flat(of_rank[i], each[i], dtype) for i in needed]))
        shapes = ctx.shapes[ctx.world.rank]
        own = _reduce_scatter(blocks, ctx.world).split([prod(shapes[i]) for i in needed])
        found: list[Tensor | None] = [None] * len(ctx.kinds)
        for i, piece in zip(needed, own, strict=True):
            kind, device = ctx.kinds[i]
            found[i] = piece.view(shapes[i]).to(device, kind)
        return None, None, *found


def _all_shapes(own: Sequence[Tensor], world: World) -> Shapes:
    sizes = torch.tensor([n for tensor in own for n in tensor.shape], device=collective_device())
    everyone = [torch.empty_like(sizes) for _ in range(world.size)]
    dist.all_gather(everyone, sizes)
    found = []
    for numbers in torch.stack(everyone).tolist():
        each = iter(numbers)
        found.append([tuple(next(each) for _ in tensor.shape) for tensor in own])
    return found


def _exchange(own: Sequence[Tensor], shapes: Shapes, world: World) -> list[list[Tensor]]:
    """All ranks' tensors, sent as one block of bytes a rank, padded to the largest."""
    ends = [
        list(accumulate(_bytes(s, t) for s, t in zip(each, own, strict=True))) for each in shapes
    ]
    block = torch.zeros(max(end[-1] for end in ends), dtype=torch.uint8, device=collective_device())
    for tensor, end in zip(own, ends[world.rank], strict=True):
        start = end - _bytes(tensor.shape, tensor)
        # A single row counts as contiguous whatever its stride, and then has no view as bytes.
        flat = tensor.detach().reshape(-1).clone(memory_format=torch.contiguous_format)
        block[start : start + tensor.nbytes] = flat.view(torch.uint8)
    blocks = [torch.empty_like(block) for _ in range(world.size)]
    dist.all_gather(blocks, block)
    return [
        [_read(block, end, s, t) for end, s, t in zip(each, of_rank, own, strict=True)]
        for block, each, of_rank in zip(blocks, ends, shapes, strict=True)
    ]


def _bytes(shape: Sequence[int], like: Tensor) -> int:
    """What a tensor takes up in a block."""
    return -(-prod(shape) * like.element_size() // ALIGNED) * ALIGNED


def _read(block: Tensor, end: int, shape: Sequence[int], like: Tensor) -> Tensor:
    start = end - _bytes(shape, like)
    piece = block[start : start + prod(shape) * like.element_size()]
    return piece.clone().view(like.dtype).view(shape)


def _sum_dtype(dtypes: Iterable[torch.dtype]) -> torch.dtype:
    return torch.float64 if torch.float64 in dtypes else torch.float32


def _flat(gradient: Tensor | None, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    if gradient is None:
        return torch.zeros(prod(shape), dtype=dtype, device=collective_device())
    return gradient.reshape(-1).to(collective_device(), dtype)


def _reduce_scatter(blocks: list[Tensor], world: World) -> Tensor:
    """The sum over ranks of this rank's block; the blocks of one rank differ in length."""
    longest = max(map(len, blocks))
    padded = [pad(block, (0, longest - len(block))) for block in blocks]
    own = torch.empty_like(padded[0])
    dist.reduce_scatter(own, padded)
    return own[: len(blocks[world.rank])]
