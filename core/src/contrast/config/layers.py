"""The layers of a configuration: what a preset, a YAML file and the command line give.

Each value is kept with where it came from. File and command line give texts, which are read by
the type of the field they are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from contrast.errors import ConfigError
from contrast.recipe import SLOTS


@dataclass(frozen=True)
class Given:
    """A value for a dotted key, as somebody gave it; `text` if it is still to be read."""

    key: str
    value: Any
    origin: str
    text: bool = True


def read_words(words: Sequence[str], origin: str) -> list[Given]:
    """The words `key=value` of a command line.

    Raises: ConfigError: a word has no `=`, or a key comes twice.
    """
    given = []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"`{word}` is not of the form key=value ({origin})")
        given.append(Given(_canonical(key.strip()), value, origin))
    return _once(given)


def read_file(path: Path | None) -> list[Given]:
    """The keys of a YAML file, nested or dotted.

    Raises: ConfigError: the file is missing, is no YAML mapping, or has a key twice.
    """
    if path is None:
        return []
    from contrast.config.yaml_text import read_yaml

    origin = f"file {path.name}"
    tree = read_yaml(path)
    if tree in (None, ""):
        return []
    if not isinstance(tree, Mapping):
        raise ConfigError(f"{path} must hold keys and values such as `seed: 3`, got {tree!r:.60}")
    return _once(Given(_canonical(key), value, origin) for key, value in flatten(tree))


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """The leaves of a nested mapping under their dotted keys."""
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{key}.")
        else:
            yield key, value


def sweep(overrides: Sequence[str]) -> list[list[str]]:
    """The jobs of a sweep: `seed=0,1 data=acm` gives two; a list is written `[a,b]`.

    Raises: ConfigError: a word has no `=`, or names the same value twice or none.
    """
    axes = []
    for word, given in zip(overrides, read_words(overrides, "command line"), strict=True):
        values = _alternatives(given.value)
        if len(values) > 1 and ("" in values or len(set(values)) < len(values)):
            raise ConfigError(
                f"`{word}` sweeps over an empty or repeated value\n"
                f"Under --multirun a comma separates runs; a list is written `{given.key}=[a,b]`."
            )
        axes.append([f"{given.key}={value}" for value in values] if len(values) > 1 else [word])
    return [list(job) for job in product(*axes)]


def named_plugin(overrides: Sequence[str], file: Path | None = None) -> str | None:
    """The plugin that the command line names, or else the file."""
    given = [*read_file(file), *read_words(overrides, "command line")]
    named = [each.value for each in given if each.key == "plugin"]
    return named[-1] if named else None


def renamed(given: Sequence[Given], words: Mapping[str, str]) -> list[Given]:
    """A layer with a method's short words as the keys that they stand for.

    Raises: ConfigError: a word and its key are both given.
    """
    return _once(replace(each, key=words.get(each.key, each.key)) for each in given)


def _canonical(key: str) -> str:
    """`objective.name` chooses a part, as `objective` does."""
    slot, _, rest = key.partition(".")
    return slot if slot in SLOTS and rest == "name" else key


def _once(given: Iterable[Given]) -> list[Given]:
    seen: dict[str, Given] = {}
    for each in given:
        if each.key in seen:
            raise ConfigError(
                f"`{each.key}` is given twice: {seen[each.key].value!r} and {each.value!r} "
                f"({each.origin})\nFor one run a value write `{each.key}=a,b --multirun`."
            )
        seen[each.key] = each
    return list(seen.values())


def _alternatives(text: str) -> list[str]:
    """The text split at its commas outside brackets and quotes."""
    parts, depth, quoted = [""], 0, False
    for letter in text:
        quoted ^= letter == '"'
        depth += 0 if quoted else (letter == "[") - (letter == "]")
        if letter == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]
