"""Log-sum-exp over the candidates of all ranks, which travel in a ring and are never all in one.

step 0       step 1       step 2        A block of candidates visits every rank. On the way back
a_0 · k_0    a_0 · k_2    a_0 · k_1     its gradient travels with it and is home after R steps.
a_1 · k_1    a_1 · k_0    a_1 · k_2
a_2 · k_2    a_2 · k_1    a_2 · k_0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

from contrast.engine.distribution import World, collective_device
from contrast.forms import Differ, Same
from contrast.primitives.row_lse import row_lse
from contrast.primitives.scores import Score, wide


def ring_lse(
    anchors: Tensor,
    candidates: Tensor,
    world: World,
    *,
    temperature: float = 1.0,
    score: Score = "inner",
    excluded: Same | None = None,
) -> Tensor:
    """The log-sum-exp of this rank's anchors over the candidates of all ranks.

    l_i = log sum_j exp(s_ij / t) over all j of all ranks that are not `excluded`. What `row_lse`
    gives on gathered candidates, where those would not fit: each rank evaluates its own rows, and
    its loss is the mean over them.

    Shapes:  anchors: (N, D), candidates: (M, D) of this rank, N and M may differ between ranks;
    excluded: rows (N,), columns (M,), ids that mean the same on every rank.  Returns (N,).
    Gradient: to both, of first order; candidates receive the sum over ranks.
    Cost: 5 N M_all D products in all, O((N + M) D) memory on each rank; R - 1 shifts of a block
    forward, R of a block and its gradient backward.
    Raises: ValueError: shapes do not fit, or temperature <= 0.
    """
    ids = excluded.columns if excluded is not None else torch.arange(len(candidates))
    sizes = torch.zeros(world.size, dtype=torch.long)
    sizes[world.rank] = len(candidates)
    ring = Ring(world, world.sum(sizes).tolist())
    rows = None if excluded is None else excluded.rows
    ids = ids.to(candidates.device)
    return _RingLse.apply(wide(anchors), wide(candidates), ids, rows, ring, temperature, score)


@dataclass(frozen=True)
class Ring:
    """The ranks in a ring, and how many candidates each of them owns."""

    world: World
    sizes: list[int]

    def shift(self, tensor: Tensor, step: int) -> Tensor:
        """What the rank before holds at this step, for what this rank holds."""
        rank, size = self.world.rank, self.world.size
        if size == 1:
            return tensor
        incoming = self.sizes[(rank - step - 1) % size]
        sent = tensor.to(collective_device()).contiguous()
        received = sent.new_empty(incoming, *tensor.shape[1:])
        moves = [
            dist.P2POp(act, what, (rank + by) % size)
            for act, what, by in ((dist.isend, sent, 1), (dist.irecv, received, -1))
            if what.numel()
        ]
        for move in dist.batch_isend_irecv(moves) if moves else ():
            move.wait()
        return received.to(tensor.device)


class _RingLse(torch.autograd.Function):
    """`ring_lse`; the block of step s came from the rank s places before."""

    @staticmethod
    def forward(
        ctx: Any,
        a: Tensor,
        k: Tensor,
        ids: Tensor,
        rows: Tensor | None,
        ring: Ring,
        temperature: float,
        score: Score,
    ) -> Tensor:
        lse = a.new_full((len(a),), -torch.inf)
        block, of = k, ids
        for step in range(ring.world.size):
            if step:
                block, of = ring.shift(block, step - 1), ring.shift(of, step - 1)
            if len(block):
                lse = torch.logaddexp(lse, _block_lse(a, block, of, rows, temperature, score))
        ctx.settings = ring, temperature, score
        ctx.save_for_backward(a, k, ids, rows, lse)
        return lse

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        a, k, ids, rows, lse = ctx.saved_tensors
        ring, temperature, score = ctx.settings
        d_a, block, of, d_block = torch.zeros_like(a), k, ids, torch.zeros_like(k)
        for step in range(ring.world.size):
            if len(block):
                leaves = [a.detach().requires_grad_(), block.detach().requires_grad_()]
                with torch.enable_grad():
                    part = _block_lse(*leaves, of, rows, temperature, score)
                # dl/dl_block; a row that has no candidate at all has no gradient either.
                share = (part.detach() - lse).exp().masked_fill(lse == -torch.inf, 0)
                more_a, more_block = torch.autograd.grad(part, leaves, g * share)
                d_a, d_block = d_a + more_a, d_block + more_block
            d_block = ring.shift(d_block, step)
            if step < ring.world.size - 1:
                block, of = ring.shift(block, step), ring.shift(of, step)
        return d_a, d_block, None, None, None, None, None


def _block_lse(
    a: Tensor, k: Tensor, ids: Tensor, rows: Tensor | None, temperature: float, score: Score
) -> Tensor:
    weights = () if rows is None else (Differ(rows, ids),)
    return row_lse(a, k, temperature=temperature, score=score, weights=weights).lse
