"""The whole extension surface of `contrast`: each hook one signature and one sentence.

A plugin package names a module under the entry-point group `contrast`; the module implements
these hooks with `contrast.hookimpl`. Importing that module must not import torch.
"""

from __future__ import annotations

import pluggy

from contrast.recipe import ObjectivePart, Recipe

hookspec = pluggy.HookspecMarker("contrast")
hookimpl = pluggy.HookimplMarker("contrast")


@hookspec
def contrast_recipes() -> list[Recipe]:
    """The recipes of this plugin; the first is its default, `method=` chooses another."""
    raise AssertionError("a specification is never called")


@hookspec
def contrast_objectives() -> list[ObjectivePart]:
    """Objectives that any recipe whose form fits may choose by name, beside the core's own."""
    raise AssertionError("a specification is never called")
