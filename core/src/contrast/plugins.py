"""Plugins: found by their package metadata, and imported only when one is asked for.

A plugin is an entry point of the group `contrast` that names a module with the hooks of
`contrast.hookspecs`. One that is broken is recorded and named, and disturbs nobody.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, EntryPoint, entry_points
from textwrap import shorten
from typing import Any

import pluggy
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

import contrast
from contrast import hookspecs
from contrast.errors import PluginError, did_you_mean, listing
from contrast.recipe import ObjectivePart, Recipe
from contrast.validation import flaw_of

GROUP = "contrast"
CORE = "contrast-core"


@dataclass(frozen=True)
class PluginInfo:
    """What the metadata of an installed package says of a plugin, read without importing it.

    `problem` is a sentence that says why it cannot be used, or None.
    """

    name: str
    distribution: str
    version: str
    summary: str
    paper: str
    requires_core: str
    module: str
    problem: str | None = None


@dataclass(frozen=True)
class Plugin:
    """A plugin that was imported: what its hooks gave."""

    name: str
    version: str
    recipes: tuple[Recipe, ...]
    objectives: tuple[ObjectivePart, ...]


def installed() -> list[PluginInfo]:
    """Every plugin that is installed, by name, with what is wrong with it; imports none."""
    found = sorted((_describe(point) for point in entry_points(group=GROUP)), key=_by_name)
    count = Counter(info.name for info in found)
    return [_doubled(info, found) if count[info.name] > 1 else info for info in found]


def find(name: str) -> PluginInfo:
    """The usable plugin of that name.

    Raises: PluginError: there is none, there are two, or it is made for another core.
    """
    every = installed()
    for info in every:
        if info.name == name:
            if info.problem:
                raise PluginError(info.problem)
            return info
    names = list(dict.fromkeys(info.name for info in every))
    raise PluginError(
        f"unknown plugin `{name}`{did_you_mean(name, names)}\n"
        f"Installed: {listing(names)}.  See `contrast plugins`."
    )


def load(name: str) -> Plugin:
    """Import one plugin and ask its hooks.

    Raises: PluginError: it is unknown or broken.
    """
    info = find(name)
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    what = f"plugin `{name}` of {info.distribution} {info.version}"
    with _blaming(what, "\nSee `contrast plugins --check` for where it happens."):
        module = EntryPoint(info.name, info.module, GROUP).load()
        manager.register(module, name)
        manager.check_pending()
        recipes = _flat(manager.hook.contrast_recipes())
        objectives = _flat(manager.hook.contrast_objectives())
    flaw = flaw_of(recipes, objectives)
    if flaw:
        raise PluginError(f"{what}: {flaw}")
    return Plugin(name, info.version, recipes, objectives)


def import_point(point: EntryPoint, what: str) -> Any:
    """What an entry point names; `what` is what to call it in an error.

    Raises: PluginError: its import raises.
    """
    with _blaming(what):
        return point.load()


def check() -> list[tuple[PluginInfo, str | None]]:
    """Every installed plugin with what happens when it is imported: None, or the whole story."""
    return [(info, _problem_on_load(info)) for info in installed()]


@contextmanager
def _blaming(what: str, advice: str = "") -> Iterator[None]:
    """Name whose code it is that raises."""
    try:
        yield
    # The one place that catches everything, even an exit: nothing is known of foreign code.
    except (Exception, SystemExit) as cause:
        raise PluginError(f"{what} cannot be loaded: {_one_line(cause)}{advice}") from cause


def _by_name(info: PluginInfo) -> tuple[str, str]:
    return info.name, info.distribution


def _describe(point: EntryPoint) -> PluginInfo:
    dist = point.dist
    if dist is None or not (dist.read_text("METADATA") or dist.read_text("PKG-INFO")):
        problem = f"plugin `{point.name}` has no package metadata; install its package again"
        return PluginInfo(point.name, "?", "?", "", "", "", point.value, problem)
    requires, problem = _core_requirement(point.name, dist)
    return PluginInfo(
        name=point.name,
        distribution=dist.metadata["Name"],
        version=dist.version,
        summary=dist.metadata.get("Summary", ""),
        paper=_project_url(dist, "Paper"),
        requires_core=requires,
        module=point.value,
        problem=problem,
    )


def _project_url(dist: Distribution, label: str) -> str:
    for entry in dist.metadata.get_all("Project-URL") or ():
        name, _, url = entry.partition(",")
        if name.strip().lower() == label.lower():
            return url.strip()
    return ""


def _core_requirement(name: str, dist: Distribution) -> tuple[str, str | None]:
    """The versions of the core that a package asks for, and what is wrong with that."""
    for line in dist.requires or ():
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            return "", f"plugin `{name}` of {dist.metadata['Name']} has an unreadable " + (
                f"requirement {line!r} in its metadata"
            )
        extra = wanted.marker is not None and not wanted.marker.evaluate({"extra": ""})
        if canonicalize_name(wanted.name) != CORE or extra:
            continue
        if not wanted.specifier.contains(contrast.__version__, prereleases=True):
            return str(wanted.specifier), (
                f"plugin `{name}` of {dist.metadata['Name']} {dist.version} requires {CORE} "
                f"{wanted.specifier}, this is {contrast.__version__}\n"
                f"Install a version of {dist.metadata['Name']} that was made for this core."
            )
        return str(wanted.specifier), None
    return "", None


def _doubled(info: PluginInfo, found: Iterable[PluginInfo]) -> PluginInfo:
    owners = [f"{each.distribution} {each.version}" for each in found if each.name == info.name]
    problem = (
        f"two packages bring a plugin `{info.name}`: {' and '.join(owners)}\n"
        "Uninstall all but one of them."
    )
    return replace(info, problem=problem)


def _flat(answers: list[Any]) -> tuple[Any, ...]:
    """What the hooks of one plugin returned, in one tuple."""
    return tuple(item for answer in answers for item in answer)


def _one_line(cause: BaseException) -> str:
    text = shorten(" ".join(str(cause).split()), 240)
    return f"{type(cause).__name__}: {text}".rstrip(": ")


def _problem_on_load(info: PluginInfo) -> str | None:
    if info.problem:
        return info.problem
    try:
        load(info.name)
    except PluginError as error:
        cause = error.__cause__
        return str(error) if cause is None else "".join(traceback.format_exception(cause)).rstrip()
    return None
