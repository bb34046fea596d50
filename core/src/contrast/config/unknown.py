"""What to say of a key that nobody knows: where it was meant to go, and the nearest one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from contrast.config.keys import Section
from contrast.config.layers import Given
from contrast.errors import ConfigError, did_you_mean, listing


def refuse_unknown(
    plugin: str, settings: Iterable[Given], sections: Mapping[str, Section], advice: str = ""
) -> None:
    """Raises: ConfigError: a key names no section or no setting of it; suggests the nearest."""
    see = advice or f"  See `contrast info {plugin}`."
    for given in settings:
        place, _, name = given.key.rpartition(".")
        if place not in sections:
            raise ConfigError(_unknown_section(given, place, plugin, sections) + see)
        if name not in sections[place].keys:
            raise ConfigError(_unknown_key(given, sections[place], plugin, sections) + see)


def _unknown_section(given: Given, place: str, plugin: str, sections: Mapping[str, Section]) -> str:
    near = did_you_mean(place, filter(None, sections))
    kind, known = "section", [name for name in sections if name and "." not in name]
    if place.startswith("trainer."):
        kind = "stage"
        known = [name.partition(".")[2] for name in sections if name.startswith("trainer.")]
    return (
        f"unknown {kind} in `{given.key}` for plugin `{plugin}`{near} ({given.origin})\n"
        f"There are: {listing(known)}."
    )


def _unknown_key(
    given: Given, section: Section, plugin: str, sections: Mapping[str, Section]
) -> str:
    name = given.key.rpartition(".")[2]
    near = did_you_mean(name, section.keys)
    if not section.name:
        elsewhere = [f"{s.name}.{name}" for s in sections.values() if s.name and name in s.keys]
        near = (
            f"; did you mean `{elsewhere[0]}`?"
            if elsewhere
            else did_you_mean(name, ["plugin", "method", *sections[""].keys, *sections])
        )
    if not near:
        near = f"\nIt has {listing(section.keys)}."
    source = "" if given.origin == "command line" else f" ({given.origin})"
    owner = f"{section.owner} of plugin `{plugin}`" if section.name else f"plugin `{plugin}`"
    return f"unknown key `{name}` for {owner}{near}{source}"
