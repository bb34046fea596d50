"""Keys: every setting of a section with its type, default, range and help text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, Literal, get_type_hints

from contrast.config.values import describe, is_supported, write
from contrast.errors import PluginError
from contrast.recipe import Recipe, Settings, describe_range, setting


@dataclass(frozen=True)
class GeneralConfig(Settings):
    """The settings of a run that belong to no part."""

    seed: int = setting(0, "seed of everything that is random", low=0)
    reference: Literal["paper", "official"] = setting(
        "paper", "where they differ: as published, or as the authors' code does it"
    )


@dataclass(frozen=True)
class Key:
    """One setting: `name` is the last word of its dotted key."""

    name: str
    kind: Any
    default: Any
    help: str
    range: Mapping[str, float] = field(default_factory=dict)

    def describe(self) -> dict[str, str]:
        """The setting in words, for `contrast info`."""
        return {
            "key": self.name,
            "type": describe(self.kind),
            "default": write(self.default),
            "range": describe_range(self.range) if self.range else "",
            "help": self.help,
        }


@dataclass(frozen=True)
class Section:
    """A section of the configuration: its dotted name, its settings, and what owns it in words."""

    name: str
    config: type[Settings]
    owner: str

    @property
    def keys(self) -> dict[str, Key]:
        """The settings by name."""
        return keys_of(self.config)


@cache
def keys_of(config: type[Settings]) -> dict[str, Key]:
    """The settings of a configuration dataclass, by name.

    Raises: PluginError: a field has no default or a type that cannot be read.
    """
    kinds = get_type_hints(config)
    keys = {}
    for item in fields(config):
        if item.default is MISSING or not is_supported(kinds[item.name]):
            raise PluginError(
                f"the setting `{item.name}` of {config.__module__}.{config.__name__} needs a "
                f"default and a type that can be read, got {item.type}"
            )
        help, limits = item.metadata.get("help", ""), item.metadata.get("range", {})
        keys[item.name] = Key(item.name, kinds[item.name], item.default, help, limits)
    return keys


def sections_of(recipe: Recipe, chosen: Mapping[str, Any]) -> dict[str, Section]:
    """The sections of a run by name: general, chosen parts, trainer of each stage, evaluation.

    `trainer` stands for all stages; `trainer.STAGE` for one.
    """
    every = [Section("", GeneralConfig, "the run")]
    every += [Section(slot, part.config, f"{slot} `{part.name}`") for slot, part in chosen.items()]
    every += [Section("trainer", recipe.trainer, "the trainer")]
    every += [
        Section(f"trainer.{stage.name}", recipe.trainer, f"the trainer of stage `{stage.name}`")
        for stage in recipe.stages
    ]
    every += [Section("evaluation", recipe.evaluation, "the evaluation")]
    return {section.name: section for section in every}
