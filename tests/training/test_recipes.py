"""The recipes by name."""

from typing import get_args

from nextchar.settings import RecipeName, TrainingSettings
from nextchar.training.recipes import RECIPES, recipe_of


def test_every_name_that_is_allowed_has_a_recipe() -> None:
    assert set(RECIPES) == set(get_args(RecipeName))
    assert recipe_of(TrainingSettings()) is RECIPES["default"]
    assert recipe_of(TrainingSettings(recipe="classic")) is RECIPES["classic"]
