"""Phase two: the layers of a configuration, from texts to a `Resolved`.

default < preset < YAML file < command line; every effective value carries where it came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from contrast.config.choosing import Choice, choose, choose_part, choose_recipe
from contrast.config.keys import Section, sections_of
from contrast.config.layers import Given, read_file, read_words
from contrast.config.references import follow
from contrast.config.resolved import Resolved, assemble
from contrast.config.unknown import refuse_unknown
from contrast.errors import ConfigError
from contrast.plugins import Plugin, load
from contrast.recipe import SLOTS


def resolve(
    plugin: str,
    overrides: Sequence[str] = (),
    *,
    file: Path | None = None,
    origin: str = "command line",
) -> Resolved:
    """The configuration of a run from its file and its `key=value` words.

    `origin` is what the words are called in errors and reports.
    Raises: ConfigError: an unknown key or choice, a value of the wrong type or range.
    Raises: PluginError: the plugin is unknown or broken.
    """
    layers = [read_file(file), read_words(overrides, origin)]
    _refuse_other_plugin(plugin, layers)
    loaded = load(plugin)
    choice = choose(loaded, layers)
    sections = sections_of(choice.recipe, choice.parts)
    refuse_unknown(loaded.name, choice.settings, sections)
    values = layered(choice, sections)
    names = {slot: part.name for slot, part in choice.parts.items()}
    named = [each.origin for layer in layers for each in layer if each.key == "plugin"]
    return assemble(loaded, choice, follow(values, names), (named or [origin])[-1])


def restore(entries: Sequence[Mapping[str, Any]]) -> Resolved:
    """The configuration that `Resolved.to_json` wrote down, without applying presets again.

    Raises: ConfigError: a key is no longer known to the plugin, or an entry is missing.
    """
    given = {e["key"]: Given(e["key"], e["value"], e["origin"], text=False) for e in entries}
    missing = [key for key in ("plugin", "method", *SLOTS) if key not in given]
    if missing:
        raise ConfigError(f"config.json has no entry `{missing[0]}`; it is damaged or foreign")
    loaded = load(given["plugin"].value)
    recipe = choose_recipe(loaded, given["method"].value)
    parts = {slot: choose_part(loaded, recipe, slot, given[slot].value) for slot in SLOTS}
    origins = {key: given[key].origin for key in ("method", *SLOTS)}
    settings = [e for key, e in given.items() if key not in ("plugin", "method", *SLOTS)]
    choice = Choice(recipe, parts, origins, settings, [])
    sections = sections_of(recipe, parts)
    refuse_unknown(loaded.name, settings, sections, advice=_version_advice(loaded))
    resolved = assemble(loaded, choice, layered(choice, sections), given["plugin"].origin)
    new = [e.key for e in resolved.entries if e.key not in given]
    notes = [f"`{key}` is new since the run was made; its default is used" for key in new]
    return replace(resolved, notes=notes)


def layered(choice: Choice, sections: Mapping[str, Section]) -> dict[str, Given]:
    """Every key with the value of its last layer; `trainer.KEY` counts for every stage."""
    values: dict[str, Given] = {}
    stages = [name for name in sections if name.startswith("trainer.")]

    def put(given: Given) -> None:
        values[given.key] = given
        section, _, name = given.key.rpartition(".")
        if section == "trainer":
            values.update({f"{stage}.{name}": given for stage in stages})

    for section in sections.values():
        for key in section.keys.values() if section.name not in stages else ():
            put(Given(f"{section.name}.{key.name}".lstrip("."), key.default, "default", False))
    for layer in _by_layer(choice.settings):
        for given in sorted(layer, key=lambda each: each.key.count(".")):
            put(given)
    return values


def _by_layer(settings: Sequence[Given]) -> list[list[Given]]:
    layers: dict[str, list[Given]] = {}
    for given in settings:
        layers.setdefault(given.origin, []).append(given)
    return list(layers.values())


def _refuse_other_plugin(plugin: str, layers: Sequence[Sequence[Given]]) -> None:
    for given in (each for layer in layers for each in layer):
        if given.key == "plugin" and given.value != plugin:
            raise ConfigError(
                f"`plugin={given.value}` ({given.origin}) does not agree with a run of `{plugin}`"
            )


def _version_advice(plugin: Plugin) -> str:
    return (
        f"\nThe run's configuration knows it, {plugin.name} {plugin.version} does not: install "
        "the version that run.json names."
    )
