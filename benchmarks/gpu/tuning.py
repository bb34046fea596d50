"""What the constants of the kernels should be, and where a step's time goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from benchmarks.gpu.checks import with_setting
from benchmarks.gpu.device import Device
from benchmarks.gpu.losses import ONE_WAY, T
from contrast.primitives.kernels import operands
from contrast.primitives.kernels.launching import Sent, Strip
from contrast.primitives.kernels.operands import Operands
from contrast.primitives.kernels.relations import Counted
from contrast.primitives.products import add_product, product

Found = dict[str, object]
TILES = (
    (128, 128, 64, 8, 3),
    (128, 128, 64, 8, 4),
    (128, 128, 64, 4, 3),
    (128, 128, 128, 8, 2),
    (128, 256, 64, 8, 3),
    (256, 128, 64, 8, 3),
    (64, 256, 64, 4, 3),
)
HEIGHTS = (2048, 2816, 4096, 8448)


def variants(device: Device, n: int, d: int) -> Iterator[tuple[str, Callable[[], Found]]]:
    """One-way InfoNCE in bfloat16 under other constants than those in `operands`."""
    q, k = (device.rows(n, d, torch.bfloat16, seed).requires_grad_() for seed in (0, 1))

    def step() -> Found:
        flop = ONE_WAY.products * 2 * n * n * d
        work = lambda: torch.autograd.grad(ONE_WAY.loss(q, k), (q, k))  # noqa: E731
        return device.measured(work, flop, torch.bfloat16)

    label = f"B = {n}, D = {d}"
    yield f"library scores, {label}", lambda: with_setting("FUSED_WIDTH", 0, step)
    for tile in TILES if device.on_cuda else ():
        yield f"tile {tile}, {label}", lambda t=tile: with_setting("FUSED_TILE", t, step)
    for height in HEIGHTS if device.on_cuda else ():
        yield f"strips of {height}, {label}", lambda h=height: with_setting("HEIGHT", h, step)


def pieces(device: Device, n: int, d: int) -> Iterator[tuple[str, Callable[[], Found]]]:
    """The parts of one strip of one-way InfoNCE in bfloat16, each by itself."""
    q, k = (device.rows(n, d, torch.bfloat16, seed) for seed in (0, 1))
    op = Operands(q, k, None, 1 / T, Counted())
    buffer = op.buffer(stored=True)
    rows, columns = next(op.strips(stored=True))
    strip, start = Strip(op, rows, columns, buffer), op.bound()
    height = rows.stop
    to_a = q.new_empty(height, d, dtype=torch.float32)
    to_k = torch.zeros_like(k, dtype=torch.float32)
    scores = q.new_empty(height, min(operands.CHUNK, n), dtype=torch.float32)
    lse = torch.zeros(n, device=q.device)
    asked = {"moment": False, "columns": False}
    whole, part = 2 * height * n * d, 2 * height * scores.shape[1] * d
    works = {
        "kernel: scores, sums, exponentials stored": (
            whole,
            lambda: strip.statistics(start=start, store=True, **asked),
        ),
        "the same, every tile lowered": (whole, lambda: strip.statistics(store=True, **asked)),
        "kernel: scores and sums": (whole, lambda: strip.statistics(store=False, **asked)),
        "kernel: exponentials under a known sum": (whole, lambda: strip.gradients(Sent(lse))),
        "product: exponentials x candidates": (whole, lambda: product(strip.held, k, to_a)),
        "product: exponentials^T x anchors, added": (
            whole,
            lambda: add_product(to_k, strip.held.T, q[rows], 1.0),
        ),
        "product: scores in float32": (
            part,
            lambda: product(q[rows], k[: scores.shape[1]].T, scores),
        ),
    }
    for name, (flop, work) in works.items():
        label = f"{name} ({height} of {n}, D = {d})"
        yield label, lambda w=work, f=flop: device.measured(w, f, torch.bfloat16)
