"""Which published orderings of the losses come back on real images, within CPU minutes?

    OMP_NUM_THREADS=1 python benchmarks/learning_check.py [--jobs 2] [--results FILE]
    python benchmarks/learning_check.py --table        # from the recorded runs, without training

A small convolutional encoder learns from 1000 digits of MNIST without labels (SupCon: with them)
and is judged by linear probes on 10 labels a class. Each loss has its published temperature, and
every run the same number of updates. The runs of a seed are paired: they start from the same
weights and see the same images, and two views are the first two of four. A run is a line of the
results file; what stands there is not run again, so that the script goes on where it was stopped.
Times are CPU seconds of one thread.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from math import cos, pi
from pathlib import Path
from statistics import fmean, stdev
from time import process_time
from typing import Any

import torch
from learning_figure import figure
from learning_orderings import (
    Cell,
    accuracies,
    orderings,
    table_of_accuracy,
    table_of_orderings,
)
from rich.progress import track
from torch import Generator, Tensor, nn
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample

from contrast.data.images import mnist
from contrast.engine.randomness import generator, seeded
from contrast.evaluation import Split, linear_probe
from contrast.forms import Views
from contrast.objectives.cacr import CACR
from contrast.objectives.dcl import DCL
from contrast.objectives.dhel import DHEL
from contrast.objectives.isogclr import ISogCLR
from contrast.objectives.mv_dhel import MVDHEL
from contrast.objectives.mv_infonce import MVInfoNCE
from contrast.objectives.nt_xent import NTXent
from contrast.objectives.sogclr import SogCLR
from contrast.objectives.supcon import SupCon

RESULTS = Path(__file__).with_suffix(".jsonl")
SEEDS, VIEWS, BATCHES = range(5), (2, 4), (32, 256)


@dataclass(frozen=True)
class Task:
    """What all runs share; its values stand in every line of the results."""

    images: int = 1000  # of the training part, without labels
    updates: int = 500
    lr: float = 2e-3  # of Adam, which a factor on the loss does not move; cosine to 0
    labels: int = 10  # a class, to train a probe on; as many again choose its step
    draws: int = 10  # of labels, and a probe each
    device: str = "cpu"


# Temperatures as published, with the section of the specification and the recipe they are from.
# Losses of two views take the mean over pairs of four; SogCLR and iSogCLR, MV-*, CACR and SupCon
# have forms of their own for any number.
LOSSES: dict[str, Callable[[Task], nn.Module]] = {
    "NT-Xent 0.1": lambda task: NTXent(0.1, several="pairwise"),  # DCL's baseline (CIFAR)
    "NT-Xent 0.5": lambda task: NTXent(0.5, several="pairwise"),  # that of MV-* and GroCo
    "DCL": lambda task: DCL(0.1),  # arXiv:2110.06848, CIFAR
    "DHEL": lambda task: DHEL(0.3),  # arXiv:2405.18045, the default of its code
    "MV-InfoNCE": lambda task: MVInfoNCE(0.5),  # arXiv:2507.06979, CIFAR
    "MV-DHEL": lambda task: MVDHEL(0.5),  # arXiv:2507.06979, CIFAR
    "CACR": lambda task: CACR(t_pos=1.0, t_neg=0.9),  # arXiv:2105.03746, CIFAR-10
    "SogCLR": lambda task: SogCLR(task.images, 0.1),  # arXiv:2202.12387, LibAUC
    "iSogCLR": lambda task: ISogCLR(task.images, 0.1),  # arXiv:2305.11965, LibAUC
    "SupCon": lambda task: SupCon(0.1),  # arXiv:2004.11362
}
UNTRAINED = "untrained"


@dataclass(frozen=True)
class Run:
    """One run of the grid; an untrained encoder has no views and no batch."""

    loss: str
    views: int
    batch: int
    seed: int


@dataclass(frozen=True)
class Digits:
    """Images to learn from (N, 1, 14, 14) in 0..1 with labels, and those that probes are for."""

    images: Tensor
    labels: Tensor
    probe: Tensor
    probe_labels: Tensor
    test: Tensor
    test_labels: Tensor


def digits(task: Task, seed: int) -> Digits:
    """Disjoint parts of the training digits to learn from and to take labels from; the test part.

    The parts are drawn by the seed.
    """
    train, test = mnist("train"), mnist("test")
    order = torch.randperm(len(train.labels), generator=generator("digits", seed))
    learn, probe = order[: task.images], order[task.images : task.images + 5000]
    x, y = scaled(train.pixels, task), torch.from_numpy(train.labels)
    held = scaled(test.pixels, task), torch.from_numpy(test.labels)
    return Digits(x[learn], y[learn].to(task.device), x[probe], y[probe], *held)


def scaled(pixels: Any, task: Task) -> Tensor:
    """Bytes (N, 28, 28) as (N, 1, 14, 14) float in 0..1: half the side, for speed."""
    return avg_pool2d(torch.from_numpy(pixels)[:, None].to(task.device).float() / 255, 2)


class Encoder(nn.Module):
    """Three strided convolutions, features of width 128, and a head that the loss sees."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for wide, wider in ((1, 16), (16, 32), (32, 64)):
            layers += [
                nn.Conv2d(wide, wider, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(wider),
                nn.ReLU(),
            ]
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 4, 128))
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 64))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, 14, 14) to (B, 64)."""
        return self.head(self.features(x))


def augmented(x: Tensor, draw: Generator) -> Tensor:
    """A random view of each image: turned, scaled, sheared, shifted, erased in part, with noise.

    Shapes:  x: (N, 1, 14, 14) in 0..1, the same returned.
    """

    def uniform(low: float, high: float) -> Tensor:
        return torch.empty(len(x)).uniform_(low, high, generator=draw).to(x.device)

    angle, shear = uniform(-0.5, 0.5), uniform(-0.4, 0.4)
    wide, high = uniform(0.7, 1.4), uniform(0.7, 1.4)
    rows = [
        torch.stack([wide * angle.cos(), shear - angle.sin(), uniform(-0.25, 0.25)], 1),
        torch.stack([angle.sin(), high * angle.cos(), uniform(-0.25, 0.25)], 1),
    ]
    grid = affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    moved = grid_sample(x, grid, align_corners=False) * uniform(0.5, 1.0)[:, None, None, None]
    place = torch.linspace(-1, 1, x.shape[-1], device=x.device)
    inside = [(place - uniform(-0.8, 0.8)[:, None]).abs() < 0.35 for _ in range(2)]
    erased = (inside[0][:, :, None] & inside[1][:, None, :])[:, None]
    noise = torch.randn(x.shape, generator=draw).to(x.device)
    return moved.masked_fill(erased, 0).add(noise, alpha=0.1)


def batches(task: Task, batch: int, seed: int) -> Iterator[Tensor]:
    """Ids of each update's images: passes over all of them, each in a new order."""
    per_pass = task.images // batch
    for update in range(task.updates):
        turn, place = divmod(update, per_pass)
        order = torch.randperm(task.images, generator=generator("order", seed, batch, turn))
        yield order[place * batch : (place + 1) * batch].to(task.device)


