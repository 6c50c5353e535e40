"""The plan of a run: every size and number that training follows, fixed before it starts, and how it is chosen. Only
the number of updates is fitted to a time budget once more, when the run has warmed up.

The rule was found by training on Nietzsche, tinyshakespeare, Korean stories, first names, Python code and slices of
War and Peace for 5 to 180 seconds on two cores; docs/learning.md has the evidence, benchmarks/learning.py measures it
again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nextchar.architecture import GATES, Architecture
from nextchar.settings import Precision, TrainingSettings

SIZES = (64, 96, 128, 192, 256, 384, 512)
"""Hidden sizes to choose from."""
REFERENCE_SIZE = 128
"""Hidden size whose training speed is measured first."""
STREAMS, WINDOW = 32, 32
"""Streams and steps back in time of an update: many short ones generalise better than few long ones, as each update
sees more places of the text."""
LARGE_SIZE, LARGE_STREAMS, LARGE_GAIN = 384, 64, 1.33
"""Sizes from this one on are trained with more streams, with which a processor reads so many times more characters a
second; that pays for half as many updates."""
FEW_STREAMS, FEW_WINDOW = 8, 64
"""The same for texts of few characters."""
LOAD_PER_DROPOUT = 60
"""The share dropped grows by 1 for so many passes over a text with as many characters as the network has parameters."""
MUCH_DROPOUT = 0.1
"""From this share dropped on weights decay faster, too."""
CHARACTERS_PER_SQUARE = 2
"""A size is chosen when the training text has at least so many characters for each square of its hidden units."""
SHARD_STREAMS = 4
"""Fewest streams that a thread computes on; fewer are not worth a thread."""
FEW_CHARACTERS = 50_000
"""Texts shorter than this are read in fewer streams, so that each is long enough, and for fewer passes."""
MOST_EPOCHS, FEW_EPOCHS = 30, 20
"""Most passes over a text, and over a short one; more would be learning it by heart."""
UPDATES_PER_UNIT = 5
"""A size is chosen when the time allows this many updates for each of its hidden units."""
UPDATE_CHARACTERS = 1024
"""Characters of an update in that count."""
HALF_SPEED_SIZE = 180
"""Hidden size at which a processor reaches half of the arithmetic it reaches for endless sizes (measured on two
cores)."""
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
"""Tried, the faster one is taken: a processor with instructions for bfloat16 is about half as fast again with it, any
other many times slower; what is learned is the same."""
DEFAULT_SECONDS = 60.0
USABLE_SHARE = 0.95
"""Share of the time budget that is planned with; the rest is for a machine that is slower than when it was measured."""
SNAPSHOT_WORK = 6e10
"""Floating-point operations between two snapshots: half a second on two cores, half a minute on the slowest machine."""
MOST_UPDATES = 100
"""Most updates between two snapshots."""
SCORED_SHARE = 0.02
"""Held-out characters that all evaluations read together, for each one trained on. Scoring one takes about six tenths
of the time that training on one takes, so it is one or two hundredths of the time."""
FEWEST_SCORED = 4096
"""But no fewer in each evaluation, so that they can be compared."""

Steps = Annotated[int, Field(le=10**15)]
"""More updates than any options ask for, and few enough to be counted exactly by a float."""


class Plan(BaseModel):
    """What training does, step by step. The same plan, text, seed and machine give the same weights, bit for bit."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    hidden: tuple[Annotated[int, Field(ge=1, le=8192)], ...] = Field(min_length=1, max_length=8)
    """Units of each LSTM layer."""
    embedding: int | None = Field(ge=1, le=8192)
    """Size of the character embedding; None is one-hot."""
    input_dropout: float = Field(ge=0, lt=1)
    """Share of the embedding dropped."""
    dropout: float = Field(ge=0, lt=1)
    """Share of the outputs of each layer dropped."""
    streams: int = Field(ge=1, le=4096)
    """B: places of the text read in parallel."""
    shards: int = Field(ge=1, le=4096)
    """Parts of a batch that are computed side by side, each in a thread of its own; their gradients are added up."""
    window: int = Field(ge=1, le=4096)
    """T: steps of truncated back-propagation through time."""
    stride: Annotated[int, Field(ge=1, le=4096)] | None = None
    """None: every stream reads on where it was, its state carried along, and predicts every character. n: the batch is
    of windows, one beginning every n characters, in an order drawn anew for each pass; each is read from the zero state
    and predicts the one character after it."""
    windows: Annotated[Steps, Field(ge=1)] | None = None
    """Windows of the text, where ``stride`` is given."""
    steps: Steps = Field(ge=1)
    """Updates of the weights."""
    initial_weights: Literal["frequencies", "keras"] = "frequencies"
    """The distributions that the first weights come from (`nextchar.initialisation`)."""
    optimizer: Literal["adamw", "rmsprop"] = "adamw"
    precision: Precision = "float32"
    """Of the products in an update; weights, their changes and everything else are float32 always."""
    schedule: Literal["cosine", "constant"] = "cosine"
    learning_rate: float = Field(gt=0, le=10)
    """Peak of the schedule: linear warm-up, then half a cosine down to a hundredth, or constant."""
    warm_up: Steps = Field(ge=0)
    """Steps of the warm-up."""
    weight_decay: float = Field(ge=0, le=10)
    clip: Annotated[float, Field(gt=0)] | None
    """Largest norm of the gradient."""
    calibrated: bool = False
    """Whether the softmax temperature is fitted on the held-out text, whenever the model is scored."""
    snapshot_every: int = Field(ge=1, le=10_000)
    """Steps between the states that a save writes and a diverging run returns to."""

    @model_validator(mode="after")
    def _fits_together(self) -> Plan:
        if (self.stride is None) != (self.windows is None):
            raise ValueError("stride and windows of a plan go together: give both or none")
        if self.shards > self.streams:
            raise ValueError(f"a plan of {self.streams} streams cannot have {self.shards} shards: give as many at most")
        return self

    def architecture(self, vocabulary_size: int) -> Architecture:
        """Return the network that the plan trains, for a vocabulary of that size."""
        return Architecture(
            vocabulary_size=vocabulary_size,
            embedding=self.embedding,
            hidden=self.hidden,
            context_length=None if self.stride is None else self.window,
        )

    @property
    def predicted(self) -> int:
        """Characters predicted in an update."""
        return self.streams * (self.window if self.stride is None else 1)

    @property
    def characters(self) -> int:
        """Characters predicted over the whole run."""
        return self.steps * self.predicted

    @property
    def epoch_steps(self) -> int | None:
        """Updates of a pass over the windows, the last one of those that are left; None where streams read on."""
        return None if self.windows is None else math.ceil(self.windows / self.streams)

    def epochs(self, steps: int, characters: int) -> float:
        """Return the passes over a training text of so many ``characters`` that ``steps`` updates make."""
        return steps * self.predicted / characters if self.epoch_steps is None else steps / self.epoch_steps

    def boundary_after(self, step: int) -> int:
        """Return the first step after ``step`` at which a snapshot is taken, which the end of a pass over windows is,
        too."""
        epoch = self.epoch_steps or self.steps
        first = step // epoch * epoch
        following = first + ((step - first) // self.snapshot_every + 1) * self.snapshot_every
        return min(self.steps, first + epoch, following)


def snapshot_every(steps: int, update_work: float) -> int:
    """Return the updates between two snapshots, of ``update_work`` floating-point operations each."""
    return max(1, min(steps // 20, MOST_UPDATES, int(SNAPSHOT_WORK / update_work)))


@dataclass(frozen=True)
class Budget:
    """The time that a plan is to fill."""

    seconds: float
    most_steps: int
    """Updates that would be learning by heart if there were more."""

    def revise(self, plan: Plan, done: int, seconds: float, step_seconds: float) -> Plan:
        """Return ``plan`` with as many updates as the rest of the time allows; as it is where they are nearly as many.

        Nothing else of a plan changes, and none of its updates up to the end of the warm-up depends on their number: a
        run that follows the plan returned from its start gives the same weights.

        Args:
            plan: what is followed.
            done: updates made, within the warm-up.
            seconds: that they took.
            step_seconds: what an update takes by now.
        """
        fitting = done + int((self.seconds - seconds) / step_seconds)
        steps = min(self.most_steps, max(plan.steps // 2, min(2 * plan.steps, fitting)))
        return plan if abs(steps - plan.steps) < 0.03 * plan.steps else plan.model_copy(update={"steps": steps})


@dataclass(frozen=True)
class ChosenPlan:
    """A plan and why it is as it is."""

    plan: Plan
    expected_seconds: float | None
    """Training time by the measured speed; None where nothing was measured."""
    notes: tuple[str, ...] = ()
    budget: Budget | None = None
    """What its number of updates follows from, unless that was given."""


Measure = Callable[[Plan], float]
"""Returns the seconds that one update of a plan takes on this machine."""


def training_work(hidden: int, embedding: int, vocabulary_size: int) -> int:
    """Return floating-point operations to train on one character: two a multiplication, forward once and back twice."""
    return 6 * (GATES * hidden * (hidden + embedding) + hidden * vocabulary_size)


def choose_plan(
    characters: int, vocabulary_size: int, settings: TrainingSettings, threads: int, measure: Measure
) -> ChosenPlan:
    """Return the plan for a text, a length of training and a machine; what ``settings`` give is taken as given.

    Args:
        characters: of the training text.
        vocabulary_size: V.
        settings: the length as ``time``, ``epochs`` or ``steps`` (a minute where none is given), and any size.
        threads: that compute side by side.
        measure: times an update of a plan; asked only where a time budget has to be turned into steps.
    """
    chooser = _Chooser(characters, vocabulary_size, settings, threads)
    if settings.steps is not None or settings.epochs is not None:

        def steps_of(size: int) -> int:
            return settings.steps or chooser.steps_of(settings.epochs or 0, size)

        hidden = settings.hidden or chooser.size_for(lambda size: steps_of(size) * chooser.predicted(size))
        return ChosenPlan(chooser.plan(hidden, steps_of(hidden), settings.precision or "float32"), None)
    seconds = USABLE_SHARE * (settings.time or DEFAULT_SECONDS)
    hidden = settings.hidden or REFERENCE_SIZE
    precisions: tuple[Precision, ...] = PRECISIONS if settings.precision is None else (settings.precision,)
    trials: list[tuple[float, Precision]] = [(measure(chooser.plan(hidden, 1, one)), one) for one in precisions]
    step_seconds, precision = min(trials, key=lambda trial: trial[0])
    speed = chooser.predicted(hidden) / step_seconds * chooser.cost(hidden)
    hidden = settings.hidden or chooser.size_for(lambda size: seconds * speed / chooser.cost(size))
    # Once more, as it will be: dropout takes time, too, and how much there is follows from the number of steps.
    expected = seconds * speed / chooser.cost(hidden) / chooser.predicted(hidden)
    step_seconds = measure(chooser.plan(hidden, max(1, int(expected)), precision))
    affordable = max(1, int(seconds / step_seconds))
    budget = Budget(seconds, chooser.steps_of(chooser.most_epochs, hidden))
    steps = min(affordable, budget.most_steps)
    notes = ()
    if steps < affordable:
        passes = steps * chooser.predicted(hidden) / characters
        notes = (
            f"The text is so short that it is learned in less than the time given: {passes:.0f} passes over it; more "
            "would be learning it by heart. (--epochs or --steps ask for more.)",
        )
    return ChosenPlan(chooser.plan(hidden, steps, precision), steps * step_seconds, notes, budget)


def evaluation_steps(plan: Plan, evaluations: int) -> list[int]:
    """Return the steps after which the model is scored: ``evaluations`` evenly over the plan, each at a snapshot."""
    epoch = plan.epoch_steps
    # As many as there are passes over the windows, the last perhaps not whole: one after each.
    every = epoch if epoch and evaluations == math.ceil(plan.steps / epoch) else plan.steps / evaluations
    wanted = (min(plan.steps, math.ceil(every * number)) for number in range(1, evaluations + 1))
    return sorted({plan.boundary_after(step - 1) for step in wanted})


def scored_at_once(plan: Plan, evaluations: int, held_out: int) -> int:
    """Return how many of the ``held_out`` characters each evaluation reads: all where they are not much more than what
    takes little time."""
    enough = max(FEWEST_SCORED, int(SCORED_SHARE * plan.characters / evaluations))
    return held_out if plan.stride or held_out < 2 * enough else enough


@dataclass(frozen=True)
class _Chooser:
    """The rule, for one text and one set of wishes."""

    characters: int
    vocabulary_size: int
    settings: TrainingSettings
    threads: int

    @property
    def many(self) -> bool:
        """Whether the text is not a short one."""
        return self.characters >= FEW_CHARACTERS

    @property
    def most_epochs(self) -> int:
        """Passes over the text that are no learning by heart."""
        return MOST_EPOCHS if self.many else FEW_EPOCHS

    def streams(self, hidden: int) -> int:
        """Return the places of the text that an update of that size reads from."""
        few = max(1, min(FEW_STREAMS, self.characters // (2 * FEW_WINDOW)))
        many = LARGE_STREAMS if hidden >= LARGE_SIZE else STREAMS
        return self.settings.streams or (many if self.many else few)

    def window(self, hidden: int) -> int:
        """Return the steps back in time that an update of that size sees."""
        longest = WINDOW if self.many else FEW_WINDOW
        return self.settings.window or max(1, min(longest, self.characters // self.streams(hidden)))

    def predicted(self, hidden: int) -> int:
        """Return the characters of an update of that size."""
        return self.streams(hidden) * self.window(hidden)

    @property
    def embedding(self) -> int:
        """Wider where there are more characters to tell apart; 0 is one-hot."""
        chosen = self.settings.embedding
        return (32 if self.vocabulary_size <= 256 else 128) if chosen is None else chosen

    def cost(self, hidden: int) -> float:
        """Return what a character costs in the time of this machine, up to a factor that is the machine's speed."""
        work = training_work(hidden, self.embedding, self.vocabulary_size) * (self.settings.layers or 1)
        gain = LARGE_GAIN if self.streams(hidden) >= LARGE_STREAMS else 1.0
        return work * (hidden + HALF_SPEED_SIZE) / hidden / gain

    def size_for(self, affordable: Callable[[int], float]) -> int:
        """Return the largest size that gets updates enough out of the ``affordable`` characters, and that the text is
        large enough for."""
        fitting = [
            size
            for size in SIZES
            if CHARACTERS_PER_SQUARE * size**2 <= self.characters
            and affordable(size) >= UPDATES_PER_UNIT * size * UPDATE_CHARACTERS
        ]
        return max(fitting, default=SIZES[0])

    def steps_of(self, epochs: float, hidden: int) -> int:
        """Return the updates of so many passes over the text."""
        return max(1, round(epochs * self.characters / self.predicted(hidden)))

    def plan(self, hidden: int, steps: int, precision: Precision) -> Plan:
        """Return the plan of that size, length and precision."""
        given, streams, predicted = self.settings, self.streams(hidden), self.predicted(hidden)
        sizes, embedding = (hidden,) * (given.layers or 1), self.embedding or None
        parameters = Architecture(
            vocabulary_size=self.vocabulary_size, embedding=embedding, hidden=sizes
        ).parameter_count
        # The larger a network, and the longer a text is read over and over, the more has to be dropped to keep it from
        # being learned by heart.
        load = steps * predicted / self.characters * math.sqrt(parameters / self.characters)
        dropout = min(0.5, max(0.0, load - 1) / LOAD_PER_DROPOUT) if given.dropout is None else given.dropout
        few = 0.8 if streams <= FEW_STREAMS else 1.0
        update_work = training_work(hidden, self.embedding, self.vocabulary_size) * len(sizes) * predicted
        rate = few * min(0.015, 3 / hidden) if given.learning_rate is None else given.learning_rate
        decay = (0.01 if dropout < MUCH_DROPOUT else 0.1) if given.weight_decay is None else given.weight_decay
        return Plan(
            hidden=sizes,
            embedding=embedding,
            input_dropout=round(0.8 * dropout**2, 4),
            dropout=round(dropout, 4),
            streams=streams,
            shards=max(1, min(self.threads, streams // SHARD_STREAMS)),
            window=self.window(hidden),
            steps=steps,
            precision=precision,
            learning_rate=rate,
            warm_up=math.ceil(0.05 * steps),
            weight_decay=decay,
            clip=given.clip or 1.0,
            calibrated=True,
            snapshot_every=snapshot_every(steps, update_work),
        )
