"""`contrast info PLUGIN|objectives`: paper, parts, and every key with type, default and range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from contrast.cli.console import output, print_json
from contrast.cli.options import Json

if TYPE_CHECKING:
    from contrast.plugins import Plugin
    from contrast.recipe import ObjectivePart, Part, Recipe, Settings

CORE = "objectives"


def info(
    subject: Annotated[
        str,
        typer.Argument(metavar="PLUGIN|objectives", help="What to describe.", show_default=False),
    ],
    as_json: Json = False,
) -> None:
    """Describe a plugin, or the core's objectives."""
    from contrast.objectives.catalogue import CATALOGUE
    from contrast.plugins import load

    if subject == CORE:
        parts = [_describe_part(part) for part in CATALOGUE]
        print_json(parts) if as_json else _show_parts("objective", parts)
        return
    plugin = load(subject)
    recipes = [describe(plugin, recipe) for recipe in plugin.recipes]
    if as_json:
        print_json({"plugin": plugin.name, "version": plugin.version, "methods": recipes})
        return
    for recipe in recipes:
        _show_recipe(plugin, recipe)


def describe(plugin: Plugin, recipe: Recipe) -> dict[str, Any]:
    """Everything that can be set of a recipe, in words and plain values."""
    from contrast.config import GeneralConfig, choices, misfit
    from contrast.recipe import SLOTS

    slots: dict[str, list[Part]] = {
        slot: list(choices(plugin, recipe, slot).values()) for slot in SLOTS
    }
    slots["objective"] = [part for part in slots["objective"] if not misfit(recipe, part)]
    return {
        "method": recipe.name,
        "summary": recipe.summary,
        "paper": recipe.paper,
        "gives": recipe.gives.__name__,
        "stages": [stage.name for stage in recipe.stages],
        "general": _describe_keys("", GeneralConfig),
        "slots": {slot: [_describe_part(p, slot) for p in parts] for slot, parts in slots.items()},
        "trainer": _describe_keys("trainer.", recipe.trainer),
        "evaluation": _describe_keys("evaluation.", recipe.evaluation),
        "presets": recipe.presets,
    }


def _describe_part(part: Part | ObjectivePart, slot: str = "objective") -> dict[str, Any]:
    described = {"name": part.name, "summary": part.summary, "paper": part.paper}
    if slot == "objective":
        described |= {"reads": part.reads.__name__, "needs": sorted(part.needs), "cost": part.cost}
    return {**described, "keys": _describe_keys(f"{slot}.", part.config)}


def _describe_keys(prefix: str, config: type[Settings]) -> list[dict[str, str]]:
    from contrast.config import keys_of

    described = (key.describe() for key in keys_of(config).values())
    return [{**words, "key": f"{prefix}{words['key']}"} for words in described]


def _show_recipe(plugin: Plugin, recipe: dict[str, Any]) -> None:
    from rich.text import Text

    from contrast.config import flatten, write

    out = output()
    title = f"{plugin.name} {plugin.version}, method {recipe['method']}"
    out.print(Text(title, style="bold"))
    out.print(f"{recipe['summary']}\n{recipe['paper']}")
    out.print(f"gives {recipe['gives']} in stages {', '.join(recipe['stages'])}\n")
    _show_keys("of every run", recipe["general"])
    for slot, parts in recipe["slots"].items():
        _show_parts(slot, parts)
    _show_keys("trainer", recipe["trainer"])
    _show_keys("evaluation", recipe["evaluation"])
    for name, preset in recipe["presets"].items():
        words = [f"{key}={write(value)}" for key, value in flatten(preset)]
        out.print(Text.assemble((f"preset of data={name}", "bold"), f"  {' '.join(words)}"))


def _show_parts(slot: str, parts: list[dict[str, Any]]) -> None:
    from rich.text import Text

    for part in parts:
        heading = Text.assemble((f"{slot}={part['name']}", "bold"), f"  {part['summary']}")
        output().print(heading)
        if "reads" in part:
            needs = f"needs {', '.join(part['needs'])}" if part["needs"] else ""
            facts = (f"reads {part['reads']}", needs, part["cost"], part["paper"])
            output().print(Text("; ".join(filter(None, facts)), style="dim"))
        _show_keys("", part["keys"])


def _show_keys(title: str, keys: list[dict[str, str]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if title and keys:
        output().print(Text(title, style="bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("key", "type", "default", "range", "help"):
        table.add_column(column, no_wrap=column == "key", overflow="fold")
    for key in keys:
        table.add_row(*(Text(key[c]) for c in ("key", "type", "default", "range", "help")))
    output().print(table if keys else "")
