"""A recipe makes all decisions before the first update. After that, training depends only on the plan."""

from __future__ import annotations

from typing import Protocol

from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.training.plan import ChosenPlan, Measure, Plan


class Recipe(Protocol):
    """A recipe; `nextchar.training.recipes` lists them by name."""

    @property
    def has_plan(self) -> bool:
        """Whether a network is trained by a plan; if not, the text is counted."""
        ...

    @property
    def has_unknown(self) -> bool:
        """Whether rare characters share the unknown symbol. If not, the vocabulary has every character of the text."""
        ...

    @property
    def starts_from_models(self) -> bool:
        """Whether training can start from the weights of a model."""
        ...

    @property
    def reads_lists(self) -> bool:
        """Whether each line of a list is learned by itself."""
        ...

    @property
    def is_prompt_fixed(self) -> bool:
        """Whether the recipe prescribes the prompt, which a run then shows."""
        ...

    @property
    def fall(self) -> float | None:
        """The exponent with which bits per character fall with training time, roughly; None if it is unknown."""
        ...

    def complete(self, text: TextSettings, training: TrainingSettings) -> tuple[TextSettings, TrainingSettings]:
        """Return the settings with the defaults of the recipe for those not given."""
        ...

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
        """Return the plan for a text; options given in ``settings`` are kept.

        Args:
            characters: of the training text.
            vocabulary_size: V.
            settings: the length as ``time``, ``epochs`` or ``steps``, and any size.
            threads: threads that compute in parallel.
            measure: times an update of a plan; called only to turn a time budget into steps.
            measure_exchange: times an exchange between processes; None where there are no others.
            device: the kind of the device: cpu, cuda or mps.
            processes: processes that share each update.

        Raises:
            TextError: the text is too short.
            UsageError: the recipe does not support an option that is given.
        """
        ...

    def choose_prompt(self, corpus: Corpus, plan: Plan, seed: int) -> str:
        """Return the prompt that every sample of the run continues."""
        ...
