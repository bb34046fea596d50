"""Time and memory of the pair primitives on one thread, forward and backward.

    OMP_NUM_THREADS=1 python benchmarks/pairs_cpu.py [--sizes 1024,4096] [--cases one-way,NT-Xent]
        [--memory] [--json FILE]

Time is process CPU time, the median of interleaved repeats, as a ratio to the floor: three bare
tiled matrix products of the same size, timed in the same rounds. Memory is the growth of the peak
over inputs and returned gradients, each case in a process of its own. The eager and the compiled
forms hold all pairs; `torch.compile` is left out where no compiler is found.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid, normalize, softplus

from contrast.forms import Differ
from contrast.primitives.lse_sum import lse_sum
from contrast.primitives.pair_sums import pair_sum
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import OffDiagonal
from contrast.primitives.topk import row_topk

WIDTH = 128
REPEATS = 7
MOST_EAGER = 4096  # rows of the forms that hold all pairs
Loss = Callable[[Tensor, Tensor], Tensor]


def one_way(q: Tensor, k: Tensor) -> Tensor:
    """One-way InfoNCE at temperature 0.05."""
    return lse_sum(q, k, temperature=0.05, positive=0)


def one_way_shifted(q: Tensor, k: Tensor) -> Tensor:
    """One-way InfoNCE at temperature 0.01, where a running maximum is needed."""
    return lse_sum(q, k, temperature=0.01, positive=0)


def per_row(q: Tensor, k: Tensor) -> Tensor:
    """The general primitive with a temperature for each row."""
    temperature = torch.linspace(0.04, 0.2, len(q))
    return row_lse(q, k, temperature=temperature).lse.mean()


def shifted(q: Tensor, k: Tensor) -> Tensor:
    """The general primitive under a running maximum."""
    return row_lse(q, k, temperature=0.01).lse.mean()


def by_label(q: Tensor, k: Tensor) -> Tensor:
    """The general primitive over candidates of other labels."""
    labels = torch.arange(len(q)) % 100
    return row_lse(q, k, temperature=0.05, weights=(Differ(labels, labels),)).lse.mean()


def clip(q: Tensor, k: Tensor) -> Tensor:
    """InfoNCE both ways, rows and columns in one pass."""
    found = row_lse(q, k, temperature=0.05, columns=True)
    return (found.lse + found.column_lse).mean() / 2 - (q * k).sum() / (0.05 * len(q))


def nt_xent(q: Tensor, k: Tensor) -> Tensor:
    """NT-Xent of N rows in all, on half the tiles."""
    found = row_lse(q, temperature=0.05, weights=(OffDiagonal(),))
    first, second = q.view(2, -1, WIDTH).unbind()
    return found.lse.mean() - (first * second).sum() / (0.05 * len(first))


def moment(q: Tensor, k: Tensor) -> Tensor:
    """Row sums and first moments."""
    found = row_lse(q, k, temperature=0.5, moment=True)
    return (found.lse + found.moment).mean()


def siglip(q: Tensor, k: Tensor) -> Tensor:
    """SigLIP: all pairs as negatives, the diagonal put right outside."""
    return (pair_sum(10 * q, k, softplus_10) - (10 * (q * k).sum(1) - 10).sum()) / len(q)


def softplus_10(scores: Tensor) -> Tensor:
    """The loss of a negative pair."""
    return softplus(scores - 10)


def nearest(q: Tensor, k: Tensor) -> Tensor:
    """The ten nearest candidates of each row."""
    return row_topk(q, k, 10).values.mean()


def eager_one_way(q: Tensor, k: Tensor) -> Tensor:
    """Cross-entropy on all scores."""
    return cross_entropy(q @ k.T / 0.05, torch.arange(len(q)))


def eager_clip(q: Tensor, k: Tensor) -> Tensor:
    """Cross-entropy on all scores, both ways."""
    scores, target = q @ k.T / 0.05, torch.arange(len(q))
    return (cross_entropy(scores, target) + cross_entropy(scores.T, target)) / 2


def eager_nt_xent(q: Tensor, k: Tensor) -> Tensor:
    """Cross-entropy on all scores of N rows, their diagonal masked."""
    scores = (q @ q.T / 0.05).fill_diagonal_(-torch.inf)
    return cross_entropy(scores, torch.arange(len(q)).roll(len(q) // 2))


def eager_siglip(q: Tensor, k: Tensor) -> Tensor:
    """SigLIP on all scores."""
    signs = 2 * torch.eye(len(q)) - 1
    return -logsigmoid(signs * (10 * q @ k.T - 10)).sum() / len(q)


STREAMING: dict[str, tuple[Loss, float | None]] = {  # with the bar on the ratio, where one is set
    "one-way InfoNCE": (one_way, 1.15),
    "one-way InfoNCE, running maximum": (one_way_shifted, 1.8),
    "row_lse, temperature per row": (per_row, 1.6),
    "row_lse, running maximum": (shifted, 1.8),
    "row_lse, weights by label": (by_label, 1.8),
    "row_lse, first moment": (moment, None),
    "NT-Xent, half the tiles": (nt_xent, 0.8),
    "CLIP, both ways": (clip, 1.6),
    "SigLIP": (siglip, None),
    "row_topk, k = 10": (nearest, None),
}
EAGER: dict[str, Loss] = {
    "eager one-way": eager_one_way,
    "eager NT-Xent": eager_nt_xent,
    "eager CLIP": eager_clip,
    "eager SigLIP": eager_siglip,
}


def main() -> None:
    """Measure, print the tables and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="256,1024,4096,16384")
    parser.add_argument("--cases", default="", help="words; only cases with one in their name")
    parser.add_argument("--memory", action="store_true", help="also at 16384 and 65536 rows")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=120)
    result = {"torch": torch.__version__, "width": WIDTH, "repeats": REPEATS, "time": {}}
    for n in map(int, options.sizes.split(",")):
        result["time"][n] = ratios(n, options.cases.split(","))
        console.print(time_table(n, result["time"][n]))
    if options.memory:
        cases = ("one-way InfoNCE", "row_lse, temperature per row", "NT-Xent, half the tiles")
        result["memory_mb"] = {
            n: {name: in_own_process(growth_of, name, n) for name in (*cases, "CLIP, both ways")}
            for n in (16384, 65536)
        }
        console.print(result["memory_mb"])
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))


