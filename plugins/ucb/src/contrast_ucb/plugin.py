"""The door of the plugin: what the entry point `ucb` of the group `contrast` names."""

from __future__ import annotations

import contrast
from contrast.recipe import Recipe
from contrast_ucb.deep.recipe import DEEP
from contrast_ucb.recipe import GAME, THEORY


@contrast.hookimpl
def contrast_recipes() -> list[Recipe]:
    """One agent, two players, and one with networks."""
    return [THEORY, GAME, DEEP]
