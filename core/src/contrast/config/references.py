"""References between keys: `${trainer.max_epochs}` in a file or on the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contrast.config.layers import Given
from contrast.config.values import write
from contrast.errors import ConfigError, did_you_mean

CALL = re.compile(r"\$\{[^}]*?:")


def follow(values: Mapping[str, Given], names: Mapping[str, str]) -> dict[str, Given]:
    """The values with every reference replaced by what it refers to; `names` are the chosen parts,
    known as `${data.name}`.

    Raises: ConfigError: a reference is malformed, leads nowhere or in a circle, or calls a
    function (a run must not depend on its environment).
    """
    referring = {key: each for key, each in values.items() if _refers(each)}
    if not referring:
        return dict(values)
    for given in referring.values():
        _refuse_malformed(given)
    tree = _tree(values, names)
    return {
        **values,
        **{key: _followed(key, each, tree, values) for key, each in referring.items()},
    }


def _refers(given: Given) -> bool:
    return given.text and "${" in write(given.value)


def _refuse_malformed(given: Given) -> None:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    text = write(given.value)
    if CALL.search(text):
        raise ConfigError(
            f"`{given.key}={text}` calls a function; only another key can be named, as in "
            f"`${{trainer.lr}}` ({given.origin})"
        )
    try:
        OmegaConf.create({"value": given.value})
    except OmegaConfBaseException:
        raise ConfigError(
            f"`{given.key}={text}` is a malformed reference; write `${{section.key}}` "
            f"({given.origin})"
        ) from None


def _tree(values: Mapping[str, Given], names: Mapping[str, str]) -> Any:
    from omegaconf import OmegaConf

    tree = OmegaConf.create({slot: {"name": name} for slot, name in names.items()})
    for key, given in values.items():
        value = list(given.value) if isinstance(given.value, tuple) else given.value
        OmegaConf.update(tree, key, value)
    return tree


def _followed(key: str, given: Given, tree: Any, values: Mapping[str, Given]) -> Given:
    """The text that a reference stands for, to be read by the type of its own field."""
    from omegaconf import DictConfig, ListConfig, OmegaConf
    from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException

    try:
        found = OmegaConf.select(tree, key)
        if isinstance(found, ListConfig):
            return replace(given, value=[write(item) for item in found])
    except InterpolationKeyError:
        wanted = re.findall(r"\$\{\s*([\w.]+)", write(given.value))
        missing = next((each for each in wanted if OmegaConf.select(tree, each) is None), "?")
        raise ConfigError(
            f"`{given.key}` refers to `{missing}`, which is no key of this run"
            f"{did_you_mean(missing, values)} ({given.origin})"
        ) from None
    except OmegaConfBaseException:
        raise ConfigError(
            f"`{given.key}={write(given.value)}` refers to itself in a circle ({given.origin})"
        ) from None
    if isinstance(found, DictConfig):
        raise ConfigError(
            f"`{given.key}={write(given.value)}` refers to a section; name one of its keys "
            f"({given.origin})"
        )
    return replace(given, value=write(found))
