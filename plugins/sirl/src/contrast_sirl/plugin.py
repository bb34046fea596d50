"""The door of the plugin: what the entry point `sirl` of the group `contrast` names."""

from __future__ import annotations

import contrast
from contrast.recipe import Recipe
from contrast_sirl.recipe import SIRL


@contrast.hookimpl
def contrast_recipes() -> list[Recipe]:
    """The one recipe of this plugin."""
    return [SIRL]
