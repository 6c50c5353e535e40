"""A recipe: everything that is decided before the first update. Training then depends on the plan only."""

from __future__ import annotations

from typing import Protocol

from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.training.plan import ChosenPlan, Measure, Plan


class Recipe(Protocol):
    """A recipe; `nextchar.training.recipes` has them by name."""

    @property
    def has_unknown(self) -> bool:
        """Whether rare characters share the unknown symbol; else the vocabulary has every character of the text."""
        ...

    @property
    def is_prompt_fixed(self) -> bool:
        """Whether the prompt belongs to the recipe, so that a run names it."""
        ...

    @property
    def fall(self) -> float | None:
        """The exponent by which bits per character fall with training time, roughly; None if it is not known."""
        ...

    def complete(self, text: TextSettings, training: TrainingSettings) -> tuple[TextSettings, TrainingSettings]:
        """Return the settings, with the defaults of the recipe for those not given."""
        ...

    def choose_plan(
        self,
        characters: int,
        vocabulary_size: int,
        settings: TrainingSettings,
        threads: int,
        measure: Measure,
        *,
        processes: int = 1,
    ) -> ChosenPlan:
        """Return the plan for a text; options given in ``settings`` are kept.

        Args:
            characters: of the training text.
            vocabulary_size: V.
            settings: the length as ``time``, ``epochs`` or ``steps``, and any size.
            threads: that compute side by side.
            measure: times an update of a plan; asked only where a time budget has to be turned into steps.
            processes: that share each update: each computes as many of its shards.

        Raises:
            TextError: the text is too short for it.
            UsageError: the recipe does not have an option that is given.
        """
        ...

    def choose_prompt(self, corpus: Corpus, plan: Plan, seed: int) -> str:
        """Return what every sample of the run continues."""
        ...
