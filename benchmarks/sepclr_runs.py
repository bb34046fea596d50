"""Runs of SepCLR as lines of a file: what stands there is not run again.

A run is trained by the engine and measured by the plugin; only pictures and report are left out.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from time import process_time

from contrast.config import resolve
from contrast.engine.distribution import World
from contrast.engine.evaluating import evaluating
from contrast.engine.loop import Loop, moment
from contrast.engine.observers import Observer
from contrast.engine.placement import threads
from contrast.engine.running import build, start
from contrast_sepclr.evaluate import measure


@dataclass(frozen=True)
class Run:
    """Settings of the command line, and a seed."""

    settings: tuple[str, ...]
    seed: int


@dataclass(frozen=True)
class Outcome:
    """The plugin's metrics, in percent, and process CPU seconds of training alone."""

    metrics: dict[str, float | None]
    seconds: float


def made(run: Run) -> Outcome:
    """Train and measure."""
    resolved = resolve("sepclr", [*run.settings, f"seed={run.seed}", "trainer.threads=1"])
    config, world = resolved.config, World()
    (stage,) = config.recipe.stages
    with tempfile.TemporaryDirectory() as folder, threads(config.trainers[stage.name]):
        parts = build(stage, config, {}, world)
        session = start(resolved, Path(folder), None, world=world, observer=Observer())
        loop = Loop(stage, parts, config, session.folder, world=world, observer=Observer())
        began = process_time()
        loop.run(lambda: False)
        seconds = process_time() - began
        with evaluating(parts, moment(stage, config, parts, world, 0, "evaluate")):
            return Outcome(measure(parts, config).metrics, seconds)


def read(results: Path) -> dict[Run, Outcome]:
    """The runs that are there."""
    found = {}
    for line in results.read_text().splitlines() if results.exists() else []:
        entry = json.loads(line)
        run = Run(tuple(entry["settings"]), entry["seed"])
        found[run] = Outcome(entry["metrics"], entry["seconds"])
    return found


def finish(results: Path, runs: Iterable[Run]) -> dict[Run, Outcome]:
    """Make the runs that are not there yet, a line each; all of them come back."""
    found = read(results)
    for run in runs:
        if run not in found:
            found[run] = made(run)
            with results.open("a") as file:
                file.write(json.dumps(asdict(run) | asdict(found[run])) + "\n")
            print(f"seed {run.seed}  {' '.join(run.settings)}", flush=True)
    return found


def values(found: dict[Run, Outcome], settings: Sequence[str], metric: str) -> list[float]:
    """A metric of a setting, a value a seed, in the order of seeds; `seconds` is one too."""
    own = sorted((r.seed, o) for r, o in found.items() if r.settings == tuple(settings))
    return [o.seconds if metric == "seconds" else o.metrics[metric] for _, o in own]


def spread(numbers: Sequence[float], digits: int = 1) -> str:
    """Mean and standard deviation over seeds, of one value the value."""
    if not numbers:
        return "-"
    around = f" ± {stdev(numbers):.{digits}f}" if len(numbers) > 1 else ""
    return f"{fmean(numbers):.{digits}f}{around}"
