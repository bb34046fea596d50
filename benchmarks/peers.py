"""The objectives beside other libraries' on one CPU thread: same process, same inputs.

    OMP_NUM_THREADS=1 python benchmarks/peers.py [--sizes 1024,4096] [--memory] [--json FILE]

The peers are installed without their dependencies in an environment of its own, as
requirements-peers.txt says; one that is absent is left out and named. First, loss and gradients
must agree to 1e-4. Time is process CPU time, forward and backward, the median of 5 interleaved
repeats, as a ratio to three bare tiled matrix products. With --memory instead: the growth of the
peak over inputs and gradients at 4096 rows, and the last N of 128, 256, ... 16384 whose step fits
in 4 GiB. N counts rows: N anchors and N candidates, or two views of N / 2 samples.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from pairs_cpu import Loss, floor, growth_mb, medians, rows, step
from peer_losses import COMPILED, LIBRARIES, OURS
from rich.console import Console
from rich.table import Table

REPEATS = 5
CHECKED, TOLERANCE = 400, 1e-4  # rows: more than this library holds at once
MEASURED, MOST_ROWS, MOST_BYTES = 4096, 16384, 2**32


def main() -> None:
    """Check, measure, print the tables and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1024,2048,4096")
    parser.add_argument("--memory", action="store_true", help="memory instead of time")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    limit_memory()
    cases, left_out = found_losses()
    console = Console(width=120)
    sizes = [int(n) for n in options.sizes.split(",")]
    result = {"torch": torch.__version__, "left_out": left_out, "cases": {}}
    for case, losses in cases.items():
        if options.memory:
            held = {name: in_own_process(name, case) for name in losses if name != COMPILED}
            result["cases"][case] = held
            console.print(memory_table(case, held))
        else:
            apart, times = check_equal(case, losses), {n: ratios(losses, n) for n in sizes}
            result["cases"][case] = {"apart": apart, "time": times}
            console.print(time_table(case, losses, times))
    console.print(f"left out: {left_out}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


def found_losses() -> tuple[dict[str, dict[str, Loss]], dict[str, str]]:
    """The losses by case and library, and why a library is missing."""
    cases: dict[str, dict[str, Loss]] = {}
    left_out = {}
    for name, library in LIBRARIES.items():
        try:
            losses = library()
        except ImportError as error:
            left_out[name] = str(error)
            continue
        for case, loss in losses.items():
            cases.setdefault(case, {})[name] = loss
    return cases, left_out


def check_equal(case: str, losses: dict[str, Loss]) -> float:
    """The largest difference from ours, of the loss or of a gradient's largest entry.

    Raises: AssertionError: it is more than the tolerance.
    """
    q, k = rows(CHECKED)
    values = {name: (loss(q, k), *step(loss, q, k)()) for name, loss in losses.items()}
    worst = 0.0
    for name, found in values.items():
        for x, y in zip(found, values[OURS], strict=True):
            if y is not None:
                apart = float((x - y).detach().abs().max() / y.detach().abs().max())
                assert apart <= TOLERANCE, f"{case}: {name} differs by {apart:.1e}"
                worst = max(worst, apart)
    return worst


def ratios(losses: dict[str, Loss], n: int) -> dict[str, float]:
    """The time of each library over that of the floor, of those that fit; the floor in seconds."""
    q, k = rows(n)
    steps = {name: step(loss, q, k) for name, loss in losses.items()}
    steps = {name: work for name, work in steps.items() if fits(work)}
    middle = medians(steps | {"floor": floor(q.detach(), k.detach())}, n, REPEATS)
    lowest = middle.pop("floor")
    return {"floor_s": lowest} | {name: time / lowest for name, time in middle.items()}


def most_held(name: str, case: str) -> tuple[float | None, int]:
    """The growth of the peak in 10^6 bytes (None where it does not fit), and the largest N."""
    torch.set_num_threads(1)
    limit_memory()
    loss = LIBRARIES[name]()[case]
    grown: list[float] = []
    fits(lambda: grown.append(growth_mb(loss, MEASURED)))
    largest = 64
    while largest < MOST_ROWS and fits(step(loss, *rows(2 * largest))):
        largest *= 2
    return (grown or [None])[0], largest


def fits(work: Callable[[], object]) -> bool:
    """Whether the work is done within the memory that this process may take."""
    try:
        work()
    except RuntimeError as error:
        if "allocate memory" not in str(error):
            raise
        return False
    return True


def limit_memory() -> None:
    """Let this process take MOST_BYTES more than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MOST_BYTES, hard))


def in_own_process(name: str, case: str) -> tuple[float | None, int]:
    """What `most_held` finds in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(most_held, name, case).result()


def time_table(case: str, names: Iterable[str], times: dict[int, dict[str, float]]) -> Table:
    """Ratios to the floor and, in brackets, to ours."""
    sizes = [f"N = {n} ({found['floor_s']:.4f} s)" for n, found in times.items()]
    table = Table(case, *sizes)
    for name in names:
        ratios = [(found.get(name), found[OURS]) for found in times.values()]
        table.add_row(name, *(f"{x:.2f} ({x / y:.2f})" if x else "too large" for x, y in ratios))
    return table


def memory_table(case: str, held: dict[str, tuple[float | None, int]]) -> Table:
    """What a step takes, and the largest that fits."""
    table = Table(case, f"MB at N = {MEASURED}", "largest N")
    for name, (grown, largest) in held.items():
        table.add_row(name, "too large" if grown is None else f"{grown:.0f}", str(largest))
    return table


if __name__ == "__main__":
    main()
