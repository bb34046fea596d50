"""The kernels launched over a strip of anchors: statistics, gradients, exponentials lowered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from contrast.primitives.kernels import operands as settings
from contrast.primitives.kernels.operands import Buffer, Operands, chunks, scores_of
from contrast.primitives.kernels.partial_sums import Sums, finite
from contrast.primitives.kernels.passes import gradients, lower, statistics

ACCUMULATORS = {torch.float32: tl.float32, torch.float64: tl.float64}


@dataclass(frozen=True)
class Strip:
    """Some anchors against some candidates."""

    op: Operands
    rows: slice
    columns: slice
    buffer: Buffer

    @property
    def held(self) -> Tensor:
        """The strip's exponentials, (n, m), times the lift."""
        return self.buffer.held[: _length(self.rows), : _length(self.columns)]

    def statistics(
        self, *, start: Tensor | None = None, moment: bool, columns: bool, store: bool
    ) -> tuple[Sums, Sums | None]:
        """The sums of the strip's rows, and if asked of its columns.

        With `store` the exponentials stand in `held`, under one shift a row: the peak of its sums,
        which is `start` at least.
        """
        n, m, (bm, bn, *_) = _length(self.rows), _length(self.columns), self.tile
        by_row = self._empty(2 + moment, triton.cdiv(m, bn), n)
        by_column = self._empty(2, triton.cdiv(n, bm), m) if columns else None
        done = 0
        for part, span in self._parts():
            held = self.held[:, span] if store else None
            self._launch(
                statistics,
                part,
                held,
                None if start is None else start[self.rows],
                held,
                held.stride(0) if store else 0,
                self.op.lift,
                *(by_row[i, done:] if i < 2 + moment else None for i in range(3)),
                *((None, None) if by_column is None else by_column[:, :, span]),
                m,
                STORE=store,
                STARTED=start is not None,
                MOMENT=moment,
                COLUMNS=columns,
            )
            done += triton.cdiv(_length(part), bn)
        sums = Sums.folded(*by_row)
        if store:
            self._lower(by_row[0], finite(sums.peak))
        return sums, None if by_column is None else Sums.folded(*by_column)

    def gradients(self, sent: Sent) -> None:
        """Write dL/dx of the strip, times the lift, into `held`."""
        of_rows = (t if t is None else t[self.rows] for t in (sent.lse, sent.factor, sent.slope))
        of_rows = tuple(of_rows)
        for part, span in self._parts():
            held = self.held[:, span]
            self._launch(
                gradients,
                part,
                held,
                *of_rows,
                *(t if t is None else t[part] for t in (sent.column_lse, sent.column_factor)),
                held,
                held.stride(0),
                self.op.lift,
                FACTOR=sent.factor is not None,
                SLOPE=sent.slope is not None,
                COLUMNS=sent.column_lse is not None,
            )

    @property
    def tile(self) -> tuple[int, int, int, int, int]:
        """Rows, columns and features of a program, its warps and stages."""
        return settings.FUSED_TILE if self.op.fused else settings.READ_TILE

    def _parts(self) -> list[tuple[slice, slice]]:
        """The candidates of each launch: among all, and within the strip."""
        left = self.columns.start
        parts = chunks(self.op, self.columns)
        return [(part, slice(part.start - left, part.stop - left)) for part in parts]

    def _empty(self, count: int, tiles: int, length: int) -> Tensor:
        return self.op.a.new_empty(count, tiles, length, dtype=self.op.wide)

    def _lower(self, peaks: Tensor, shift: Tensor) -> None:
        bm, bn, _, warps, _ = self.tile
        held = self.held
        grid = (triton.cdiv(len(held), bm), len(peaks))
        shape = (held.stride(0), *held.shape)
        lower[grid](held, *shape, peaks, shift, BM=bm, BN=bn, num_warps=warps)

    def _launch(
        self, kernel: Any, part: slice, held: Tensor | None, *own: object, **constants: bool
    ) -> None:
        """One kernel over the strip's anchors and a part of its candidates."""
        op, (bm, bn, bk, warps, stages) = self.op, self.tile
        x = scores_of(op, self.rows, part, self.buffer, held)
        who = op.who.tile(self.rows, part)
        n, m = _length(self.rows), _length(part)
        kernel[(triton.cdiv(n, bm), triton.cdiv(m, bn))](
            op.a[self.rows],
            op.k[part],
            x,
            None if op.row_scale is None else op.row_scale[self.rows],
            n,
            m,
            op.scale,
            who.diagonal,
            op.a.shape[1],
            op.a.stride(0),
            op.k.stride(0),
            0 if x is None else x.stride(0),
            *who.arguments(),
            *own,
            BM=bm,
            BN=bn,
            BK=bk,
            FUSED=op.fused,
            WIDEN=op.a.dtype == torch.bfloat16 and not op.a.is_cuda,
            ACC=ACCUMULATORS[op.wide],
            SCALED=op.row_scale is not None,
            **who.constants(),
            **constants,
            num_warps=warps,
            num_stages=stages,
        )


@dataclass(frozen=True)
class Sent:
    """What rows and columns send into each pair: p (factor + slope x) + q column_factor.

    p = w e^(x - lse), q = w e^(x - column_lse); +inf where a row or column is empty.
    Shapes:  lse, factor, slope: (N,);  column_lse, column_factor: (M,).
    """

    lse: Tensor
    factor: Tensor | None = None
    slope: Tensor | None = None
    column_lse: Tensor | None = None
    column_factor: Tensor | None = None


def _length(part: slice) -> int:
    return part.stop - part.start
