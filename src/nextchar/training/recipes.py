"""The recipes by name. A new one needs a module like `nextchar.training.classic_recipe`, a line here, and its name in
`nextchar.settings.RecipeName`."""

from __future__ import annotations

from nextchar.settings import RecipeName, TrainingSettings
from nextchar.training.classic_recipe import ClassicRecipe
from nextchar.training.counts_recipe import CountsRecipe
from nextchar.training.default_recipe import DefaultRecipe
from nextchar.training.recipe import Recipe

RECIPES: dict[RecipeName, Recipe] = {
    "default": DefaultRecipe(),
    "classic": ClassicRecipe(),
    "counts": CountsRecipe(),
}


def recipe_of(training: TrainingSettings) -> Recipe:
    """Return the recipe that ``training`` names."""
    return RECIPES[training.recipe]
