"""The door of the plugin: what the entry point `supremix` of the group `contrast` names."""

from __future__ import annotations

import contrast
from contrast.recipe import Recipe
from contrast_supremix.recipe import PLAIN, SUPREMIX


@contrast.hookimpl
def contrast_recipes() -> list[Recipe]:
    """SupReMix, and a network without contrast under the same data and evaluation."""
    return [SUPREMIX, PLAIN]
