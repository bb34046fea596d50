"""MEOW on a graph of 50,000 targets and a million edges: start-up, an epoch, peak memory.

    OMP_NUM_THREADS=1 python benchmarks/meow_scale.py
    OMP_NUM_THREADS=1 python benchmarks/meow_scale.py --method adameow

The graph is drawn: communities of targets along two meta-paths, each of half the edges, and a bag
of words for every target. Bars: start-up 60 s, peak 2 GB.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import torch
from torch_geometric.data import HeteroData

from contrast.config import resolve
from contrast.engine.distribution import World
from contrast.engine.folder import RunFolder
from contrast.engine.loop import Loop
from contrast.engine.observers import Observer
from contrast.engine.running import build
from contrast_meow import save_graph

COMMUNITIES = 100
WORDS = 1000


def main() -> None:
    """Draw, build, train, print."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--method", choices=("meow", "adameow"), default="meow")
    asked.add_argument("--targets", type=int, default=50_000)
    asked.add_argument("--epochs", type=int, default=1)
    words = asked.parse_args()
    torch.set_num_threads(1)
    folder = Path(tempfile.mkdtemp())
    save_graph(draw(words.targets, 20 * words.targets), folder / "graph")
    started = perf_counter(), process_time()
    loop = make(words.method, folder)
    wall, cpu = perf_counter() - started[0], process_time() - started[1]
    print(f"{words.method}: start-up {wall:.0f} s wall, {cpu:.0f} s CPU, peak {peak():.0f} MiB")
    for _ in range(words.epochs):
        end, started = loop.step + 1, process_time()
        loop.run(lambda end=end: loop.step >= end)
        print(f"epoch {end}: {process_time() - started:.0f} s CPU, peak {peak():.0f} MiB")


def make(method: str, folder: Path) -> Loop:
    """Everything that precedes the first step, from the files."""
    given = [f"method={method}", "data=hetero", f"data.path={folder / 'graph'}"]
    given += ["data.meta_paths=[paper>author>paper,paper>venue>paper]", "sampler.cache=no"]
    given += ["trainer.checkpoint_every=0", "trainer.threads=1"]
    config = resolve("meow", given).config
    (stage,) = config.recipe.stages
    parts = build(stage, config, {}, World())
    return Loop(stage, parts, config, RunFolder(folder), world=World(), observer=Observer())


def draw(N: int, E: int) -> HeteroData:
    """Targets of hidden communities, whose neighbours and words are mostly of their own."""
    rng = np.random.default_rng(0)
    community = rng.integers(0, COMMUNITIES, N)
    graph = HeteroData()
    graph["paper"].y = torch.from_numpy(community % 4)
    own = community.repeat(10) * (WORDS // COMMUNITIES) + rng.integers(
        0, WORDS // COMMUNITIES, 10 * N
    )
    words = np.where(rng.random(10 * N) < 0.5, own, rng.integers(0, WORDS, 10 * N))
    where = torch.from_numpy(np.stack([np.arange(N).repeat(10), words]))
    graph["paper"].x = torch.sparse_coo_tensor(
        where, torch.ones(10 * N), (N, WORDS), check_invariants=True
    ).coalesce()
    graph["paper"].num_nodes = N
    for other, relation in (("author", "by"), ("venue", "at")):
        M = 2 * N // 5
        paper = rng.integers(0, N, E // 2)
        near = community[paper] * (M // COMMUNITIES) + rng.integers(0, M // COMMUNITIES, E // 2)
        end = np.where(rng.random(E // 2) < 0.8, near, rng.integers(0, M, E // 2))
        edges = torch.from_numpy(np.unique(np.stack([paper, end]), axis=1))
        graph[other].num_nodes = M
        graph["paper", relation, other].edge_index = edges
        graph[other, f"rev_{relation}", "paper"].edge_index = edges.flip(0)
    return graph


def peak() -> float:
    """The largest memory of the process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
