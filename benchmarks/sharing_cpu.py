"""Processor time of a loss on each of several processes, evaluated by all or shared out.

    python benchmarks/sharing_cpu.py [--rows 4096] [--width 128] [--repeats 5]

One thread a process; the slowest process counts, its median over the repeats, forward and backward
from the gathered rows on, as a ratio to one process alone. Waiting for others is no processor time
where the collective sleeps, but gloo polls: the figures hold it too.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch.nn.functional import normalize

from contrast.engine.distribution import World
from contrast.objectives.infonce import infonce
from contrast.objectives.nt_xent import nt_xent
from contrast.objectives.siglip import siglip
from contrast.primitives.sharing import pairs_shared
from contrast.testing.processes import in_processes

LOSSES = {
    "infonce": lambda z: infonce(z[0], z[1], temperature=0.1),
    "infonce, both ways": lambda z: infonce(z[0], z[1], temperature=0.1, symmetric=True),
    "nt_xent": lambda z: nt_xent(z, temperature=0.1),
    "siglip": lambda z: siglip(z[0], z[1], temperature=0.1, bias=-10.0),
}


def main() -> None:
    """Measure one, two, three and four processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    options = vars(parser.parse_args())
    alone = {name: measured(name, World(), **options) for name in LOSSES}
    print("seconds alone:", {name: round(value, 3) for name, value in alone.items()})
    for size in (2, 3, 4):
        in_processes(size, compare, alone, options)


def compare(world: World, alone: dict[str, float], options: dict[str, int]) -> None:
    """Print the ratio of the slowest process, loss by loss."""
    for name, one in alone.items():
        own = torch.zeros(world.size, dtype=torch.float64)
        own[world.rank] = measured(name, world, **options)
        slowest = float(world.sum(own).max())
        if world.leads:
            print(f"{world.size} processes, {name}: {slowest / one:.2f}", flush=True)


def measured(name: str, world: World, *, rows: int, width: int, repeats: int) -> float:
    """Seconds of processor time of one forward and backward."""
    torch.set_num_threads(1)
    z = torch.randn(2, rows, width, generator=torch.Generator().manual_seed(0))
    z = normalize(z, dim=2).requires_grad_()
    found = []
    for _ in range(repeats + 1):
        world.barrier()
        start = time.process_time()
        with pairs_shared(world):
            loss = LOSSES[name](z)
        torch.autograd.grad(loss / world.size, z)
        found.append(time.process_time() - start)
    return statistics.median(found[1:])


if __name__ == "__main__":
    main()
