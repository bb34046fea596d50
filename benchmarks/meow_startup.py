"""MEOW's start-up on ACM (counts, cut, normalisation) and its probe of 3 x 50, on one thread.

    OMP_NUM_THREADS=1 python benchmarks/meow_startup.py

Bars: start-up 1.5 s cold and 0.3 s cached; probe 15 s. Needs the ACM files: CONTRAST_DATA_DIR, or
a network. Each figure is the best of three.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import torch
from rich.console import Console
from rich.table import Table

from contrast.engine.randomness import generator
from contrast.evaluation import linear_probe
from contrast_meow.cut import Ties
from contrast_meow.data import GraphData
from contrast_meow.graph import normalise
from contrast_meow.published import acm
from contrast_meow.recipe import MEOW
from contrast_meow.sampler import MeowSampler, keep_graphs

WIDTH = 64


def main() -> None:
    """Measure and print the table."""
    torch.set_num_threads(1)
    data = acm(generator("data"))
    ties = Ties(torch.randperm(len(data), generator=generator("ties")).numpy())
    keep = MEOW.presets["acm"]["sampler"]["neighbours"]

    def start_up(folder: Path | None) -> None:
        for graph in keep_graphs(data, keep, ties, folder):
            normalise(graph)

    with tempfile.TemporaryDirectory() as folder:
        start_up(Path(folder))
        rows = [
            ("start-up, cold", best_of(lambda: start_up(None)), 1.5),
            ("start-up, cached", best_of(lambda: start_up(Path(folder))), 0.3),
            ("whole sampler, uncached", best_of(lambda: sampler(data)), None),
            ("probe, 3 splits x 50 restarts", best_of(lambda: probe(data), 1), 15.0),
        ]
    table = Table("ACM, one thread", "seconds", "bar")
    for name, seconds, bar in rows:
        table.add_row(name, f"{seconds:.2f}", "" if bar is None else f"{bar:.1f}")
    Console().print(table)


def best_of(work: Callable[[], object], times: int = 3) -> float:
    """The shortest of some runs, in seconds."""
    spent = []
    for _ in range(times):
        started = perf_counter()
        work()
        spent.append(perf_counter() - started)
    return min(spent)


def sampler(data: GraphData) -> MeowSampler:
    """Everything the sampler does before training."""
    settings = MEOW.presets["acm"]["sampler"]
    return MeowSampler(data, generator=generator("sampler"), cache=False, **settings)


def probe(data: GraphData) -> object:
    """The official protocol on an embedding of the usual width."""
    z = torch.randn(len(data), WIDTH, generator=generator("z"))
    return linear_probe(z, data.labels, data.splits, lr=0.03, generator=generator("probe"))


if __name__ == "__main__":
    main()
