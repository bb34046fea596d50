"""The Python API, of the same power as the command line.

result = contrast.run("meow", data="acm", objective={"temperature": 0.5}, seed=3)
parts = contrast.load(result.folder)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from contrast.config import Resolved, resolve, restore, write
from contrast.engine.distribution import World, world
from contrast.engine.evaluating import evaluating
from contrast.engine.exporting import export_parts, is_export, load_export
from contrast.engine.folder import RunFolder
from contrast.engine.loop import moment
from contrast.engine.observers import Observer, telling_warnings
from contrast.engine.placement import shapes
from contrast.engine.running import (
    RunResult,
    Session,
    build,
    carry_on,
    evaluate_stage,
    placed,
    start,
    trained,
)
from contrast.errors import ConfigError
from contrast.interfaces import Evaluation, Parts
from contrast.recipe import RunConfig
from contrast.reporting.comparison import Comparison, compare_runs

NAME = "name"  # in a mapping, the key that chooses the part


@dataclass(frozen=True)
class DryRun:
    """What a run would be: its trainable parameters and the shapes of one batch."""

    parameters: int
    batch: list[tuple[str, tuple[int, ...], str]]


@dataclass(frozen=True)
class Embedding:
    """Embeddings by name, one row a sample, with the samples' ids.

    Shapes:  ids: N;  each array: (N, D) float32.
    """

    ids: list[int | str]
    arrays: dict[str, np.ndarray]


def run(
    plugin: str,
    *,
    overrides: Sequence[str] = (),
    file: Path | str | None = None,
    runs: Path | str = "runs",
    name: str | None = None,
    observer: Observer | None = None,
    max_steps_now: int | None = None,
    **sections: Any,
) -> RunResult:
    """Train, evaluate and report; gives the finished run.

    `sections` are the keys of the command line: `data="acm"` chooses a part, a mapping sets its
    keys (`objective={"temperature": 0.5}`, with `"name"` to choose as well), `seed=3` a value.
    `max_steps_now` stops each stage after so many steps and leaves a run that can be resumed.
    Raises: ContrastError: a mistake in the configuration or data, or a run that failed.
    """
    words = [*overrides, *as_overrides(sections)]
    resolved = resolve(
        plugin,
        words,
        file=Path(file) if file else None,
        origin="Python" if sections else "command line",
    )
    config = resolved.config
    with world() as here, _watched(observer, here) as watch:
        first = build(config.recipe.stages[0], config, {}, here)  # mistakes in data come up here
        session = start(resolved, Path(runs), name, world=here, observer=watch)
        return carry_on(session, first=first, max_steps_now=max_steps_now)


def resume(folder: Path | str, *, observer: Observer | None = None) -> RunResult:
    """Go on with a run that was stopped, or that crashed, from its latest checkpoint."""
    with world() as here, _watched(observer, here) as watch:
        opened, config = _open(folder, here)
        opened.update(state="running", reason=None)
        watch.on_run(str(opened.path))
        return carry_on(Session(config, opened, here, watch))


@contextmanager
def _watched(observer: Observer | None, here: World) -> Iterator[Observer]:
    """The observer, told of warnings too; only the leading process has one."""
    watch = observer if observer and here.leads else Observer()
    with telling_warnings(watch.on_message):
        yield watch


def dry_run(resolved: Resolved) -> DryRun:
    """Build the parts of the first stage and draw one batch, without training or writing."""
    config = resolved.config
    stage = config.recipe.stages[0]
    parts = build(stage, config, {}, World())
    modules = parts.modules().values()
    batch = parts.sampler.draw(moment(stage, config, parts, World(), 0))
    trainable = (p for module in modules for p in module.parameters() if p.requires_grad)
    return DryRun(sum(p.numel() for p in trainable), list(shapes(batch)))


def evaluate(folder: Path | str, *, observer: Observer | None = None) -> dict[str, Evaluation]:
    """Evaluate a trained run again and write its report anew."""
    opened, config = _open(folder)
    with _watched(observer, World()) as watch:
        session = Session(config, opened, World(), watch)
        found = {
            stage.name: evaluate_stage(session, stage, parts)
            for stage, parts in trained(config, opened)
        }
    from contrast.reporting import write_report  # whose libraries nothing else here needs

    write_report(opened.path)
    return found


def compare(*folders: Path | str) -> Comparison:
    """Finished runs side by side; a folder of runs stands for those in it.

    Raises: RunFolderError: a folder is neither, a run is not finished, or there are fewer than two.
    """
    return compare_runs([Path(folder) for folder in folders])


def embed(folder: Path | str, new_data: Path | str | None = None) -> Embedding:
    """The embeddings of the run's own data, or of new data where the method can take it.

    Raises: ConfigError: the method mixes all rows and refuses new data, or its data takes no path.
    """
    opened, config = _open(folder)
    moved = None if new_data is None else _moved(Path(new_data), config)
    stage, parts = trained(config, opened)[-1]
    sampler = build(stage, moved, {}, World()).sampler if moved else parts.sampler
    at = moment(stage, config, parts, World(), 0, "embed")
    ids: list[int | str] = []
    rows: dict[str, list[np.ndarray]] = {}
    with evaluating(parts, at):
        for batch in sampler.sweep("all"):
            ids.extend(sampler.ids(batch))
            for name, value in parts.encoder.embed(placed(batch, config, stage)).items():
                rows.setdefault(name, []).append(value.float().cpu().numpy())
    return Embedding(ids, {name: np.concatenate(pieces) for name, pieces in rows.items()})


def export(folder: Path | str, to: Path | str) -> Path:
    """Write the trained parts of a run to a new folder: weights, configuration and a card."""
    opened, config = _open(folder)
    stage, parts = trained(config, opened)[-1]
    return export_parts(opened, stage, parts, Path(to))


def load(path: Path | str) -> Parts:
    """The trained parts by name (`encoder`, `objective`, ...), from a run folder or an export.

    Modules are in evaluation mode. A run gives its data and sampler too; an export needs no data,
    and has None in their place.
    """
    path = Path(path)
    if is_export(path):
        parts = load_export(path)
    else:
        opened, config = _open(path)
        parts = trained(config, opened)[-1][1]
    for module in parts.modules().values():
        module.eval()
    return parts


def _open(folder: Path | str, here: World | None = None) -> tuple[RunFolder, RunConfig]:
    opened = RunFolder.open(Path(folder), here)
    return opened, restore(opened.entries()).config


def _moved(new_data: Path, config: RunConfig) -> RunConfig:
    """The run's own settings on new data.

    Raises: ConfigError: the method mixes all rows, or its data takes no path.
    """
    if config.recipe.transductive:
        raise ConfigError(config.recipe.transductive)
    if not hasattr(config.data, "path"):
        raise ConfigError(
            f"data `{config.chosen['data'].name}` reads no path, so it cannot embed {new_data}; "
            "train on a part of `data` that has `data.path`"
        )
    return replace(config, data=replace(config.data, path=str(new_data)))


def as_overrides(sections: Mapping[str, Any]) -> list[str]:
    """Keyword arguments as the command line would have them: `objective={"temperature": 0.5}`."""
    words = []
    for key, value in sections.items():
        if isinstance(value, Mapping):
            words += [f"{key}={value[NAME]}"] if NAME in value else []
            words += as_overrides({f"{key}.{k}": v for k, v in value.items() if k != NAME})
        else:
            words.append(f"{key}={write(value)}")
    return words
