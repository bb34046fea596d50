"""The door of the plugin: what the entry point `alignment` of the group `contrast` names."""

from __future__ import annotations

import contrast
from contrast.recipe import Recipe
from contrast_alignment.orchestrator_recipe import ORCHESTRATOR
from contrast_alignment.recipe import ALIGNMENT
from contrast_alignment.reward_recipe import REWARD, VOTES


@contrast.hookimpl
def contrast_recipes() -> list[Recipe]:
    """A policy; by `method=` a reward model, votes on labels, weights of several rewards."""
    return [ALIGNMENT, REWARD, VOTES, ORCHESTRATOR]
