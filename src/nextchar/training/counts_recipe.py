"""The counts recipe: nothing is trained, the text is counted (`nextchar.networks.ngram_counts`)."""

from __future__ import annotations

from nextchar.errors import UsageError
from nextchar.settings import NOTHING, TextSettings, TrainingSettings, flag
from nextchar.text.corpus import Corpus
from nextchar.training.default_recipe import start_of_line
from nextchar.training.plan import ChosenPlan, Measure, Plan

OPTIONS = {"recipe", "seed", "memory_size", "keep_text", "sample_length"}
"""The options of training that mean something here."""


class CountsRecipe:
    """The recipe `counts` (`nextchar.training.recipe.Recipe`)."""

    has_plan = False
    has_unknown = True
    starts_from_models = False
    reads_lists = True
    is_prompt_fixed = False
    fall: float | None = None

    def complete(self, text: TextSettings, training: TrainingSettings) -> tuple[TextSettings, TrainingSettings]:
        """Return the settings, with the text in the model file unless it is refused.

        Raises:
            UsageError: an option is given that is for training a network.
        """
        allowed = {*OPTIONS, "from_"} if training.from_ == NOTHING else OPTIONS
        others = [name for name in TrainingSettings.model_fields if name in training.model_fields_set - allowed]
        if others:
            option = "--no-memory" if training.memory is False else flag(others[0])
            raise UsageError(f"The counts recipe trains no network: leave {option} out, or use the default recipe.")
        return text, training.model_copy(update={"keep_text": True}) if training.keep_text is None else training

    def choose_plan(
        self,
        characters: int,  # noqa: ARG002 (here and below: there is no plan)
        vocabulary_size: int,  # noqa: ARG002
        settings: TrainingSettings,  # noqa: ARG002
        threads: int,  # noqa: ARG002
        measure: Measure,  # noqa: ARG002
        *,
        measure_exchange: Measure | None = None,  # noqa: ARG002
        device: str = "cpu",  # noqa: ARG002
        processes: int = 1,  # noqa: ARG002
    ) -> ChosenPlan:
        """Refuse: a recipe without a plan is not asked for one.

        Raises:
            UsageError: always.
        """
        raise UsageError("The counts recipe trains no network, so it has no plan: use the default recipe.")

    def choose_prompt(self, corpus: Corpus, plan: Plan, seed: int) -> str:  # noqa: ARG002
        """Return the `start_of_line` for ``seed``."""
        return start_of_line(corpus, seed)