def rows(n: int) -> tuple[Tensor, Tensor]:
    """Two sets of unit rows."""
    generator = torch.Generator().manual_seed(0)
    q, k = (normalize(torch.randn(n, WIDTH, generator=generator), dim=1) for _ in range(2))
    return q.requires_grad_(), k.requires_grad_()


def ratios(n: int, words: list[str]) -> dict[str, float]:
    """The time of each case over that of the floor, and the floor in seconds."""
    q, k = rows(n)
    losses = {name: loss for name, (loss, _) in STREAMING.items()}
    if n <= MOST_EAGER:
        losses |= EAGER
        if shutil.which("c++") or shutil.which("g++"):
            losses |= {f"compiled{name[5:]}": torch.compile(f) for name, f in EAGER.items()}
    cases = {
        name: step(loss, q, k)
        for name, loss in losses.items()
        if any(word in name for word in words)
    }
    middle = medians(cases | {"floor": floor(q.detach(), k.detach())}, n, REPEATS)
    lowest = middle.pop("floor")
    return {"floor_s": lowest} | {name: time / lowest for name, time in middle.items()}


def medians(cases: dict[str, Callable[[], object]], n: int, repeats: int) -> dict[str, float]:
    """The median CPU seconds of each case of n rows, in interleaved repeats after a first run."""
    spent: dict[str, list[float]] = {name: [] for name in cases}
    inner = max(1, 2**22 // n**2)  # short cases are repeated within one reading
    for work in cases.values():
        work()
    for _ in range(repeats):
        for name, work in cases.items():
            started = process_time()
            for _ in range(inner):
                work()
            spent[name].append((process_time() - started) / inner)
    return {name: median(times) for name, times in spent.items()}


def step(loss: Loss, q: Tensor, k: Tensor) -> Callable[[], object]:
    """Forward and backward of a loss."""
    return lambda: torch.autograd.grad(loss(q, k), (q, k), allow_unused=True)


def floor(q: Tensor, k: Tensor, height: int = 512) -> Callable[[], object]:
    """Three matrix products on strips of rows, into memory that is there."""
    n = len(q)
    scores, dq, dk = torch.empty(min(height, n), n), torch.empty_like(q), torch.zeros_like(k)

    def work() -> None:
        for start in range(0, n, height):
            a, out = q[start : start + height], dq[start : start + height]
            tile = scores[: len(a)]
            torch.mm(a, k.T, out=tile)
            torch.mm(tile, k, out=out)
            dk.addmm_(tile.T, a)

    return work


def growth_of(name: str, n: int) -> float:
    """The growth of a streaming case by its name."""
    return growth_mb(STREAMING[name][0], n)


def growth_mb(loss: Loss, n: int) -> float:
    """The growth of this process's peak memory over inputs and gradients, in 10^6 bytes."""
    torch.set_num_threads(1)
    step(loss, *rows(512))()
    q, k = rows(n)
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    given = step(loss, q, k)()
    # Not ru_maxrss, which counts what a parent held when it started this process.
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
    return (peak - resident - sum(t.nbytes for t in given if t is not None)) / 1e6


def in_own_process(work: Callable[..., float], *arguments: object) -> float:
    """What a function returns in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def time_table(n: int, found: dict[str, float]) -> Table:
    """The ratios of one size."""
    table = Table(f"N = {n}, floor {found['floor_s']:.4f} s", "ratio", "bar")
    for name, ratio in found.items():
        bar = STREAMING[name][1] if name in STREAMING else None
        if name != "floor_s":
            table.add_row(name, f"{ratio:.2f}", f"{bar:.2f}" if bar and n >= 4096 else "")
    return table


if __name__ == "__main__":
    main()