def fresh_encoder(task: Task, seed: int) -> Encoder:
    """The encoder that all runs of a seed start from."""
    with seeded("weights", seed):
        return Encoder().to(task.device, memory_format=torch.channels_last)


def learn(task: Task, run: Run, data: Digits) -> tuple[Encoder, list[float]]:
    """The encoder after all updates, and the loss at each."""
    encoder, loss = fresh_encoder(task, run.seed), LOSSES[run.loss](task).to(task.device)
    adam = torch.optim.Adam(encoder.parameters(), lr=task.lr)
    cosine = torch.optim.lr_scheduler.LambdaLR(
        adam, lambda update: (1 + cos(pi * update / task.updates)) / 2
    )
    losses = []
    for update, ids in enumerate(batches(task, run.batch, run.seed)):
        draws = (generator("view", run.seed, run.batch, update, v) for v in range(run.views))
        views = torch.cat([augmented(data.images[ids], draw) for draw in draws])
        z = encoder(views).unflatten(0, (run.views, -1))
        value = loss(Views(z, ids=ids, labels=data.labels[ids]))
        adam.zero_grad()
        value.backward()
        adam.step()
        cosine.step()
        losses.append(value.detach())
    return encoder, torch.stack(losses).tolist()


@torch.no_grad()
def embedded(encoder: Encoder, data: Digits) -> Tensor:
    """Features of the digits for probes, then of the test part, scaled as those learnt from."""
    encoder.eval()
    seen = encoder.features(data.images)
    parts = [encoder.features(x) for x in (data.probe, *data.test.split(2000))]
    return ((torch.cat(parts) - seen.mean(0)) / seen.std(0).clamp(min=1e-6)).cpu()


