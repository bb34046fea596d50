"""Phase one: which recipe, which preset and which part for each slot, by name.

An objective that does not fit the recipe is refused here, before any work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contrast.config.layers import Given, flatten, renamed
from contrast.config.values import write
from contrast.errors import ConfigError, PluginError, did_you_mean, listing
from contrast.forms import Views, fits
from contrast.objectives.catalogue import CATALOGUE
from contrast.plugins import Plugin
from contrast.recipe import SLOTS, ObjectivePart, Part, Recipe


@dataclass(frozen=True)
class Choice:
    """The parts chosen, with the origin of each name, and the settings that are left to apply.

    `settings` are ordered: a later one wins. `notes` say which were dropped, and why.
    """

    recipe: Recipe
    parts: dict[str, Part]
    origins: dict[str, str]
    settings: list[Given]
    notes: list[str]


def choose(plugin: Plugin, layers: Sequence[Sequence[Given]]) -> Choice:
    """Choose method, data, preset and parts from the layers (file, then command line).

    Raises: ConfigError: an unknown method or part, or an objective that does not fit.
    """
    given = [each for layer in layers for each in layer]
    method = _last(given, "method")
    recipe = choose_recipe(plugin, method.value if method else None)
    layers = [renamed(layer, recipe.words) for layer in layers]
    parts, origins = {}, {}
    preset: dict[str, dict] = {}
    for slot in SLOTS:
        named = recipe.slots[slot][0].name
        name, origin = preset.get(slot, {}).get("name", named), "default"
        if name != named:
            origin = f"preset {parts['data'].name}"
        last = _last(given, slot)
        if last:
            name, origin = last.value, last.origin
        parts[slot], origins[slot] = choose_part(plugin, recipe, slot, name), origin
        if slot == "data":
            preset = recipe.presets.get(parts["data"].name, {})
    refuse_misfit(plugin, recipe, parts["objective"])
    origins["method"] = method.origin if method else "default"
    applied = [_preset_settings(recipe, parts, preset), *layers]
    notes: list[str] = []
    settings = [each for layer in applied for each in _for_chosen(layer, parts, notes)]
    return Choice(recipe, parts, origins, settings, notes)


def choose_recipe(plugin: Plugin, method: str | None) -> Recipe:
    """The recipe of that name, or the plugin's default.

    Raises: ConfigError: there is no such recipe.
    """
    if not plugin.recipes:
        raise PluginError(f"plugin `{plugin.name}` brings objectives, but no recipe to run")
    recipes = {recipe.name: recipe for recipe in plugin.recipes}
    if method is None:
        return plugin.recipes[0]
    if method not in recipes:
        raise ConfigError(
            f"unknown method `{method}` of plugin `{plugin.name}`{did_you_mean(method, recipes)}\n"
            f"Methods: {listing(recipes)}.  See `contrast info {plugin.name}`."
        )
    return recipes[method]


def choices(plugin: Plugin, recipe: Recipe, slot: str) -> dict[str, Part]:
    """The parts of a slot by name: the recipe's own; for `objective` the plugin's and the core's.

    Of two with one name the more special wins.
    """
    own = {part.name: part for part in recipe.slots[slot]}
    if slot != "objective":
        return own
    shared = {part.name: part for part in (*CATALOGUE, *plugin.objectives)}
    return {**own, **{name: part for name, part in shared.items() if name not in own}}


def choose_part(plugin: Plugin, recipe: Recipe, slot: str, name: object) -> Part:
    """The part of that name.

    Raises: ConfigError: the slot has no such part.
    """
    known = choices(plugin, recipe, slot)
    if not isinstance(name, str) or name not in known:
        near = did_you_mean(str(name), known)
        shown = [n for n, part in known.items() if slot != "objective" or not misfit(recipe, part)]
        raise ConfigError(
            f"unknown {slot} `{name}` for plugin `{plugin.name}`{near}\n"
            f"Choices: {listing(shown)}.  See `contrast info {plugin.name}`."
        )
    return known[name]


def misfit(recipe: Recipe, part: ObjectivePart) -> str:
    """Why an objective cannot serve a recipe, in words; empty if it can."""
    given, wanted = recipe.gives, part.reads
    if not fits(given, wanted):
        return f"it reads {wanted.__name__}, and the encoder gives {given.__name__}"
    needs = {*part.needs, *part.sizes}
    if issubclass(given, Views) and not issubclass(given, wanted):
        needs.add("two_views")  # without a second view there is nothing to lower
    missing = sorted(needs - recipe.provides)
    if missing:
        return f"it needs {listing(missing)}, which the recipe does not provide"
    if part.per_sample_state and recipe.contrasts_per_step > 1:
        return (
            f"it keeps a state per sample, and the recipe contrasts "
            f"{recipe.contrasts_per_step} times a step"
        )
    return ""


def refuse_misfit(plugin: Plugin, recipe: Recipe, part: ObjectivePart) -> None:
    """Raises: ConfigError: the objective cannot serve the recipe; names those that can."""
    reason = misfit(recipe, part)
    if reason:
        every = choices(plugin, recipe, "objective").items()
        fitting = [name for name, each in every if not misfit(recipe, each)]
        raise ConfigError(
            f"objective `{part.name}` does not fit `{recipe.name}`: {reason}\n"
            f"Objectives that fit: {listing(fitting)}."
        )


def _last(given: Iterable[Given], key: str) -> Given | None:
    return next((each for each in reversed(list(given)) if each.key == key), None)


def _preset_settings(
    recipe: Recipe, parts: Mapping[str, Part], preset: Mapping[str, Mapping]
) -> list[Given]:
    """The preset as a layer; each section of a slot says first which part it is for."""
    name = parts["data"].name
    named = {slot: recipe.slots[slot][0].name for slot in SLOTS} | {"data": name}
    layer = []
    for section, values in preset.items():
        for key, value in flatten(values, f"{section}."):
            if key == f"{section}.name" and section in SLOTS:
                named[section] = value
            else:
                layer.append(Given(key, value, f"preset {name}", text=False))
    chosen = [Given(slot, named[slot], f"preset {name}") for slot in SLOTS if slot in preset]
    return chosen + layer


def _for_chosen(
    layer: Iterable[Given], parts: Mapping[str, Part], notes: list[str]
) -> Iterable[Given]:
    """The settings of a layer without those for a part that another layer replaced."""
    layer = list(layer)
    named = {each.key: each.value for each in layer if each.key in SLOTS}
    dropped: dict[str, list[Given]] = {}
    for each in layer:
        slot = each.key.partition(".")[0]
        if each.key in (*SLOTS, "plugin", "method"):
            continue
        if slot in named and named[slot] != parts[slot].name:
            dropped.setdefault(slot, []).append(each)
        else:
            yield each
    for slot, settings in dropped.items():
        keys = ", ".join(f"{each.key}={write(each.value)}" for each in settings)
        notes.append(
            f"not used: {keys} ({settings[0].origin}) belongs to {slot} `{named[slot]}`, and "
            f"`{parts[slot].name}` is chosen"
        )
