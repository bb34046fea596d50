"""The door of the plugin: what the entry point `alignment` of the group `contrast` names."""

from __future__ import annotations

import contrast
from contrast.recipe import Recipe
from contrast_alignment.recipe import ALIGNMENT


@contrast.hookimpl
def contrast_recipes() -> list[Recipe]:
    """Fine-tuning on a text or on good responses, then preferences."""
    return [ALIGNMENT]
