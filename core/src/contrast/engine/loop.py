"""The one loop: draw, step, record; at the end of an epoch validate, watch, checkpoint.

Everything is decided by counters, so that a resumed run is the run that was never stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from torch import Tensor

from contrast.engine.distribution import World
from contrast.engine.evaluating import evaluating
from contrast.engine.folder import RunFolder
from contrast.engine.memory import peak_memory
from contrast.engine.monitor import Monitor
from contrast.engine.observers import Observer
from contrast.engine.optimizers import learning_rate_factor
from contrast.engine.placement import choose_device, dtype_of, move
from contrast.engine.randomness import seed_everything
from contrast.engine.recorder import Recorder
from contrast.engine.work import Clock, Group, LoopWork
from contrast.errors import CheckpointError
from contrast.interfaces import Moment, Parts
from contrast.recipe import RunConfig, Stage


class Loop:
    """Trains the parts of one stage."""

    def __init__(
        self,
        stage: Stage,
        parts: Parts,
        config: RunConfig,
        folder: RunFolder,
        *,
        world: World,
        observer: Observer,
    ) -> None:
        self.stage, self.parts, self.config = stage, parts, config
        self.folder, self.world, self.observer = folder, world, observer
        self.trainer = config.trainers[stage.name]
        self.monitor = Monitor(self.trainer)
        self.recorder = Recorder(stage.name, folder, world, observer)
        place(parts, config, stage)
        self.groups = {
            name: Group(parameters, stage.optimizer(name, parameters, self.trainer))
            for name, parameters in stage.groups(parts).items()
            if parameters
        }
        self.epoch_steps = max(parts.sampler.steps_per_epoch, 1)
        self.steps = self.trainer.max_steps or self.trainer.max_epochs * self.epoch_steps
        self.step, self.finished = 0, False
        self.saved: tuple[int, bool] | None = None  # step and finished of the last checkpoint
        self.clock, self.started, self.timed = Clock(), perf_counter(), 0
        self.drawn: tuple[Any, Any, list[int | str]] | None = None
        self.work: LoopWork | None = None  # of the last step

    def run(self, stopping: Callable[[], bool]) -> bool:
        """Train to the end, or until `stopping()` after a step; whether it is finished."""
        self.observer.on_start(self.stage.name, self.steps)
        self.finished = self.finished or self.step >= self.steps
        while not self.finished and not self.world.any(stopping()):
            self._train_one_step()
            self.finished = self.step >= self.steps
            if self.step % self.epoch_steps == 0:
                self._end_epoch(self.step // self.epoch_steps)
        self.recorder.flush()
        if self.finished:
            self._end_with_the_best()
        if self.saved != (self.step, self.finished):
            with self.clock.split("checkpoint"):
                self._checkpoint()
        if self.step > self.timed:
            self._write_times(-(-self.step // self.epoch_steps))
        self.observer.on_end(self.stage.name)
        return self.finished

    def restore(self, trees: dict[str, Any]) -> None:
        """Continue from the trees of a checkpoint."""
        training = trees["training"]
        self.step, self.finished = training["step"], training["finished"]
        self.timed, self.saved = self.step, (self.step, self.finished)
        self.recorder.epoch_losses = training["epoch_losses"]
        self.monitor.restore(training["monitor"], trees["best"])
        load_weights(self.parts, trees["model"])
        for name, group in self.groups.items():
            group.optimizer.load_state_dict(training["optimizers"][name])
        self.parts.sampler.load_state_dict(training["sampler"])
        self.folder.rewind(self.stage.name, self.step, training["metrics_length"])

    def _train_one_step(self) -> None:
        for module in self.parts.modules().values():
            module.train()
        seed_everything(self.config.seed, self.stage.name, self.step, self.world.rank)
        factor = learning_rate_factor(self.step, self.steps, self.trainer)
        for group in self.groups.values():
            group.set_rate(factor)
        at = moment(self.stage, self.config, self.parts, self.world, self.step)
        self.work = work = LoopWork(
            self.parts,
            self.config.chosen["objective"],
            self.groups,
            at,
            trainer=self.trainer,
            world=self.world,
            clock=self.clock,
        )
        with self.clock.split("data"):
            batch, ids = self._draw(at)
        with self.clock.split("loss"):  # what a step does beside what `work` counts for itself
            self.stage.step(batch, work)
        where = {"step": self.step, "epoch": self.step // self.epoch_steps + 1}
        with self.clock.split("record"):
            self.recorder.hold(where, ids, work.values, work.share)
        self.step += 1

    def _draw(self, at: Moment) -> tuple[Any, list[int | str]]:
        """The batch on the device and its ids; one that is drawn again and again is moved once."""
        batch = self.parts.sampler.draw(at)
        if self.drawn is None or self.drawn[0] is not batch:
            moved = move(batch, choose_device(self.trainer), dtype_of(self.trainer))
            self.drawn = (batch, moved, self.parts.sampler.ids(batch))
        return self.drawn[1:]

    def _end_with_the_best(self) -> None:
        trainer = self.trainer
        if self.monitor.weights is not None:
            load_weights(self.parts, self.monitor.weights)
        elif trainer.restore_best and self.steps:
            self.observer.on_message(
                f"`{trainer.monitor}` was never measured: stage `{self.stage.name}` ends with the "
                "weights of its last epoch"
            )

    def _end_epoch(self, epoch: int) -> None:
        trainer = self.trainer
        with self.clock.split("record"):
            loss, metrics = self.recorder.end_epoch(), None
        if trainer.evaluate_every and epoch % trainer.evaluate_every == 0:
            metrics = self._validate(epoch)
        if self.monitor.improves(epoch, loss, metrics) and trainer.restore_best:
            self.monitor.weights = weights(self.parts, copied=True)
        if self.monitor.exhausted(epoch):
            self.finished = True
            self.observer.on_message(
                f"stopped at epoch {epoch}: `{trainer.monitor}` was best at epoch "
                f"{self.monitor.best_epoch} (`trainer.patience={trainer.patience}`)"
            )
        if self.finished:  # the last checkpoint follows: one in force is never written again
            return
        if trainer.checkpoint_every and epoch % trainer.checkpoint_every == 0:
            with self.clock.split("checkpoint"):
                self._checkpoint()
        self._write_times(epoch)

    def _validate(self, epoch: int) -> dict[str, float | None]:
        at = moment(self.stage, self.config, self.parts, self.world, self.step, "validate")
        with self.clock.split("evaluation"), evaluating(self.parts, at):
            metrics = self.stage.validate(self.parts, self.config, at)
        where = {"stage": self.stage.name, "step": self.step - 1, "epoch": epoch}
        self.folder.write_metrics({**where, "validation": metrics})
        self.observer.on_evaluation(self.stage.name, self.step - 1, metrics)
        return metrics

    def _write_times(self, epoch: int) -> None:
        now = perf_counter()
        self.folder.write_times(
            {
                "stage": self.stage.name,
                "epoch": epoch,
                "step": self.step - 1,
                "seconds": now - self.started,
                "split": self.clock.spent,
                "peak_memory": peak_memory(),
            }
        )
        self.clock.spent, self.started, self.timed = {}, now, self.step

    def _checkpoint(self) -> None:
        self.recorder.flush()
        training = {
            "step": self.step,
            "finished": self.finished,
            "epoch_losses": self.recorder.epoch_losses,
            "monitor": self.monitor.state(),
            "optimizers": {name: g.optimizer.state_dict() for name, g in self.groups.items()},
            "sampler": self.parts.sampler.state_dict(),
            "metrics_length": self.folder.metrics_length(),
        }
        trees = {
            "model": weights(self.parts),
            "training": training,
            "best": self.monitor.weights or {},
        }
        self.folder.save_checkpoint(
            self.stage.name, self.step, trees, keep=self.trainer.keep_checkpoints
        )
        self.saved = (self.step, self.finished)
        self.world.barrier()


def place(parts: Parts, config: RunConfig, stage: Stage) -> None:
    """Bring the modules to the device and precision of the stage's trainer."""
    trainer = config.trainers[stage.name]
    for module in parts.modules().values():
        module.to(choose_device(trainer), dtype_of(trainer))


