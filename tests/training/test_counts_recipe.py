"""The counts recipe: what it has no use for is refused."""

from typing import Any

import pytest

from nextchar.errors import UsageError
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.training.recipes import recipe_of


def complete(**options: Any) -> TrainingSettings:
    training = TrainingSettings(recipe="counts", **options)
    return recipe_of(training).complete(TextSettings(), training)[1]


def test_what_is_for_counting_is_kept() -> None:
    options = {"seed": 3, "memory_size": 5000.0, "sample_length": 10}
    assert complete(**options) == TrainingSettings(recipe="counts", keep_text=True, **options)
    assert complete(keep_text=False).keep_text is False
    assert not recipe_of(complete()).has_plan


def test_it_starts_from_nothing_also_when_asked_to() -> None:
    options = TrainingSettings.model_validate({"recipe": "counts", "from_": "none"})
    assert recipe_of(options).complete(TextSettings(), options)[1].from_ == "none"
    named = TrainingSettings.model_validate({"recipe": "counts", "from_": "english"})
    with pytest.raises(UsageError, match="leave --from out"):
        recipe_of(named).complete(TextSettings(), named)


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"hidden": 3}, "--hidden"),
        ({"steps": 3}, "--steps"),
        ({"time": "60s"}, "--time"),
        ({"learning_rate": 0.1}, "--learning-rate"),
        ({"memory": False}, "--no-memory"),
        ({"memory": True}, "--memory"),
        ({"device": "cpu"}, "--device"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_for_training_is_refused(options: dict[str, Any], option: str) -> None:
    with pytest.raises(UsageError, match=f"trains no network: leave {option} out, or use the default recipe"):
        complete(**options)
