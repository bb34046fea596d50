"""What a plugin's hooks returned, checked: types, names and slots, before anything is built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from contrast.recipe import SLOTS, ObjectivePart, Part, Recipe


def flaw_of(recipes: Sequence[Any], objectives: Sequence[Any]) -> str | None:
    """What is wrong with the answers of the hooks, in words, or None."""
    for hook, items, kind in (
        ("contrast_recipes", recipes, Recipe),
        ("contrast_objectives", objectives, ObjectivePart),
    ):
        for item in items:
            if not isinstance(item, kind):
                return f"`{hook}` gave {item!r:.60}, not a {kind.__name__}"
        twice = _twice(item.name for item in items)
        if twice:
            return f"`{hook}` gave two of the name `{twice}`"
    return next(filter(None, map(_recipe_flaw, recipes)), None)


def _recipe_flaw(recipe: Recipe) -> str | None:
    where = f"recipe `{recipe.name}`"
    if not recipe.stages:
        return f"{where} has no stage"
    twice = _twice(stage.name for stage in recipe.stages)
    if twice:
        return f"{where} has two stages of the name `{twice}`"
    missing = [slot for slot in SLOTS if not recipe.slots.get(slot)]
    if missing:
        return f"{where} offers nothing for the slot `{missing[0]}`"
    for slot, parts in recipe.slots.items():
        kind = ObjectivePart if slot == "objective" else Part
        if slot not in SLOTS or not all(isinstance(part, kind) for part in parts):
            return f"{where} has a slot `{slot}` that is not a tuple of {kind.__name__}"
        twice = _twice(part.name for part in parts)
        if twice:
            return f"{where} offers two of the name `{twice}` for the slot `{slot}`"
    stray = set(recipe.presets) - {part.name for part in recipe.slots["data"]}
    return f"{where} has a preset `{min(stray)}` without data of that name" if stray else None


def _twice(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)
