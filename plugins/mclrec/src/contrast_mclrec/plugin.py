"""The door of the plugin: what the entry point `mclrec` of the group `contrast` names."""

from __future__ import annotations

import contrast
from contrast.recipe import Recipe
from contrast_mclrec.recipe import CL4SREC, MCLREC, RECBOLE, SASREC


@contrast.hookimpl
def contrast_recipes() -> list[Recipe]:
    """MCLRec, and what it is compared with under the same data and evaluation."""
    return [MCLREC, CL4SREC, SASREC, RECBOLE]
