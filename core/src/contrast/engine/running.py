"""A run from its configuration to its report: every stage in turn, each trained and evaluated."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from contrast.engine.checkpoint import last_of_stage, load_checkpoint
from contrast.engine.diagnosing import diagnose_stage
from contrast.engine.distribution import World
from contrast.engine.evaluating import evaluating
from contrast.engine.folder import RunFolder, now
from contrast.engine.loop import Loop, load_weights, moment, place
from contrast.engine.memory import peak_memory
from contrast.engine.observers import Observer
from contrast.engine.placement import choose_device, dtype_of, move, threads
from contrast.engine.randomness import seeded
from contrast.engine.stopping import Stopped, StopRequest
from contrast.engine.versions import versions
from contrast.interfaces import Evaluation, Parts
from contrast.recipe import RunConfig, Stage
from contrast.reporting import load_evaluations, save_evaluation

if TYPE_CHECKING:
    from contrast.config import Resolved


@dataclass(frozen=True)
class RunResult:
    """A finished or stopped run: its folder, its state, and what each stage's evaluation found."""

    folder: Path
    state: str
    evaluations: dict[str, Evaluation] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, float | None]:
        """The metrics of all stages; those of a later stage win."""
        return {k: v for each in self.evaluations.values() for k, v in each.metrics.items()}


@dataclass
class Session:
    """A run in progress: what it is, where it is written, and who is told."""

    config: RunConfig
    folder: RunFolder
    world: World
    observer: Observer


def start(
    resolved: Resolved, runs: Path, name: str | None, *, world: World, observer: Observer
) -> Session:
    """Make the folder of a new run and write what it is."""
    config = resolved.config
    record = {
        "plugin": config.plugin,
        "recipe": config.recipe.name,
        "summary": config.recipe.summary,
        "paper": config.recipe.paper,
        "data": config.chosen["data"].name,
        "objective": config.chosen["objective"].name,
        "seed": config.seed,
        "command": [Path(sys.argv[0]).name.replace("__main__.py", "contrast"), *sys.argv[1:]],
        "processes": world.size,
        "versions": versions(config.plugin),
    }
    name = name or f"{config.recipe.name}-{config.chosen['data'].name}-seed{config.seed}"
    folder = RunFolder.create(runs, name, record, world)
    folder.write_config(resolved.to_json())
    observer.on_run(str(folder.path))
    for note in resolved.notes:
        observer.on_message(note)
    return Session(config, folder, world, observer)


def carry_on(
    session: Session, *, first: Parts | None = None, max_steps_now: int | None = None
) -> RunResult:
    """Train and evaluate what is still to be done, from the latest checkpoint if there is one.

    `first` holds the parts of the first stage where they are built already; `max_steps_now` stops
    every stage's training after so many steps, leaving a resumable run.
    Raises: Stopped: a signal came.
    """
    folder = session.folder
    with StopRequest() as request:
        try:
            finished = _all_stages(session, first, request, max_steps_now)
        except KeyboardInterrupt:
            folder.update(state="stopped")
            raise
        except Exception as cause:
            with suppress(OSError):  # a full disk, which must not hide the cause
                folder.update(state="failed", reason=str(cause))
            raise
    state = "done" if finished else "stopped"
    folder.update(state=state, ended=now())
    if session.world.leads:
        from contrast.reporting import write_report  # whose libraries training does without

        write_report(folder.path)
    if request.received:
        raise _stopped(folder.path, state, request.received)
    return RunResult(folder.path, state, load_evaluations(folder.path))


def _stopped(path: Path, state: str, signal: int) -> Stopped:
    late = f"the signal came after the training; the run is done: {path}"
    stopped = Stopped(late if state == "done" else f"stopped; go on with `contrast resume {path}`")
    stopped.exit_code = 128 + signal
    return stopped


