"""The door of the plugin: what the entry point `sepclr` of the group `contrast` names."""

from __future__ import annotations

import contrast
from contrast.recipe import Recipe
from contrast_sepclr.recipe import SEPCLR


@contrast.hookimpl
def contrast_recipes() -> list[Recipe]:
    """SepCLR; the other minimisers of mutual information are `objective.mi_term`."""
    return [SEPCLR]
