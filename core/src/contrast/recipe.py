"""Recipes: a paper as a choice of parts and a list of stages. Importable without torch.

A plugin's `recipe.py` holds frozen dataclasses of settings, names the callables that are built
from them (`"package.module:callable"`, imported on use), and binds both to a paper.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from contrast.errors import ConfigError, PluginError, listing
from contrast.forms import Form
from contrast.interfaces import Evaluation, Moment, Parts, Work

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn
    from torch.optim import Optimizer

SLOTS = ("data", "sampler", "encoder", "objective")


def setting(default: Any, help: str, **range: float) -> Any:
    """A configuration field with its help text and, where it has one, its range.

    `range` takes `low`, `high` (both allowed values) and `above`, `below` (both excluded); it is
    shown by `contrast info` and checked by `Settings.__post_init__`.
    """
    metadata = {"help": help, "range": range}
    if isinstance(default, (list, dict)):
        raise TypeError("a default must be immutable: use a tuple")
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """The base of all configuration dataclasses: checks every field against its declared range."""

    def __post_init__(self) -> None:
        """Raises: ConfigError: a number is NaN, infinite or out of its range."""
        for item in fields(self):
            value = getattr(self, item.name)
            for number in value if isinstance(value, tuple) else (value,):
                if isinstance(number, (int, float)) and not isinstance(number, bool):
                    check_range(item.name, number, item.metadata.get("range", {}))


def check_range(name: str, number: float, range: Mapping[str, float]) -> None:
    """Raises: ConfigError: the number is not finite or not in the range."""
    low, high = range.get("low", float("-inf")), range.get("high", float("inf"))
    above, below = range.get("above", float("-inf")), range.get("below", float("inf"))
    if not (low <= number <= high and above < number < below):
        finite = "finite and " if range and not math.isfinite(number) else ""
        raise ConfigError(f"`{name}` must be {finite}{describe_range(range)}, got {number}")


def describe_range(range: Mapping[str, float]) -> str:
    """A range in words: `finite`, `> 0`, `>= 0 and < 1`."""
    signs = {"low": ">=", "above": ">", "high": "<=", "below": "<"}
    return " and ".join(f"{signs[k]} {range[k]}" for k in signs if k in range) or "a finite number"


@dataclass(frozen=True)
class Part:
    """One choice of a slot: its name, its settings, and the callable that makes it from them.

    `build` is called with what the stage hands over and with the settings as keyword arguments;
    an encoder or objective also with those of the stage's sizes that `sizes` names.
    """

    name: str
    config: type[Settings]
    build: str
    summary: str = ""
    paper: str = ""
    sizes: tuple[str, ...] = ()

    def load(self) -> Callable[..., Any]:
        """Import the callable that `build` names."""
        module, _, name = self.build.partition(":")
        return getattr(importlib.import_module(module), name)


@dataclass(frozen=True)
class ObjectivePart(Part):
    """An objective: the form it reads, what it needs of a recipe, and what it costs.

    `needs` and `sizes` (such as `samples`, how many there are in all) speak the words of
    `Recipe.provides`.
    """

    reads: type[Form] = Form
    needs: frozenset[str] = frozenset()
    per_sample_state: bool = False
    cost: str = ""


@dataclass(frozen=True)
class TrainerConfig(Settings):
    """Settings of the loop; a recipe subclasses it to change defaults or to add its own."""

    max_epochs: int = setting(100, "epochs to train at most; 0 trains nothing", low=0)
    max_steps: int = setting(0, "steps to train at most; 0 leaves it to max_epochs", low=0)
    lr: float = setting(1e-3, "learning rate", above=0, high=1e30)
    optimizer: Literal["adam", "adamw", "sgd"] = setting("adam", "optimiser of every group")
    weight_decay: float = setting(0.0, "weight decay", low=0)
    momentum: float = setting(0.9, "momentum of sgd", low=0, below=1)
    schedule: Literal["constant", "cosine", "linear"] = setting("constant", "of the learning rate")
    warmup_steps: int = setting(0, "steps of linear warm-up of the learning rate", low=0)
    micro_batch: int = setting(
        0, "samples encoded at a time: less memory, same gradient; 0: the whole batch", low=0
    )
    clip_norm: float = setting(0.0, "largest norm of a group's gradient; 0 clips nothing", low=0)
    patience: int = setting(0, "epochs without a better `monitor` before stopping; 0: never", low=0)
    monitor: str = setting("loss", "what patience watches: loss (smaller) or a metric (larger)")
    restore_best: bool = setting(False, "end with the weights of the best `monitor`")
    evaluate_every: int = setting(0, "epochs between validations; 0: none while training", low=0)
    checkpoint_every: int = setting(10, "epochs between checkpoints; 0: only the last", low=0)
    keep_checkpoints: int = setting(2, "newest checkpoints that are kept", low=1)
    precision: Literal["float32", "float64", "bf16"] = setting("float32", "of the computation")
    device: str = setting("auto", "auto, cpu, cuda or cuda:N")
    threads: int = setting(0, "CPU threads; 0: as many as torch finds", low=0)

    def __post_init__(self) -> None:
        """Raises: ConfigError: a range is left, or a metric is watched but never measured."""
        super().__post_init__()
        if self.monitor != "loss" and not self.evaluate_every:
            raise ConfigError(
                f"`monitor` is `{self.monitor}`, which is known only after a validation: set "
                "`trainer.evaluate_every` as well"
            )


@dataclass(frozen=True)
class RunConfig:
    """The effective configuration of a run: who it is, and one settings object a section.

    `chosen` names the part of each slot; `trainers` holds the settings of each stage.
    """

    plugin: str
    recipe: Recipe
    seed: int
    reference: str
    chosen: dict[str, Part]
    data: Any
    sampler: Any
    encoder: Any
    objective: Any
    trainers: dict[str, TrainerConfig]
    evaluation: Any = None

    def build(self, slot: str, *given: Any, **also: Any) -> Any:
        """Make the chosen part of a slot: `given` and `also` first, then its settings by name."""
        settings = getattr(self, slot)
        values = {item.name: getattr(settings, item.name) for item in fields(settings)}
        return self.chosen[slot].load()(*given, **also, **values)

    def build_sized(self, slot: str, sizes: Mapping[str, Any]) -> Any:
        """Make the chosen part of a slot with those of the sizes that it names.

        Raises: PluginError: the stage does not give one of them.
        """
        part = self.chosen[slot]
        missing = [name for name in part.sizes if name not in sizes]
        if missing:
            raise PluginError(
                f"{slot} `{part.name}` asks for the size `{missing[0]}`, which the stage's `sizes` "
                f"does not give; it gives {listing(sizes)}"
            )
        return self.build(slot, **{name: sizes[name] for name in part.sizes})


class Stage:
    """One stage of a recipe; the plain one is complete, a recipe overrides what its paper changes.

    A stage holds no state: what is learnt lives in the parts.
    """

    name = "train"

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """Make the parts; `earlier` holds the trained parts of the stages before, by stage name.

        torch's global generator is seeded for this call, so that initial weights are reproducible.
        """
        data = config.build("data", generator=at.shared("data"))
        sampler = config.build("sampler", data, generator=at.shared("sampler"))
        sizes = self.sizes(data, sampler)
        encoder, objective = self.build_modules(config, sizes)
        return Parts(data, sampler, encoder, objective, sizes)

    def sizes(self, data: Any, sampler: Any) -> dict[str, Any]:
        """What encoder and objective must know of the data: plain values, kept in exports."""
        return {}

    def build_modules(self, config: RunConfig, sizes: dict[str, Any]) -> tuple[Any, Any]:
        """The encoder and the objective, from sizes and settings, without the data."""
        return config.build_sized("encoder", sizes), config.build_sized("objective", sizes)

    def step(self, batch: Any, work: Work) -> None:
        """One training step."""
        work.descend(work.contrast(work.encode(batch)))

    def groups(self, parts: Parts) -> dict[str, list[nn.Parameter]]:
        """The parameters by group; each group has its own optimiser."""
        modules = parts.modules().values()
        return {"all": [p for module in modules for p in module.parameters()]}

    def optimizer(self, group: str, parameters: list[nn.Parameter], trainer: Any) -> Optimizer:
        """The optimiser of a group, by the trainer's settings."""
        from contrast.engine.optimizers import make_optimizer

        return make_optimizer(parameters, trainer)

    def validate(self, parts: Parts, config: RunConfig, at: Moment) -> dict[str, float | None]:
        """The metrics of `trainer.evaluate_every`, those of the evaluation unless overridden."""
        return self.evaluate(parts, config, at).metrics

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """What the trained parts are worth; called in evaluation mode without gradients."""
        return Evaluation()

    def deliver(self, parts: Parts, config: RunConfig, folder: Path) -> None:
        """Write what others' programs read into the run's folder, once the stage is evaluated."""


@dataclass(frozen=True)
class Recipe:
    """A paper: its slots with their choices (the first is the default), presets and stages.

    `gives` is the form that the encoder gives; `provides` the words an objective may need:
    `two_views`, `labels`, `targets`, `sample_ids`, `ranks`, `reference`, and names of sizes.
    A preset is `{section: {key: value}}`, selected by `data=NAME`; a section of a slot applies
    only where the slot's default part is chosen, or the part under the section's key `name`.
    `references` says which of `reference=paper|official` it can follow.
    `transductive` is the sentence that refuses new data, for a method that mixes all rows.
    `words` are the method's own short words for dotted keys: `{"env": "data.env"}`.
    """

    name: str
    summary: str
    paper: str
    gives: type[Form]
    slots: dict[str, tuple[Part, ...]]
    stages: tuple[Stage, ...]
    trainer: type[TrainerConfig] = TrainerConfig
    evaluation: type[Settings] = Settings
    presets: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    provides: frozenset[str] = frozenset()
    contrasts_per_step: int = 1
    references: tuple[str, ...] = ("paper",)
    transductive: str = ""
    words: dict[str, str] = field(default_factory=dict)