def probed(task: Task, seed: int, encoder: Encoder, data: Digits) -> list[float]:
    """Test accuracy in percent of a probe for each draw of labels."""
    labels = torch.cat([data.probe_labels, data.test_labels])
    test = torch.arange(len(data.probe_labels), len(labels))
    splits = {}
    for draw in range(task.draws):
        rows = drawn_labels(data.probe_labels, 2 * task.labels, generator("labels", seed, draw))
        train, validation = rows[:, : task.labels].flatten(), rows[:, task.labels :].flatten()
        splits[str(draw)] = Split(train.numpy(), validation.numpy(), test.numpy())
    scores = linear_probe(
        embedded(encoder, data).numpy(),
        labels.numpy(),
        splits,
        lr=0.01,
        weight_decay=1e-3,
        steps=100,
        restarts=1,
        generator=generator("probe", seed),
    )
    return [float(found.micro_f1.mean()) for found in scores.values()]


def drawn_labels(labels: Tensor, each: int, draw: Generator) -> Tensor:
    """Rows of as many images of every class, at random: (C, each)."""
    order = torch.randperm(len(labels), generator=draw)
    return torch.stack([order[labels[order] == digit][:each] for digit in labels.unique()])


def measure(task: Task, run: Run) -> dict[str, Any]:
    """One line of the results."""
    torch.set_num_threads(1)
    data = digits(task, run.seed)
    started = process_time()
    if run.loss == UNTRAINED:
        encoder, losses = fresh_encoder(task, run.seed), []
    else:
        encoder, losses = learn(task, run, data)
    learnt = process_time()
    accuracy = probed(task, run.seed, encoder, data)
    return {
        **asdict(run),
        "accuracy": round(fmean(accuracy), 3),
        "of_draws": [round(value, 2) for value in accuracy],
        "losses": [round(value, 4) for value in losses[:: max(1, task.updates // 10)]],
        "learning_s": round(learnt - started, 2),
        "probing_s": round(process_time() - learnt, 2),
        "task": asdict(task),
    }


def grid() -> list[Run]:
    """All runs, seed by seed, so that an unfinished grid is balanced."""
    runs = []
    for seed in SEEDS:
        runs.append(Run(UNTRAINED, 0, 0, seed))
        runs += [Run(loss, v, b, seed) for v, b, loss in product(VIEWS, BATCHES, LOSSES)]
    return runs


def recorded(path: Path, task: Task) -> list[dict[str, Any]]:
    """The lines of a results file, all of this task.

    Raises: SystemExit: a line is of a task with other values.
    """
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    if any(line["task"] != asdict(task) for line in lines):
        raise SystemExit(f"{path} holds runs of another task; give --results another file")
    return lines


def run_grid(task: Task, path: Path, jobs: int) -> None:
    """Run what is not recorded yet, and record each run as it ends."""
    done = {Run(**{key: line[key] for key in Run.__match_args__}) for line in recorded(path, task)}
    missing = [run for run in grid() if run not in done]
    work = partial(measure, task)
    with ExitStack() as stack:
        if jobs > 1:
            pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(jobs))
            found = pool.imap_unordered(work, missing)
        else:
            found = map(work, missing)
        for line in track(found, total=len(missing)):
            with path.open("a") as file:
                file.write(json.dumps(line) + "\n")


def tables(lines: list[dict[str, Any]]) -> str:
    """What the recorded runs say, in Markdown."""
    found = accuracies(lines)
    raw = found[Cell(UNTRAINED, 0, 0)].values()
    spent = [line["learning_s"] + line["probing_s"] for line in lines]
    closing = (
        f"Untrained encoder: {fmean(raw):.1f} ± {stdev(raw):.1f}. {len(lines)} runs, "
        f"{sum(spent) / 60:.0f} CPU minutes in all, {max(spent):.0f} s the longest."
    )
    claims = table_of_orderings(found, orderings(list(LOSSES)))
    return "\n\n".join([table_of_accuracy(found, list(LOSSES)), closing, claims])


def main() -> None:
    """Run the grid, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1, help="processes, of one thread each")
    parser.add_argument("--results", type=Path, default=RESULTS, help="a line for each run")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--table", action="store_true", help="run nothing")
    parser.add_argument("--figure", type=Path, help="write the differences as SVG")
    given = parser.parse_args()
    task = Task(device=given.device)
    if not given.table:
        run_grid(task, given.results, given.jobs)
    lines = recorded(given.results, task)
    print(tables(lines))
    if given.figure:
        given.figure.write_text(figure(accuracies(lines), orderings(list(LOSSES))))


if __name__ == "__main__":
    main()
