"""The classic recipe: the well-known Keras example as a plan.

It reads windows of 60 characters, one every 3, one-hot. One LSTM layer of 128 units starts from the zero state in every
window, and a softmax layer predicts the one character after it. Training uses RMSprop with a rate of 0.01, categorical
cross-entropy and 128 windows an update, shuffled anew in each pass. After each pass the model continues the same 60
characters of the text with 400 characters at each of four temperatures.

Source: Chollet, "Deep learning with Python" (2018), section 8.1.4; keras.io, "Character-level text generation with
LSTM".
"""

from __future__ import annotations

import random
from typing import TypeVar

from nextchar.errors import TextError, UsageError
from nextchar.settings import NOTHING, Settings, TextSettings, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.training.batches import count_windows
from nextchar.training.feeding import Windows
from nextchar.training.plan import ChosenPlan, Measure, Plan, checkpoint_every, training_work

S = TypeVar("S", bound=Settings)

WINDOW, STRIDE, HIDDEN, BATCH, RATE, EPOCHS, SAMPLE_LENGTH = 60, 3, 128, 128, 0.01, 9, 400
SEED = 42
"""The example's seed for Python's generator, which picks the text that every sample continues."""


class ClassicRecipe:
    """The recipe `classic` (`nextchar.training.recipe.Recipe`)."""

    has_plan = True
    has_unknown = False
    starts_from_models = False
    reads_lists = False
    is_prompt_fixed = True
    fall: float | None = None

    def complete(self, text: TextSettings, training: TrainingSettings) -> tuple[TextSettings, TrainingSettings]:
        """Return the settings with those of the example for all that are not given: nothing held out, 9 passes, samples
        of 400 characters.

        Raises:
            UsageError: it is to start from a model.
        """
        if training.from_ not in {None, NOTHING}:
            raise UsageError("The classic recipe starts from nothing: leave --from out, or use the default recipe.")
        length = {"time", "epochs", "steps"} & training.model_fields_set
        return (
            _with_defaults(text, validation=0.0),
            _with_defaults(training, sample_length=SAMPLE_LENGTH, **({} if length else {"epochs": EPOCHS})),
        )

    def choose_plan(
        self,
        characters: int,
        vocabulary_size: int,
        settings: TrainingSettings,
        threads: int,
        measure: Measure,
        *,
        measure_exchange: Measure | None = None,  # noqa: ARG002 (it exchanges float32)
        device: str = "cpu",  # noqa: ARG002 (the example is the same on any)
        processes: int = 1,  # noqa: ARG002 (a thread of each, at least, is in ``threads``)
    ) -> ChosenPlan:
        """Return the plan of the example for a text, with the sizes that ``settings`` give.

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
            TextError: the text is too short for a window and a character after it.
            UsageError: ``settings`` give a weight decay, a memory or an exchange that the example does not have.
        """
        _refuse_what_it_lacks(settings)
        window = settings.window or WINDOW
        count = count_windows(characters, window, STRIDE)
        if count == 0:
            raise TextError(
                f"The text has {characters:,} characters to learn from, but the classic recipe needs more than a "
                f"window of {window}: give a longer text or a shorter --window."
            )
        feeding = Windows(batch=settings.streams or BATCH, window=window, stride=STRIDE, count=count)
        if settings.time is not None:
            step_seconds = measure(_plan(feeding, vocabulary_size, settings, threads, 1))
            steps = max(1, int(settings.time / step_seconds))
            return ChosenPlan(_plan(feeding, vocabulary_size, settings, threads, steps), steps * step_seconds)
        steps = settings.steps or max(1, round((settings.epochs or EPOCHS) * feeding.epoch_steps))
        return ChosenPlan(_plan(feeding, vocabulary_size, settings, threads, steps), None)

    def choose_prompt(self, corpus: Corpus, plan: Plan, seed: int) -> str:  # noqa: ARG002 (the example has its own)
        """Return the passage, one window long, that the example picks from the whole text."""
        window = plan.feeding.window
        start = seed_text_start(corpus.characters, window)
        return corpus.vocabulary.decode(corpus.ids[start : start + window])


def _refuse_what_it_lacks(settings: TrainingSettings) -> None:
    """Raise a UsageError for what is set that the example does not have."""
    if settings.weight_decay is not None:
        raise UsageError("The classic recipe has no weight decay: leave --weight-decay out, or use the default recipe.")
    if settings.memory or settings.memory_size is not None:
        option = "--memory" if settings.memory else "--memory-size"
        raise UsageError(f"The classic recipe has no memory: leave {option} out, or use the default recipe.")
    if settings.exchange not in {None, "float32"}:
        raise UsageError(
            f"The classic recipe has no --exchange {settings.exchange}: leave it out, or use the default recipe."
        )


def _plan(feeding: Windows, vocabulary_size: int, settings: TrainingSettings, threads: int, steps: int) -> Plan:
    """Return the plan of ``steps`` updates over the windows of ``feeding``."""
    hidden = (settings.hidden or HIDDEN,) * (settings.layers or 1)
    characters = feeding.batch * feeding.window  # read in an update
    work = training_work(hidden[0], settings.embedding or 0, vocabulary_size) * len(hidden) * characters
    return Plan(
        hidden=hidden,
        embedding=settings.embedding or None,
        input_dropout=0.0,
        dropout=settings.dropout or 0.0,
        feeding=feeding,
        shards=max(1, min(threads, feeding.batch)),
        steps=steps,
        initial_weights="keras",
        optimizer="rmsprop",
        schedule="constant",
        learning_rate=settings.learning_rate or RATE,
        warm_up=0,
        weight_decay=0.0,
        clip=settings.clip,
        checkpoint_every=checkpoint_every(steps, work),
    )


def seed_text_start(characters: int, window: int) -> int:
    """Return where the example's seed text begins in a text of ``characters``, more than ``window``:
    ``random.seed(42)``, then ``random.randint(0, len(text) - window - 1)``."""
    return random.Random(SEED).randint(0, characters - window - 1)


def _with_defaults(settings: S, **defaults: object) -> S:
    """Return ``settings`` with ``defaults`` for those not given."""
    missing = {name: value for name, value in defaults.items() if name not in settings.model_fields_set}
    return settings.model_copy(update=missing)
