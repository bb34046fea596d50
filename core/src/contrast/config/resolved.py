"""A resolved configuration: the settings of a run, and every value with its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contrast.config.building import build
from contrast.config.choosing import Choice
from contrast.config.keys import GeneralConfig, Section, sections_of
from contrast.config.layers import Given
from contrast.errors import ConfigError, listing
from contrast.plugins import Plugin
from contrast.recipe import SLOTS, RunConfig, Settings


@dataclass(frozen=True)
class Entry:
    """One effective value of a run: its dotted key, the value, its origin, and what it means."""

    key: str
    value: Any
    origin: str
    help: str = ""


@dataclass(frozen=True)
class Resolved:
    """A configuration, entry by entry; `notes` say what was given and is not used."""

    config: RunConfig
    entries: list[Entry]
    notes: list[str]

    def to_json(self) -> list[dict[str, Any]]:
        """The entries as they stand in a run folder's config.json; `restore` reads them."""
        return [{"key": e.key, "value": e.value, "origin": e.origin} for e in self.entries]


def assemble(
    plugin: Plugin, choice: Choice, values: Mapping[str, Given], plugin_origin: str
) -> Resolved:
    """Build every section's settings, and list what they came from."""
    sections = sections_of(choice.recipe, choice.parts)
    built = {name: build(each, values) for name, each in sections.items() if name != "trainer"}
    general = built[""]
    assert isinstance(general, GeneralConfig)
    if general.reference not in choice.recipe.references:
        offered = listing(choice.recipe.references)
        raise ConfigError(
            f"`{choice.recipe.name}` does not follow `reference={general.reference}` "
            f"({values['reference'].origin}); it offers {offered}"
        )
    config = RunConfig(
        plugin=plugin.name,
        recipe=choice.recipe,
        seed=general.seed,
        reference=general.reference,
        chosen=choice.parts,
        trainers={s.name: built[f"trainer.{s.name}"] for s in choice.recipe.stages},
        evaluation=built["evaluation"],
        **{slot: built[slot] for slot in SLOTS},
    )
    entries = [
        Entry("plugin", plugin.name, plugin_origin, "the plugin"),
        Entry("method", choice.recipe.name, choice.origins["method"], choice.recipe.summary),
        *_entries("", sections[""], general, values),
    ]
    for slot in SLOTS:
        part = choice.parts[slot]
        entries.append(Entry(slot, part.name, choice.origins[slot], part.summary))
        entries += _entries(slot, sections[slot], built[slot], values)
    entries += _trainer_entries(sections["trainer"], config, values)
    entries += _entries("evaluation", sections["evaluation"], config.evaluation, values)
    return Resolved(config, entries, choice.notes)


def _entries(
    prefix: str, section: Section, settings: Settings, values: Mapping[str, Given]
) -> list[Entry]:
    entries = []
    for name, key in section.keys.items():
        dotted = f"{prefix}.{name}".lstrip(".")
        entries.append(Entry(dotted, getattr(settings, name), values[dotted].origin, key.help))
    return entries


def _trainer_entries(
    section: Section, config: RunConfig, values: Mapping[str, Given]
) -> list[Entry]:
    """`trainer.KEY` where all stages agree, else one entry a stage."""
    entries = []
    for name in section.keys:
        each = [
            entry
            for stage, settings in config.trainers.items()
            for entry in _entries(f"trainer.{stage}", section, settings, values)
            if entry.key.rpartition(".")[2] == name
        ]
        if len({(entry.value, entry.origin) for entry in each}) == 1:
            each = [Entry(f"trainer.{name}", each[0].value, each[0].origin, each[0].help)]
        entries += each
    return entries
