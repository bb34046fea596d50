"""The parts of a recipe's stages outside the engine: built, placed, stepped by hand, watched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from contrast.config import resolve
from contrast.engine.distribution import World
from contrast.engine.evaluating import evaluating
from contrast.engine.loop import moment
from contrast.engine.placement import choose_device, dtype_of, move
from contrast.engine.randomness import seeded
from contrast.engine.running import build
from contrast.engine.work import Clock, Group, LoopWork
from contrast.interfaces import Moment, Parts
from contrast.recipe import RunConfig, Stage


def build_stages(plugin: str, overrides: list[str]) -> list[Built]:
    """All stages of the configured recipe, each on the untrained ones before it."""
    config = resolve(plugin, overrides).config
    earlier: dict[str, Parts] = {}
    for stage in config.recipe.stages:
        earlier[stage.name] = build(stage, config, dict(earlier), World())
    return [Built(config, stage, earlier[stage.name]) for stage in config.recipe.stages]


@dataclass
class Built:
    """One stage with its untrained parts, and the means to work it by hand."""

    config: RunConfig
    stage: Stage
    parts: Parts

    def at(self, step: int) -> Moment:
        """The moment of a step."""
        return moment(self.stage, self.config, self.parts, World(), step)

    def placed(self, batch: Any) -> Any:
        """The batch where the parts are."""
        trainer = self.config.trainers[self.stage.name]
        return move(batch, choose_device(trainer), dtype_of(trainer))

    def draw(self, step: int) -> Any:
        """The batch of a step, where the parts are."""
        return self.placed(self.parts.sampler.draw(self.at(step)))

    def work(self, step: int, groups: dict[str, Any] | None = None) -> LoopWork:
        """What the stage's step sees."""
        return LoopWork(
            self.parts,
            self.config.chosen["objective"],
            groups or {},
            self.at(step),
            trainer=self.config.trainers[self.stage.name],
            world=World(),
            clock=Clock(),
        )

    def groups(self) -> dict[str, WatchedGroup]:
        """Fresh optimisers."""
        trainer = self.config.trainers[self.stage.name]
        return {
            name: WatchedGroup(parameters, self.stage.optimizer(name, parameters, trainer))
            for name, parameters in self.stage.groups(self.parts).items()
            if parameters
        }

    def step(self, step: int, groups: dict[str, WatchedGroup]) -> Tensor:
        """One training step; gives its (first) loss."""
        work = self.work(step, groups)
        with seeded(self.config.seed, self.stage.name, step):
            self.stage.step(self.draw(step), work)
        return work.values["loss"]

    def parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Every parameter that requires a gradient, by module and name."""
        for where, module in self.parts.modules().items():
            for name, parameter in module.named_parameters():
                if parameter.requires_grad:
                    yield f"{where}.{name}", parameter

    def sweep(self) -> tuple[list[int | str], dict[str, Tensor]]:
        """The ids and embeddings of all samples, in evaluation mode."""
        ids: list[int | str] = []
        rows: dict[str, list[Tensor]] = {}
        with evaluating(self.parts, self.at(0)):
            for batch in self.parts.sampler.sweep("all"):
                ids.extend(self.parts.sampler.ids(batch))
                for name, z in self.parts.encoder.embed(self.placed(batch)).items():
                    rows.setdefault(name, []).append(z)
        return ids, {name: torch.cat(pieces) for name, pieces in rows.items()}


class WatchedGroup(Group):
    """A group that remembers which of its parameters a gradient has reached."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.reached: list[Tensor] = []
        self.finite = True

    def step(self, gradients: list[Tensor | None], clip_norm: float) -> None:
        """Look at the gradients, then step."""
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            if gradient is not None:
                self.reached.append(parameter)
                self.finite &= bool(gradient.isfinite().all())
        super().step(gradients, clip_norm)
