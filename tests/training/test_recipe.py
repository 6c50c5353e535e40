"""A recipe of one's own: nothing but the registry knows its name."""

from pathlib import Path
from typing import cast

import pytest

from nextchar.runs.run import Run
from nextchar.runs.texts import Texts
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.training.default_recipe import DefaultRecipe
from nextchar.training.events import Finished, Note, Planned, Sampled, TextRead
from nextchar.training.feeding import Windows
from nextchar.training.plan import ChosenPlan, Measure, Plan
from nextchar.training.recipe import Recipe
from nextchar.training.recipes import RECIPES
from tests.command import made_up_text
from tests.training.test_trainer import windows_plan


class ThirdRecipe(DefaultRecipe):
    """Windows, with a vocabulary of every character and a prompt of its own."""

    has_unknown = False
    is_prompt_fixed = True

    def complete(self, text: TextSettings, training: TrainingSettings) -> tuple[TextSettings, TrainingSettings]:
        return text, training.model_copy(update={"sample_length": 7})

    def choose_plan(
        self,
        characters: int,
        vocabulary_size: int,
        settings: TrainingSettings,
        threads: int,
        measure: Measure,
        *,
        measure_exchange: Measure | None = None,
        device: str = "cpu",
        processes: int = 1,
    ) -> ChosenPlan:
        feeding = Windows(batch=64, window=10, stride=40, count=len(range(0, characters - 10, 40)))
        return ChosenPlan(windows_plan(feeding=feeding, steps=6, shards=1), None, ("a third recipe",))

    def choose_prompt(self, corpus: Corpus, plan: Plan, seed: int) -> str:
        return corpus.vocabulary.characters[-3:]


def test_nothing_but_the_registry_asks_for_a_recipe_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cast("dict[str, Recipe]", RECIPES), "third", ThirdRecipe())
    (tmp_path / "book.txt").write_text(made_up_text())
    training = TrainingSettings().model_copy(update={"recipe": "third", "threads": 1})
    run = Run.new(None, Texts((str(tmp_path / "book.txt"),), TextSettings()), training, cache=tmp_path / "cache")
    events = list(run.events())
    assert not run.model.vocabulary.never_drawn
    assert next(event for event in events if isinstance(event, TextRead)).rare == 0
    assert [event.message for event in events if isinstance(event, Note)] == [
        "a third recipe",
        f"Every sample continues {run.model.vocabulary.characters[-3:]!r}.",
    ]
    assert next(event for event in events if isinstance(event, Planned)).plan.steps == 6
    assert {len(event.text) for event in events if isinstance(event, Sampled)} == {7}
    assert isinstance(events[-1], Finished)
    assert run.model.provenance.recipe == "third"
