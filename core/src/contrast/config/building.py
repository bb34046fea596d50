"""A section's settings from its texts and values, with errors that name key and origin."""

from __future__ import annotations

import re
from collections.abc import Mapping

from contrast.config.keys import Section
from contrast.config.layers import Given
from contrast.config.values import check, read, write
from contrast.errors import ConfigError
from contrast.recipe import Settings


def build(section: Section, values: Mapping[str, Given]) -> Settings:
    """The settings of a section.

    Raises: ConfigError: a value is of the wrong type or range; names key and origin.
    """
    given = {name: values[f"{section.name}.{name}".lstrip(".")] for name in section.keys}
    typed = {}
    for name, key in section.keys.items():
        each = given[name]
        try:
            typed[name] = (read if each.text else check)(each.value, key.kind)
        except ValueError as expected:
            raise ConfigError(_mistyped(each, expected)) from None
    try:
        return section.config(**typed)
    except (ConfigError, ValueError) as cause:
        raise ConfigError(_located(str(cause), section, given)) from None


def _mistyped(given: Given, expected: ValueError) -> str:
    message = f"`{given.key}` must be {expected}, got `{write(given.value)}` ({given.origin})"
    comma = isinstance(given.value, str) and "," in given.value and "list" not in str(expected)
    return message + ("\nA comma sweeps over values under `--multirun`." if comma else "")


def _located(message: str, section: Section, given: Mapping[str, Given]) -> str:
    """A part's own message with its fields as dotted keys, and the origins of their values."""
    origins = []

    def dotted(match: re.Match[str]) -> str:
        each = given.get(match[1])
        if each is None:
            return match[0]
        origins.append(each.origin)
        return f"`{each.key}`"

    message = re.sub(r"`(?:[\w.]+\.)?(\w+)`", dotted, message)
    if not origins:
        return f"{section.owner}: {message}"
    return f"{message} ({', '.join(dict.fromkeys(origins))})"
