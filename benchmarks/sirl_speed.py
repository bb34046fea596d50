"""How long SIRL takes on one thread: training on 1000 answers, embedding 10,000 trajectories.

    OMP_NUM_THREADS=1 python benchmarks/sirl_speed.py

Process CPU seconds of the engine's stage `represent` (3000 steps of 64 answers, GridRobot, hidden
width 128, with its checkpoints), of the same by `several.py` alone, of 10,000 trajectories through
the encoder, and of choosing the next question of the robot teacher (medians of 5).
Bars: 8 s, 1 s, 1 s.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from time import process_time

import torch

import contrast
from contrast.engine.observers import Observer
from contrast.engine.randomness import generator
from contrast_sirl.active import most_informative
from contrast_sirl.baselines import Bench, fit_sirl, simulated_answers, triplet_loss
from contrast_sirl.data import gridrobot


def seconds(work: Callable[[], object], times: int = 1) -> float:
    """The median of some measurements."""
    found = []
    for _ in range(times):
        began = process_time()
        work()
        found.append(process_time() - began)
    return statistics.median(found)


class Watch(Observer):
    """CPU seconds between the beginning and the end of a stage's training."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def on_start(self, stage: str, steps: int) -> None:
        """Begin."""
        self.spent[stage] = -process_time()

    def on_end(self, stage: str) -> None:
        """End."""
        self.spent[stage] += process_time()


def engine(folder: str) -> None:
    """A whole run without the comparison."""
    watch, began = Watch(), process_time()
    found = contrast.run(
        "sirl",
        trainer={"threads": 1},
        evaluation={"compare": (), "people": 1},
        runs=folder,
        observer=watch,
    )
    print(
        f"engine: stage represent {watch.spent['represent']:.1f} s, reward "
        f"{watch.spent['reward']:.1f} s, {found.metrics['restarts']} restarts; with evaluation "
        f"and report {process_time() - began:.1f} s"
    )


def main() -> None:
    """All four."""
    torch.set_num_threads(1)
    data = gridrobot(generator=generator(0), features="paper4", held_out=0.2, scale_by="all")
    x = torch.cat([data.steps.flatten(1), data.constants], dim=1)
    bench = Bench(x, data.features, data.train)
    answers = simulated_answers(bench, 1, 1000, generator(1))
    alone = seconds(lambda: fit_sirl(bench, answers, triplet_loss(), generator(2)))
    print(f"several.py: {alone:.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        engine(folder)
    many = x[torch.arange(10_000) % len(x)]
    encoders = bench.encoders(1, generator(3))
    with torch.no_grad():
        print(f"10,000 trajectories: {1000 * seconds(lambda: encoders(many), 5):.0f} ms")
    z = bench.embed(bench.encoders(4, generator(4)))
    rows, draw = torch.arange(len(x)), generator(5)
    asked = seconds(lambda: most_informative(z, rows, 50, generator=draw, pool=4000), 5)
    print(f"next question: {1000 * asked:.0f} ms")


if __name__ == "__main__":
    main()
