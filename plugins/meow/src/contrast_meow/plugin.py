"""The door of the plugin: what the entry point `meow` of the group `contrast` names."""

from __future__ import annotations

import contrast
from contrast.recipe import Recipe
from contrast_meow.ada_recipe import ADAMEOW
from contrast_meow.recipe import MEOW


@contrast.hookimpl
def contrast_recipes() -> list[Recipe]:
    """MEOW, and AdaMEOW by `method=adameow`."""
    return [MEOW, ADAMEOW]
