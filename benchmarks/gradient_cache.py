"""Time and memory of the gradient cache beside the whole batch and beside one micro-batch.

    OMP_NUM_THREADS=1 python benchmarks/gradient_cache.py [--batch 8192] [--micro 512] [--json FILE]

A perceptron of 3 hidden layers under InfoNCE, dropout on, one thread. Time is process CPU time,
the median of interleaved repeats. Memory is the growth of the peak over weights and inputs, each
case in a process of its own. Bars: time 1.5 of the whole batch, memory 1.3 of one micro-batch's
(encoded alone, but with the loss of the whole batch, which every case needs).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import process_time

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from contrast.engine.randomness import seed_everything
from contrast.forms import Views
from contrast.objectives.infonce import infonce
from contrast.primitives.gradient_cache import encode_in_chunks

FEATURES, HIDDEN, WIDTH = 256, 1024, 64
REPEATS = 5


class Encoder(nn.Module):
    """Two views of each row, by noise and dropout."""

    def __init__(self) -> None:
        super().__init__()
        sizes = [FEATURES, HIDDEN, HIDDEN, HIDDEN]
        layers: list[nn.Module] = []
        for width, wider in pairwise(sizes):
            layers += [nn.Linear(width, wider), nn.GELU(), nn.Dropout(0.1)]
        self.layers = nn.Sequential(*layers, nn.Linear(HIDDEN, WIDTH))

    def forward(self, x: Tensor) -> Views:
        return Views(torch.stack([self.layers(x), self.layers(x)]))


def descend(form: Views, encoder: Encoder) -> None:
    """The gradient of InfoNCE on the form."""
    loss = infonce(form.z[0], form.z[1], temperature=0.1)
    torch.autograd.grad(loss, list(encoder.parameters()))


def whole(encoder: Encoder, x: Tensor, micro: int) -> None:
    """The whole batch at once."""
    descend(encoder(x), encoder)


def cached(encoder: Encoder, x: Tensor, micro: int) -> None:
    """The whole batch through the cache."""
    descend(encode_in_chunks(encoder, x.split(micro), encoder), encoder)


def one_chunk(encoder: Encoder, x: Tensor, micro: int) -> None:
    """One micro-batch with a graph; the rest of the form is there, but not learnt."""
    rest = torch.randn(2, len(x) - micro, WIDTH)
    form = encoder(x[:micro])
    descend(Views(torch.cat([form.z, rest], 1)), encoder)


CASES = {"whole batch": whole, "gradient cache": cached, "one micro-batch": one_chunk}
Case = Callable[[Encoder, Tensor, int], None]


def prepared(batch: int) -> tuple[Encoder, Tensor]:
    """The encoder and its inputs."""
    torch.set_num_threads(1)
    seed_everything("benchmark")
    return Encoder(), torch.randn(batch, FEATURES)


def seconds(batch: int, micro: int) -> dict[str, float]:
    """CPU seconds of each case, the median of repeats in turn."""
    encoder, x = prepared(batch)
    spent: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(REPEATS):
        for name, case in CASES.items():
            started = process_time()
            case(encoder, x, micro)
            spent[name].append(process_time() - started)
    return {name: median(each) for name, each in spent.items()}


def megabytes(name: str, batch: int, micro: int) -> float:
    """Growth of the peak of a process that does nothing else, after a small warm-up."""
    encoder, x = prepared(batch)
    CASES[name](encoder, x[:64], 32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    CASES[name](encoder, x, micro)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=8192)
    parser.add_argument("--micro", type=int, default=512)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        grown = {name: pool.apply(megabytes, (name, given.batch, given.micro)) for name in CASES}
    spent = seconds(given.batch, given.micro)
    time_ratio = spent["gradient cache"] / spent["whole batch"]
    memory_ratio = grown["gradient cache"] / grown["one micro-batch"]
    table = Table(f"batch {given.batch}, micro-batch {given.micro}", "CPU s", "MB")
    for name in CASES:
        table.add_row(name, f"{spent[name]:.2f}", f"{grown[name]:.0f}")
    console = Console()
    console.print(table)
    console.print(f"time {time_ratio:.2f} (bar 1.5), memory {memory_ratio:.2f} (bar 1.3)")
    if given.json:
        found = {"seconds": spent, "megabytes": grown, "time": time_ratio, "memory": memory_ratio}
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
