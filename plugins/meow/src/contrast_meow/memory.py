"""What is kept of a large graph's layers, and what the C library does with freed blocks."""

from __future__ import annotations

import ctypes
import sys

# Targets up to which all layers are kept for the backward pass: 30 matrices of (N, width) a view.
KEEP_UP_TO = 20_000
M_MMAP_THRESHOLD = -3  # of malloc.h
LARGE_BLOCK = 8 * 2**20  # bytes: a matrix of (32768, 64) in float32


def give_back_large_blocks() -> bool:
    """Let blocks of 8 MiB and more go back to the system when they are freed; whether it took.

    As soon as one large block has been freed, glibc serves later ones of up to 32 MiB from its
    heap, where they leave holes between what the backward pass keeps: of a graph of 50,000 targets
    2194 MiB in place of 1176. A fixed threshold keeps them apart from the heap, at the price of
    fresh pages for each. It holds for the whole process. Other systems are left as they are.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK) == 1
