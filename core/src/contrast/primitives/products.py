"""Matrix products of half-precision operands, summed and given in float32."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

HALVES = (torch.float16, torch.bfloat16)


def in_halves(a: Tensor, k: Tensor, score: str) -> torch.dtype | None:
    """The dtype in which the scores' products lose nothing: that of both sides, on CUDA."""
    half = a.is_cuda and a.dtype == k.dtype and a.dtype in HALVES and score == "inner"
    return a.dtype if half else None


def product(a: Tensor, b: Tensor, out: Tensor) -> Tensor:
    """a b, written to `out`."""
    if a.dtype == out.dtype:
        return torch.mm(a, b, out=out)
    if a.is_cuda:
        return torch.mm(a, b, out_dtype=out.dtype, out=out)
    return torch.mm(a.to(out.dtype), b.to(out.dtype), out=out)


def add_product(out: Tensor, a: Tensor, b: Tensor, scale: float) -> None:
    """Add scale a b to `out`."""
    if a.dtype == out.dtype:
        out.addmm_(a, b, alpha=scale)
    elif not a.is_cuda:
        out.addmm_(a.to(out.dtype), b.to(out.dtype), alpha=scale)
    elif _accumulates(a.device, a.dtype):
        torch.addmm(out, a, b, alpha=scale, out_dtype=out.dtype, out=out)
    else:
        out.add_(torch.mm(a, b, out_dtype=out.dtype), alpha=scale)


@cache
def _accumulates(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether a product of halves can be added to float32 in one call: some torch refuse."""
    a, out = torch.ones(16, 16, device=device, dtype=dtype), torch.ones(16, 16, device=device)
    try:
        torch.addmm(out, a, a, alpha=2.0, out_dtype=out.dtype, out=out)
    except RuntimeError:
        return False
    return bool((out == 33).all())
