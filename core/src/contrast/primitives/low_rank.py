"""log sigmoid(v . tanh(r_i + c_j) + b) for all pairs, without a transcendental function a unit.

    tanh(r + c) = 1 - 2 q,   q = 1 / (1 + e^2r e^2c),   dtanh = 4 q (1 - q)

The exponentials are taken of the (N, H) and (M, H) factors; a pair costs a product, a sum and a
reciprocal for each of H units, one unit at a time in memory of the size of the pairs. At 256 x 4096
pairs and H = 16 this takes a tenth of the time of tanh over (N, M, H), an eighth with gradients.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

FARTHEST = 43.0  # e^2r is a normal float32 up to here, and e^2r e^2c right or infinite, where q = 0
WIDTH = 512  # candidates at a time, so that a unit's pairs stay in the processor's cache


def log_weight(rows: Tensor, columns: Tensor, direction: Tensor, bias: Tensor) -> Tensor:
    """log sigmoid(direction . tanh(rows_i + columns_j) + bias).

    Shapes:  rows: (N, H);  columns: (M, H);  direction: (H,);  bias: ();  returns (N, M).
    Gradient: to all four; a graph of the gradient itself is formed in O(N M H) memory, and so is
    everything where a factor exceeds 43.
    """
    if any((x.detach().abs() > FARTHEST).any() for x in (rows, columns)):
        return plain(rows, columns, direction, bias)
    return _LogWeight.apply(rows, columns, direction, bias)


def plain(rows: Tensor, columns: Tensor, direction: Tensor, bias: Tensor) -> Tensor:
    """The same by the formula, in O(N M H) memory."""
    return logsigmoid(torch.tanh(rows[:, None] + columns) @ direction + bias)


class _LogWeight(torch.autograd.Function):
    """The log-weights, with their gradients unit by unit."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, columns: Tensor, direction: Tensor, bias: Tensor) -> Tensor:
        r, c = _exponentials(rows), _exponentials(columns)
        level = bias + direction.sum()
        out = level.expand(len(rows), len(columns)).contiguous()
        for part, c_part in zip(out.split(WIDTH, 1), c.split(WIDTH, 1), strict=True):
            unit = torch.empty_like(part, memory_format=torch.contiguous_format)
            for h, weight in enumerate(direction):
                part.addcmul_(_share(r[h], c_part[h], unit), weight, value=-2)
        ctx.save_for_backward(rows, columns, direction, bias, out)
        return logsigmoid(out)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, ...]:
        *inputs, logits = ctx.saved_tensors
        if torch.is_grad_enabled():
            return torch.autograd.grad(plain(*inputs), inputs, g, create_graph=True)
        rows, columns, direction, _ = inputs
        slope = torch.sigmoid(-logits).mul_(g)
        r, c = _exponentials(rows), _exponentials(columns)
        to_rows, to_columns = torch.zeros_like(r), torch.zeros_like(c)
        to_direction = torch.zeros_like(direction)
        pieces = (t.split(WIDTH, 1) for t in (slope, c, to_columns))
        for part, c_part, to_part in zip(*pieces, strict=True):
            unit, sent = torch.empty_like(part), torch.empty_like(part)
            for h in range(len(r)):
                q = _share(r[h], c_part[h], unit)
                torch.mul(part, q, out=sent)
                to_direction[h] -= 2 * sent.sum()
                sent.addcmul_(sent, q, value=-1)
                to_rows[h] += sent.sum(1)
                to_part[h] += sent.sum(0)
        scale = 4 * direction
        to_direction += slope.sum()
        return (to_rows.T * scale, to_columns.T * scale, to_direction, slope.sum())


def _exponentials(x: Tensor) -> Tensor:
    """e^2x, one unit a row, (H, N)."""
    return x.T.mul(2).exp().contiguous()


def _share(r: Tensor, c: Tensor, out: Tensor) -> Tensor:
    """q = 1 / (1 + r c) of one unit, (N, M)."""
    return torch.mul(r[:, None], c, out=out).add_(1).reciprocal_()