def moment(
    stage: Stage, config: RunConfig, parts: Parts | None, world: World, step: int, purpose: str = ""
) -> Moment:
    """A moment of a stage; a purpose sets its randomness apart from training's."""
    name = f"{stage.name}/{purpose}" if purpose else stage.name
    encoder = parts.encoder if parts else None
    return Moment(name, step, config.seed, encoder, world.rank, world.size)


def weights(parts: Parts, *, copied: bool = False) -> dict[str, dict[str, Tensor]]:
    """The state of every module by name, on the CPU if copied."""
    states = {name: module.state_dict() for name, module in parts.modules().items()}
    if not copied:
        return states
    return {n: {k: v.detach().cpu().clone() for k, v in s.items()} for n, s in states.items()}


def load_weights(parts: Parts, states: dict[str, dict[str, Tensor]]) -> None:
    """Give every module the state that `weights` read.

    Raises: CheckpointError: a module has other weights, or of other sizes.
    """
    for name, module in parts.modules().items():
        try:
            module.load_state_dict(states.get(name, {}))
        except RuntimeError as error:
            where = str(error).splitlines()[-1].strip()
            raise CheckpointError(
                f"the weights of the run do not fit its `{name}`: {where}\n"
                "If its data have changed since, bring the old ones back, or train again."
            ) from error
