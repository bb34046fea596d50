"""The door of the plugin."""

import contrast
from contrast_toys import recipes


@contrast.hookimpl
def contrast_recipes():
    return [recipes.STAGES, recipes.EXPLORE, recipes.ALTERNATE, recipes.COMPOSED]