def _all_stages(
    session: Session, first: Parts | None, request: StopRequest, max_steps_now: int | None
) -> bool:
    config, folder = session.config, session.folder
    latest = folder.latest_checkpoint()
    reached = latest.name.rpartition("-")[0] if latest else None
    if latest is None:  # new, or a crash came before the first checkpoint: begin again
        folder.rewind(config.recipe.stages[0].name, 0, 0)
    earlier: dict[str, Parts] = {}
    behind = latest is not None
    for stage in config.recipe.stages:
        parts = first or build(stage, config, earlier, session.world)
        first, behind = None, behind and stage.name != reached
        with threads(config.trainers[stage.name]):
            if behind:
                restore_weights(parts, folder, stage)
            else:
                since = latest if stage.name == reached else None
                if not _train(session, stage, parts, since, request, max_steps_now):
                    return False
            if not session.world.any(stage.name in load_evaluations(folder.path)):
                evaluate_stage(session, stage, parts)
        earlier[stage.name] = parts
    return True


def _train(
    session: Session,
    stage: Stage,
    parts: Parts,
    since: Path | None,
    request: StopRequest,
    max_steps_now: int | None,
) -> bool:
    """Train one stage from its beginning or since a checkpoint; whether it is finished."""
    loop = Loop(
        stage, parts, session.config, session.folder, world=session.world, observer=session.observer
    )
    if since is None:  # a crash before its first checkpoint may have left times of the stage
        session.folder.rewind(stage.name, 0, session.folder.metrics_length())
    else:
        loop.restore(load_checkpoint(since, "model", "training", "best"))
    finished = loop.run(_stop_when(loop, request, max_steps_now))
    if finished:
        diagnose_stage(loop)
    return finished


def _stop_when(loop: Loop, request: StopRequest, limit: int | None) -> Callable[[], bool]:
    last = None if limit is None else loop.step + limit
    return lambda: bool(request.received) or (last is not None and loop.step >= last)


def build(stage: Stage, config: RunConfig, earlier: dict[str, Parts], world: World) -> Parts:
    """The untrained parts of a stage, with initial weights from a seed of their own."""
    with seeded(config.seed, stage.name, "init"):
        parts = stage.build(config, earlier, moment(stage, config, None, world, 0, "build"))
    place(parts, config, stage)
    return parts


def trained(config: RunConfig, folder: RunFolder) -> list[tuple[Stage, Parts]]:
    """Every stage with its trained parts, in order.

    Raises: CheckpointError: a stage has not been trained yet, or a checkpoint is damaged.
    """
    earlier: dict[str, Parts] = {}
    for stage in config.recipe.stages:
        earlier[stage.name] = build(stage, config, earlier, World())
        restore_weights(earlier[stage.name], folder, stage)
    return [(stage, earlier[stage.name]) for stage in config.recipe.stages]


def placed(batch: Any, config: RunConfig, stage: Stage) -> Any:
    """The batch on the device and in the precision of the stage's trainer."""
    trainer = config.trainers[stage.name]
    return move(batch, choose_device(trainer), dtype_of(trainer))


def restore_weights(parts: Parts, folder: RunFolder, stage: Stage) -> None:
    """Give the parts the weights that the stage ended with, and the sampler its state."""
    checkpoint = last_of_stage(folder.checkpoints, stage.name)
    trees = load_checkpoint(checkpoint, "model", "training")
    load_weights(parts, trees["model"])
    parts.sampler.load_state_dict(trees["training"]["sampler"])


def evaluate_stage(session: Session, stage: Stage, parts: Parts) -> Evaluation:
    """Evaluate a stage's parts and write down what was found."""
    at = moment(stage, session.config, parts, session.world, 0, "evaluate")
    session.observer.on_message(f"evaluating stage `{stage.name}`")
    began = perf_counter()
    with evaluating(parts, at):
        evaluation = stage.evaluate(parts, session.config, at)
    if session.world.leads:
        stage.deliver(parts, session.config, session.folder.path)
        save_evaluation(evaluation, session.folder.path, stage.name)
        cost = {"seconds": perf_counter() - began, "peak_memory": peak_memory()}
        known = session.folder.record().get("evaluated", {})
        session.folder.update(evaluated={**known, stage.name: cost})
    session.observer.on_evaluation(stage.name, None, evaluation.metrics)
    for note in evaluation.notes:
        session.observer.on_message(note)
    session.world.barrier()
    return evaluation
