"""All sections in the order of their weight, so that a run cut short has the most telling cases."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import torch

from benchmarks.gpu.__main__ import DEADLINE_S
from benchmarks.gpu.checks import Checks
from benchmarks.gpu.device import Device
from benchmarks.gpu.losses import ONE_WAY, OTHERS, Case, Loss, peers
from benchmarks.gpu.record import Found, Record, summary
from benchmarks.gpu.tuning import pieces, variants

BAR = (65536, 768)
SIZES = (262144, 16384, 4096)  # of one-way InfoNCE beside the bar, at its width
WIDTHS = (64, 128, 256, 512, 1024)
FLOAT32 = ((4096, 128), (16384, 128), (16384, 768))
OTHER_SIZES = ((16384, 768), (16384, 128))
PEERS = ((4096, 768), (32768, 768))
AGREE = 0.02  # of the loss: peers round scores to bfloat16


def run(kind: str, *, quick: bool, path: Path) -> int:
    """Check and time everything on a device; 1 where a check failed."""
    if kind == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("torch sees no CUDA device; `--device cpu` tries the command out")
    device = Device(kind)
    record = Record(path, DEADLINE_S[quick], device.about | {"quick": quick})
    print(record.about, flush=True)
    with ExitStack() as stack:
        if kind == "cpu":
            interpreted(stack)
        sections(device, record, quick=quick)
    print(table(record))
    wrong = record.wrong()
    print(f"{len(wrong)} checks failed: {wrong}" if wrong else "every check passed")
    print(f"written to {path}")
    return int(bool(wrong))


def interpreted(stack: ExitStack) -> None:
    """Kernels on CPU tensors, in small tiles."""
    kernels = "contrast.primitives.kernels"
    stack.enter_context(patch(f"{kernels}.reachable", lambda x: True))
    for name, value in {
        "FUSED_TILE": (16, 16, 16, 4, 2),
        "READ_TILE": (16, 16, 16, 4, 2),
        "CHUNK": 32,
        "HEIGHT": 16,
        "LEAST": 16,
    }.items():
        stack.enter_context(patch(f"{kernels}.operands.{name}", value))
    for module in ("row_lse", "lse_sum"):
        stack.enter_context(patch(f"contrast.primitives.{module}.SMALL", 0))


def sections(device: Device, record: Record, *, quick: bool) -> None:
    """Every case, the bar first among the times."""
    small = not device.on_cuda
    bar = (48, 20) if small else BAR
    record.case("rate", "bfloat16", lambda: device.rate(torch.bfloat16))
    checks = list(Checks(device.kind, small=small, quick=quick))
    for name, work in checks[:3]:
        record.case("check", name, work)
    timed(device, record, ONE_WAY, *bar, torch.bfloat16)
    for name, work in checks[3:]:
        record.case("check", name, work)
    for n in SIZES[: 1 if quick else None] if not small else (64,):
        timed(device, record, ONE_WAY, n, bar[1], torch.bfloat16)
    listed(record, "piece", lambda: pieces(device, *bar))
    record.case("rate", "float32", lambda: device.rate(torch.float32))
    for n, d in (OTHER_SIZES[: 1 if quick else None]) if not small else ((40, 20),):
        for case in OTHERS:
            timed(device, record, case, n, d, torch.bfloat16)
    for n, d in (FLOAT32[: 1 if quick else None]) if not small else ((40, 20),):
        timed(device, record, ONE_WAY, n, d, torch.float32)
    for n, d in (PEERS[: 1 if quick else None]) if not small else ((40, 20),):
        beside(device, record, n, d)
    if quick:
        return
    for d in WIDTHS if not small else ():
        timed(device, record, ONE_WAY, bar[0], d, torch.bfloat16)
    listed(record, "tuning", lambda: variants(device, *bar))
    for d in (128, 1024) if not small else ():
        listed(record, "tuning", lambda d=d: list(variants(device, bar[0], d))[:1])


def timed(device: Device, record: Record, case: Case, n: int, d: int, dtype: torch.dtype) -> None:
    """One loss of this library."""

    def work() -> Found:
        q, k = (device.rows(n, d, dtype, seed).requires_grad_() for seed in (0, 1))
        return step(device, case, case.loss, q, k)

    record.case("time", f"{case.name}, B = {n}, D = {d}, {str(dtype)[6:]}", work)


def beside(device: Device, record: Record, n: int, d: int) -> None:
    """The same losses from elsewhere, if they agree."""
    for name, (case, made) in peers().items():
        if not device.on_cuda and name.startswith("torch.compile"):
            continue

        def work(case: Case = case, made: Callable[[], Loss] = made) -> Found:
            loss = made()
            q, k = (device.rows(n, d, torch.bfloat16, seed).requires_grad_() for seed in (0, 1))
            ours, theirs = (f(q, k).item() for f in (case.loss, loss))
            agrees = abs(ours - theirs) <= AGREE * abs(ours)
            return step(device, case, loss, q, k) | {"agrees": agrees, "loss": theirs}

        record.case("peer", f"{name}, B = {n}, D = {d}", work)
        timed(device, record, case, n, d, torch.bfloat16)


def step(device: Device, case: Case, loss: Loss, q: torch.Tensor, k: torch.Tensor) -> Found:
    """Forward and backward."""
    inputs = [q] if case.name == "NT-Xent" else [q, k]
    flop = case.products * 2 * len(q) * len(k) * q.shape[1]
    return device.measured(lambda: torch.autograd.grad(loss(q, k), inputs), flop, q.dtype)


def listed(record: Record, section: str, made: Callable[[], object]) -> None:
    """The cases that are made, or the one that none could be."""
    cases: list = []
    record.case(section, "set up", lambda: {"cases": len(cases.extend(made()) or cases)})
    for name, work in cases:
        record.case(section, name, work)


def table(record: Record) -> str:
    """All that was timed, a line each."""
    lines = []
    for section, cases in record.sections.items():
        if section != "check":
            lines += [f"\n{section}"]
            lines += [f"  {name:66} {summary(found)}" for name, found in cases.items()]
    return "\n".join(lines)
