"""Structures as kernels read them: offsets, ids, one mask, one matrix of log-weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce

import torch
from torch import Tensor

from contrast.forms import Apart, Differ, Same
from contrast.primitives.structure import LogWeight, Mask, OffDiagonal, Structure, pairs_of

NO_RELATION = (0, True)


@dataclass(frozen=True)
class Who:
    """What belongs to all pairs beside their rows: who counts, and the scale r_i of each anchor."""

    structures: tuple[Structure, ...]
    row_scale: Tensor | None

    def tile(self, rows: slice, columns: slice) -> Who:
        """The same for some anchors and some candidates."""
        structures = tuple(s.tile(rows, columns) for s in self.structures)
        return Who(structures, None if self.row_scale is None else self.row_scale[rows])


@dataclass(frozen=True)
class Counted:
    """Who counts for whom: all structures of N x M pairs, or of a strip of them.

    Shapes:  holes: (H,) int32;  row_ids: (C, N), column_ids: (C, M) int64;  allowed: (N, M) uint8;
    logs: (N, M) float;  relations: how many groupings each relation has, and whether ids must be
    equal;  diagonal: the candidate that stands in the anchors' own place, less the anchor.
    """

    holes: Tensor | None = None
    row_ids: Tensor | None = None
    column_ids: Tensor | None = None
    relations: tuple[tuple[int, bool], ...] = ()
    allowed: Tensor | None = None
    logs: Tensor | None = None
    diagonal: int = 0

    def tile(self, rows: slice, columns: slice) -> Counted:
        """The same for some anchors and some candidates."""
        cut = {
            "row_ids": None if self.row_ids is None else self.row_ids[:, rows],
            "column_ids": None if self.column_ids is None else self.column_ids[:, columns],
            "allowed": None if self.allowed is None else self.allowed[rows, columns],
            "logs": None if self.logs is None else self.logs[rows, columns],
        }
        return replace(self, **cut, diagonal=self.diagonal + rows.start - columns.start)

    def arguments(self) -> tuple:
        """What both passes take between the strides of the operands and their own tensors."""
        ids, others, pairs = self.row_ids, self.column_ids, self.allowed
        pairs = self.logs if pairs is None else pairs
        return (
            self.holes,
            ids,
            others,
            0 if ids is None else ids.stride(0),
            0 if others is None else others.stride(0),
            self.allowed,
            self.logs,
            0 if pairs is None else pairs.stride(0),
        )

    def constants(self) -> dict[str, int | bool]:
        """What a kernel is compiled for."""
        (first, first_equal), (second, second_equal) = (*self.relations, *[NO_RELATION] * 2)[:2]
        return {
            "HOLES": 0 if self.holes is None else len(self.holes),
            "FIRST": first,
            "FIRST_EQUAL": first_equal,
            "SECOND": second,
            "SECOND_EQUAL": second_equal,
            "MASK": self.allowed is not None,
            "LOGS": self.logs is not None,
        }


def counted(structures: Sequence[Structure], shape: tuple[int, int], like: Tensor) -> Counted:
    """The structures of (N, M) pairs, beside tensors like `like` (float32 at least).

    Raises: ValueError: a structure is of other pairs.  TypeError: it is no structure.
    """
    for s in structures:
        if not isinstance(s, Structure):
            raise TypeError(f"weights must be structures such as `Same`, got {type(s).__name__}")
        if pairs_of(s) not in (None, shape):
            raise ValueError(f"{type(s).__name__} is of {pairs_of(s)} pairs, the scores of {shape}")
    offsets = {o for s in structures if isinstance(s, OffDiagonal) for o in s.offsets}
    related = [s for s in structures if isinstance(s, Same | Differ | Apart)]
    masks = [s.allowed for s in structures if isinstance(s, Mask)]
    logs = [s.values.to(like.dtype) for s in structures if isinstance(s, LogWeight)]
    ids = [_numbers(s) for s in related]
    return Counted(
        _held(tuple(sorted(offsets)), like.device) if offsets else None,
        torch.cat([rows for rows, _ in ids]) if ids else None,
        torch.cat([columns for _, columns in ids]) if ids else None,
        tuple((len(rows), isinstance(s, Same)) for s, (rows, _) in zip(related, ids, strict=True)),
        reduce(torch.logical_and, masks).contiguous().view(torch.uint8) if masks else None,
        sum(logs).contiguous() if logs else None,
    )


@lru_cache(64)  # a copy to the device for each step would be waited for
def _held(offsets: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(offsets, dtype=torch.int32, device=device)


def _numbers(relation: Same | Differ | Apart) -> tuple[Tensor, Tensor]:
    """The ids of a relation as integers, (C, N) and (C, M)."""
    rows, columns = (
        ids if isinstance(relation, Apart) else ids[None]
        for ids in (relation.rows, relation.columns)
    )
    if rows.is_floating_point() or columns.is_floating_point():
        both = torch.unique(torch.cat((rows, columns), 1), return_inverse=True)[1]
        rows, columns = both.tensor_split([rows.shape[1]], dim=1)
    return rows.long().contiguous(), columns.long().contiguous()
