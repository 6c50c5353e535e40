"""A forecast of training on a text: its plan, time and memory, and the bits per character to expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextchar.networks.architecture import GATES
from nextchar.runs.plan_choice import choose_plan
from nextchar.runs.trainers import choose_compute, dataset_of
from nextchar.settings import RecipeName, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.training.default_recipe import DEFAULT_SECONDS
from nextchar.training.plan import Plan
from nextchar.training.recipes import recipe_of

if TYPE_CHECKING:
    from nextchar.networks.torch_threads import Compute

TRIAL_SECONDS = 3.0
"""Time budget of the trial run behind the forecast of bits per character."""
TRIAL_SCORED = 100_000
"""Held-out characters that the trial run is scored on."""
BASE_BYTES = 330_000_000
"""Resident memory of Python with torch loaded, before any network is made."""


@dataclass(frozen=True)
class Forecast:
    """What to expect of a run."""

    plan: Plan
    parameters: int
    seconds: float | None
    """Training time; None if nothing was measured."""
    memory: int
    """Peak resident memory, in bytes, roughly."""
    bits_per_character: float | None
    """Rough estimate for the held-out text; None if nothing is held out, if the recipe does not know how fast they
    fall, or if training starts from a model."""
    notes: tuple[str, ...]


def forecast(corpus: Corpus, training: TrainingSettings) -> Forecast:
    """Choose the plan for ``corpus``, and train for a few seconds to estimate the result of the whole plan.

    Raises:
        TrainingError: the device is not available.
        MissingDependencyError: torch is not installed.
    """
    compute = choose_compute(training)  # raises if torch is missing
    from nextchar.training.measurement import measure_step

    chosen, fall = choose_plan(corpus, training, compute), recipe_of(training).fall
    seconds, bits = chosen.expected_seconds, None
    if fall is None:
        seconds = chosen.plan.steps * measure_step(chosen.plan, corpus.vocabulary, compute)
    elif training.from_ is None:
        bits = _expected_bits(corpus, training.recipe, fall, compute, seconds or training.time or DEFAULT_SECONDS)
    return Forecast(
        plan=chosen.plan,
        parameters=chosen.plan.architecture(corpus.vocabulary.size).parameter_count,
        seconds=seconds,
        memory=_memory(chosen.plan, corpus.vocabulary.size),
        bits_per_character=bits,
        notes=chosen.notes,
    )


def _expected_bits(corpus: Corpus, recipe: RecipeName, fall: float, compute: Compute, budget: float) -> float | None:
    """Return the bits per character to expect of ``budget`` seconds of training, by a short trial run."""
    from nextchar.training.trainer import Trainer

    settings = TrainingSettings(recipe=recipe, time=min(TRIAL_SECONDS, budget))
    dataset = dataset_of(corpus, TRIAL_SCORED)
    trial = Trainer(choose_plan(corpus, settings, compute).plan, dataset, seed=0, compute=compute)
    for _ in trial.run():
        pass
    trial.close()
    bits = trial.state.best_bits
    longer = max(1.0, budget / max(trial.state.seconds, 1e-3))
    return None if bits is None else bits * longer**-fall


def _memory(plan: Plan, vocabulary_size: int) -> int:
    """Return the bytes of a run: weights, gradients, two moments, best weights, checkpoint, and activations."""
    copies = 9
    activations = sum((2 * GATES + 4) * hidden for hidden in plan.hidden) + 4 * vocabulary_size
    values = (
        copies * plan.architecture(vocabulary_size).parameter_count
        + plan.feeding.batch * plan.feeding.window * activations
    )
    return BASE_BYTES + 4 * values
