"""The door and the settings: found, light to import, resolvable, and clear about mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields

import pytest

from contrast.config import resolve
from contrast.errors import ConfigError
from contrast.plugins import find, load
from contrast.recipe import SLOTS, Recipe, Settings

HEAVY = ("torch", "numpy", "pandas", "scipy", "sklearn", "transformers", "torch_geometric")


class PluginChecks:
    """Tests that build nothing; `plugin` is the name under test."""

    plugin: str

    def test_the_package_metadata_name_the_plugin_and_its_paper(self) -> None:
        """`contrast plugins` shows a version and a paper without importing anything."""
        found = find(self.plugin)
        assert found.version, "the distribution has no version"
        assert found.paper, "pyproject.toml needs `[project.urls] Paper = ...`"

    def test_loading_the_plugin_leaves_heavy_libraries_out(self) -> None:
        """`plugin.py` and `recipe.py` import torch and the like inside functions only."""
        code = (
            "import sys; from contrast.plugins import load\n"
            f"load({self.plugin!r})\n"
            f"print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [], f"importing the plugin imports {done.stdout.strip()}"

    def test_every_recipe_says_what_it_is(self) -> None:
        """A summary, a paper, one choice in every slot, one stage at least, all help texts."""
        for recipe in recipes(self.plugin):
            assert recipe.summary, f"recipe `{recipe.name}` has no summary"
            assert recipe.paper, f"recipe `{recipe.name}` names no paper"
            assert recipe.stages, f"recipe `{recipe.name}` has no stage"
            assert set(recipe.slots) == set(SLOTS)
            assert all(recipe.slots.values()), f"a slot of recipe `{recipe.name}` has no choice"
            silent = [f"{where}.{key}" for where, key, help in settings(recipe) if not help]
            assert not silent, f"settings without a help text: {silent}"

    def test_every_default_and_every_preset_resolves(self) -> None:
        """No preset names a key or part that does not exist; no data are read for that."""
        for recipe in recipes(self.plugin):
            resolve(self.plugin, [f"method={recipe.name}"])
            for preset in recipe.presets:
                resolve(self.plugin, [f"method={recipe.name}", f"data={preset}"])

    def test_every_part_can_be_imported(self) -> None:
        """What `Part.build` names exists, for every choice of every slot."""
        for recipe in recipes(self.plugin):
            for part in (part for choices in recipe.slots.values() for part in choices):
                assert callable(part.load()), f"{part.build} is not callable"

    @pytest.mark.parametrize("section", [*SLOTS, "trainer", "evaluation"])
    def test_an_unknown_key_is_answered_by_the_nearest(
        self, section: str, overrides: list[str]
    ) -> None:
        """A typo is a ConfigError that names the key that was meant."""
        known = [where for where in keys(self.plugin, overrides, section) if len(where) > 2]
        if not known:
            pytest.skip(f"the chosen `{section}` has no settings")
        with pytest.raises(ConfigError) as caught:
            resolve(self.plugin, [*overrides, f"{section}.{known[0]}x=1"])
        assert f"`{known[0]}" in str(caught.value) or f".{known[0]}`" in str(caught.value)

    @pytest.mark.parametrize("slot", SLOTS)
    def test_an_unknown_choice_of_a_slot_is_refused(self, slot: str, overrides: list[str]) -> None:
        """A part that does not exist is a ConfigError that names the choices."""
        known = resolve(self.plugin, overrides).config.chosen[slot].name
        with pytest.raises(ConfigError, match=known):
            resolve(self.plugin, [*overrides, f"{slot}={known}x"])


def recipes(plugin: str) -> list[Recipe]:
    """The recipes of a plugin."""
    return list(load(plugin).recipes)


def settings(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """Every setting of a recipe: section, key, help text."""
    configs: list[tuple[str, type[Settings]]] = [
        (slot, part.config) for slot, choices in recipe.slots.items() for part in choices
    ]
    for where, config in [*configs, ("trainer", recipe.trainer), ("evaluation", recipe.evaluation)]:
        for item in fields(config):
            yield where, item.name, item.metadata.get("help", "")


def keys(plugin: str, overrides: list[str], section: str) -> list[str]:
    """The keys of a section as it is configured."""
    config = resolve(plugin, overrides).config
    if section == "trainer":
        return [item.name for item in fields(config.recipe.trainer)]
    return [item.name for item in fields(getattr(config, section))]
