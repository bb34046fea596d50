"""Gradients of the row statistics: each strip's dL/dx is written once and used in two products."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from contrast.primitives.kernels.launching import Sent, Strip
from contrast.primitives.kernels.operands import Operands
from contrast.primitives.products import add_product, product


@dataclass(frozen=True)
class Upstream:
    """g = dL/dl, h = dL/de, u = dL/dc."""

    g: Tensor
    h: Tensor | None = None
    u: Tensor | None = None


@dataclass(frozen=True)
class Divided:
    """What is sent, over its largest value, by which the gradients are multiplied at the end.

    Only float16 needs it: elsewhere `largest` is 1.
    """

    sent: Sent
    largest: Tensor | float


def what_is_sent(
    op: Operands, up: Upstream, lse: Tensor, moment: Tensor | None, column_lse: Tensor | None
) -> Divided:
    """What rows and columns send into each pair."""
    factor = up.g if up.h is None else up.g + up.h * (1 - moment)
    largest = _largest(op, up) if op.a.dtype == torch.float16 else 1.0
    factor, slope, column = (
        None if part is None else (part / largest).contiguous()  # what `sum` sends has stride 0
        for part in (factor, up.h, up.u)
    )
    sent = Sent(_high(lse), factor, slope)
    if column is not None:
        sent = replace(sent, column_lse=_high(column_lse), column_factor=column)
    return Divided(sent, largest)


def all_gradients(
    op: Operands, divided: Divided, *, candidates: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """dL/da, dL/dk if wanted, and dL/dr of x = scale r a k^T."""
    sent, largest = divided.sent, divided.largest
    alone = sent.slope is None and sent.column_lse is None
    on_rows = _times(op.row_scale, sent.factor if alone else None)
    pushed = op.a if on_rows is None else (op.a * on_rows[:, None]).to(op.a.dtype)
    da, dr = torch.empty_like(op.a), _empty_like(op.row_scale)
    dk = torch.zeros_like(op.k, dtype=op.wide) if candidates else None
    by = op.scale / op.lift
    for strip, pulled in _strips(op, replace(sent, factor=None) if alone else sent):
        rows = strip.rows
        if dk is not None:
            add_product(dk, strip.held.T, pushed[rows], by)
        pulled.mul_(by * largest)
        if alone:
            pulled.mul_(sent.factor[rows, None])
        if dr is not None:
            dr[rows] = (pulled * op.a[rows]).sum(1)
            pulled.mul_(op.row_scale[rows, None])
        da[rows] = pulled
    return da, None if dk is None else dk.mul_(largest).to(op.k.dtype), dr


def half_gradients(op: Operands, divided: Divided) -> tuple[Tensor, Tensor | None]:
    """dL/da and dL/dr of x = scale r a a^T, r the same for all rows, from half the pairs."""
    da, by = torch.zeros_like(op.a, dtype=op.wide), op.scale / op.lift
    for strip, pulled in _strips(op, divided.sent, half=True):
        rows = strip.rows
        height = rows.stop - rows.start
        da[rows].add_(pulled, alpha=by)
        if rows.stop < len(da):
            add_product(da[rows.stop :], strip.held[:, height:].T, op.a[rows], by)
    da.mul_(divided.largest)
    if op.row_scale is None:
        return da.to(op.a.dtype), None
    dr = (da * op.a).sum(1) / 2  # each pair stands in it twice
    return da.mul_(op.row_scale[:, None]).to(op.a.dtype), dr


def _strips(op: Operands, sent: Sent, *, half: bool = False):
    """Each strip with its dL/dx in memory, and that times the candidates."""
    buffer = op.buffer(stored=True, half=half)
    memory = op.a.new_empty(len(buffer.held), op.a.shape[1], dtype=op.wide)
    for rows, columns in op.strips(stored=True, half=half):
        strip = Strip(op, rows, columns, buffer)
        strip.gradients(sent)
        yield strip, product(strip.held, op.k[columns], memory[: rows.stop - rows.start])


def _largest(op: Operands, up: Upstream) -> Tensor:
    """A bound on |dL/dx_ij|, so that what is stored in float16 stays within 1."""
    most = up.g.abs().max()
    if up.h is not None:
        of_a, of_k = (torch.linalg.vector_norm(t, dim=1, dtype=op.wide).max() for t in (op.a, op.k))
        of_r = 1 if op.row_scale is None else op.row_scale.abs().max()
        most = most + up.h.abs().max() * (1 + 2 * of_a * of_k * of_r * abs(op.scale))
    if up.u is not None:
        most = most + up.u.abs().max()
    return most.clamp_min(torch.finfo(op.wide).tiny)


def _high(lse: Tensor) -> Tensor:
    """+inf where nothing counts, so that e^(x - lse) is 0 there."""
    return lse.masked_fill(lse == -torch.inf, torch.inf)


def _times(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    if a is None or b is None:
        return b if a is None else a
    return a * b


def _empty_like(x: Tensor | None) -> Tensor | None:
    return None if x is None else torch.empty_like(x)
