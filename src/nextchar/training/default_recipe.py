"""The default recipe: parallel streams, and every size chosen from the text, the time and the speed of the machine.

Its rules come from training on Nietzsche, tinyshakespeare, Korean stories, first names, Python code and slices of War
and Peace for 5 to 180 seconds on two cores. docs/learning.md has the evidence, benchmarks/learning.py repeats the
measurements.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from nextchar.errors import UsageError
from nextchar.networks.architecture import Architecture
from nextchar.randomness import random_stream
from nextchar.settings import Precision, TextSettings, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.training.exchange import Way, asked_way, choose_way
from nextchar.training.feeding import Streams
from nextchar.training.plan import Budget, ChosenPlan, Measure, Plan, checkpoint_every, training_work

SIZES = (64, 96, 128, 192, 256, 384, 512)
"""Hidden sizes to choose from."""
REFERENCE_SIZE = 128
"""Hidden size whose training speed is measured first."""
STREAMS, WINDOW = 32, 32
"""Streams of an update, and steps back in time: many short streams generalise better than few long ones, because each
update sees more places of the text."""
LARGE_SIZE, LARGE_STREAMS, LARGE_GAIN = 384, 64, 1.33
"""Larger networks, from this hidden size on, read more streams. A processor then reads more characters a second, by the
factor of the gain, which makes up for half as many updates."""
SHORT_TEXT_STREAMS, SHORT_TEXT_WINDOW = 8, 64
"""Streams and steps back in time for short texts."""
LOAD_PER_DROPOUT = 60
"""Passes that raise dropout by 1, for a text with as many characters as the network has parameters."""
HIGH_DROPOUT = 0.1
"""Dropout from which weight decay is higher too."""
CHARACTERS_PER_SQUARE = 2
"""A hidden size needs at least this many times its square in training characters."""
SHARD_STREAMS = 4
"""Fewest streams that are worth a thread."""
MAX_PROCESS_CHARACTERS = 8192
"""Most characters that a process reads for an update: with so many, even a slow network hardly delays it."""
SHORT_TEXT = 50_000
"""Characters below which a text is read in fewer streams, so that each is long enough, and in fewer passes."""
MAX_EPOCHS, SHORT_TEXT_MAX_EPOCHS = 30, 20
"""Most passes over a text, and over a short one; with more the model would memorise it."""
UPDATES_PER_UNIT = 5
"""A hidden size needs time for at least this many times as many updates."""
UPDATE_CHARACTERS = 1024
"""Characters of such an update."""
HALF_SPEED_SIZE = 180
"""Hidden size at which a processor computes at half the speed that it approaches for large sizes (measured on two
cores)."""
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
"""Each is timed, and the faster one is used. A processor with instructions for bfloat16 is about 1.5 times as fast with
it, any other many times slower; the result is as good."""
DEFAULT_SECONDS = 60.0
USABLE_SHARE = 0.95
"""Share of the time budget to plan for; the rest is a reserve for a machine that slows down after it was measured."""
PROMPT = 40
"""Most characters of the text that every sample of a run continues."""
FALL = 0.06
"""Bits per character fall about with this power of the time (benchmarks/forecast.py; texts differ by a few percent)."""


class DefaultRecipe:
    """The recipe `default` (`nextchar.training.recipe.Recipe`)."""

    has_unknown = True
    is_prompt_fixed = False
    fall: float | None = FALL

    def complete(self, text: TextSettings, training: TrainingSettings) -> tuple[TextSettings, TrainingSettings]:
        """Return the settings unchanged."""
        return text, training

    def choose_plan(
        self,
        characters: int,
        vocabulary_size: int,
        settings: TrainingSettings,
        threads: int,
        measure: Measure,
        *,
        measure_exchange: Measure | None = None,
        processes: int = 1,
    ) -> ChosenPlan:
        """Return the plan for a text, a length of training and a machine; options given in ``settings`` are kept.

        Args:
            characters: of the training text.
            vocabulary_size: V.
            settings: the length as ``time``, ``epochs`` or ``steps`` (a minute if none is given), and any size.
            threads: threads that compute in parallel.
            measure: times an update of a plan; called only to turn a time budget into steps.
            measure_exchange: times an exchange between processes; None where there are no others.
            processes: processes that share each update.

        Raises:
            UsageError: there are fewer streams than processes.
        """
        chooser = _Chooser(characters, vocabulary_size, settings, threads, processes).for_all_processes()
        if settings.steps is not None or settings.epochs is not None:
            chooser = replace(chooser, way=asked_way(settings.exchange))

            def steps_of(size: int) -> int:
                return settings.steps or chooser.steps_of(settings.epochs or 0, size)

            hidden = settings.hidden or chooser.size_for(lambda size: steps_of(size) * chooser.predicted(size))
            return ChosenPlan(chooser.plan(hidden, steps_of(hidden), settings.precision or "float32"), None)
        return _plan_for_time(chooser, USABLE_SHARE * (settings.time or DEFAULT_SECONDS), measure, measure_exchange)

    def choose_prompt(self, corpus: Corpus, plan: Plan, seed: int) -> str:  # noqa: ARG002 (the same for any plan)
        """Return the `start_of_line` for ``seed``."""
        return start_of_line(corpus, seed)


def _plan_for_time(chooser: _Chooser, seconds: float, measure: Measure, measure_exchange: Measure | None) -> ChosenPlan:
    """Return the plan that fills ``seconds`` of training."""
    settings = chooser.settings
    hidden = settings.hidden or REFERENCE_SIZE
    precisions: tuple[Precision, ...] = PRECISIONS if settings.precision is None else (settings.precision,)
    trials: list[tuple[float, Precision]] = [
        (measure(chooser.plan(hidden, 1, candidate)), candidate) for candidate in precisions
    ]
    step_seconds, precision = min(trials, key=lambda trial: trial[0])
    speed = chooser.predicted(hidden) / step_seconds * chooser.cost(hidden)
    hidden = settings.hidden or chooser.size_for(lambda size: seconds * speed / chooser.cost(size))
    notes: tuple[str, ...] = ()
    timed = measure
    if measure_exchange is not None:
        trial = chooser.plan(hidden, 1, precision)
        chosen = choose_way(trial, measure(trial), measure_exchange, settings.exchange)
        chooser, notes = replace(chooser, way=chosen.way), (chosen.note,)
        timed = partial(chosen.step_seconds, measure=measure)
    chooser = chooser.widened(lambda wide: timed(wide.plan(hidden, 1, precision)), hidden)
    # Measured again with the final dropout, which takes time too and depends on the number of steps.
    expected = seconds * speed / chooser.cost(hidden) / chooser.predicted(hidden)
    step_seconds = timed(chooser.plan(hidden, max(1, int(expected)), precision))
    affordable = max(1, int(seconds / step_seconds))
    budget = Budget(seconds, chooser.steps_of(chooser.max_epochs, hidden))
    steps = min(affordable, budget.max_steps)
    if steps < affordable:
        passes = steps * chooser.predicted(hidden) / chooser.characters
        notes = (
            *notes,
            f"The text is short, so training takes less than the time given: after {passes:.0f} passes the model "
            "would begin to memorise it. (Use --epochs or --steps for more.)",
        )
    return ChosenPlan(chooser.plan(hidden, steps, precision), steps * step_seconds, notes, budget)


def start_of_line(corpus: Corpus, seed: int) -> str:
    """Return the start of a random line of the held-out text, or of the training text if nothing is held out."""
    held_out = len(corpus.validation) > PROMPT
    ids = corpus.held_out_excerpt(1 << 16) if held_out else corpus.training[: 1 << 16]
    text = corpus.vocabulary.decode(ids).replace("\ufffd", "")
    lines = [line for line in text.split("\n") if len(line) >= PROMPT // 2] or [text.partition("\n")[2] or text]
    random = random_stream(seed, "evaluation")
    return lines[int(random.integers(len(lines)))][:PROMPT]


@dataclass(frozen=True)
class _Chooser:
    """The rules, applied to one text and the options given."""

    characters: int
    vocabulary_size: int
    settings: TrainingSettings
    threads: int
    processes: int = 1
    widening: int = 1
    """How many times the streams of one process are read, so that several have enough to do."""
    way: Way = field(default_factory=Way)
    """What the processes exchange."""

    def for_all_processes(self) -> _Chooser:
        """Return the rule with a stream for each process at least.

        Raises:
            UsageError: fewer streams are asked for.
        """
        wide, streams = self, self.streams(SIZES[0])
        if self.settings.streams is not None and streams < self.processes:
            raise UsageError(
                f"--streams {streams} cannot be shared by {self.processes} processes: give {self.processes} or more."
            )
        if self.processes == 1:
            return self
        while self.settings.streams is None and wide.streams(SIZES[0]) < SHARD_STREAMS * self.processes:
            wide = replace(wide, widening=2 * wide.widening)
        return wide

    def widened(self, seconds: Callable[[_Chooser], float], hidden: int) -> _Chooser:
        """Return the rule with as many streams as pay for several processes, which wait for each other once an update.

        Args:
            seconds: times an update.
            hidden: its size.
        """
        if self.processes == 1 or self.settings.streams is not None:
            return self
        best, speed = self, self.predicted(hidden) / seconds(self)
        while 2 * best.predicted(hidden) <= MAX_PROCESS_CHARACTERS * self.processes:
            wide = replace(best, widening=2 * best.widening)
            if wide.streams(hidden) * wide.window(hidden) > self.characters // 2:
                break
            faster = wide.predicted(hidden) / seconds(wide)
            if faster < LARGE_GAIN * speed:
                break
            best, speed = wide, faster
        return best

    @property
    def is_short(self) -> bool:
        """Whether the text is short."""
        return self.characters < SHORT_TEXT

    @property
    def max_epochs(self) -> int:
        """Most passes over the text before the model memorises it."""
        return SHORT_TEXT_MAX_EPOCHS if self.is_short else MAX_EPOCHS

    def streams(self, hidden: int) -> int:
        """Return the streams of an update at that hidden size."""
        if self.settings.streams is not None:
            return self.settings.streams
        if self.is_short:
            return self.widening * max(1, min(SHORT_TEXT_STREAMS, self.characters // (2 * SHORT_TEXT_WINDOW)))
        return self.widening * (LARGE_STREAMS if hidden >= LARGE_SIZE else STREAMS)

    def window(self, hidden: int) -> int:
        """Return the steps back in time of an update at that hidden size."""
        longest = SHORT_TEXT_WINDOW if self.is_short else WINDOW
        return self.settings.window or max(1, min(longest, self.characters // self.streams(hidden)))

    def predicted(self, hidden: int) -> int:
        """Return the characters that an update at that hidden size predicts."""
        return self.streams(hidden) * self.window(hidden)

    @property
    def embedding(self) -> int:
        """The size of the embedding, larger for a larger vocabulary; 0 is one-hot."""
        chosen = self.settings.embedding
        return (32 if self.vocabulary_size <= 256 else 128) if chosen is None else chosen

    def cost(self, hidden: int) -> float:
        """Return the cost of a character in time, up to a factor that depends on the machine."""
        work = training_work(hidden, self.embedding, self.vocabulary_size) * (self.settings.layers or 1)
        gain = LARGE_GAIN if self.streams(hidden) >= LARGE_STREAMS else 1.0
        return work * (hidden + HALF_SPEED_SIZE) / hidden / gain

    def size_for(self, affordable: Callable[[int], float]) -> int:
        """Return the largest hidden size that gets enough updates and for which the text is large enough.

        Args:
            affordable: returns how many characters the time allows at a hidden size.
        """
        fitting = [
            size
            for size in SIZES
            if CHARACTERS_PER_SQUARE * size**2 <= self.characters
            and affordable(size) >= UPDATES_PER_UNIT * size * UPDATE_CHARACTERS
        ]
        return max(fitting, default=SIZES[0])

    def shards(self, streams: int) -> int:
        """Return the shards of a batch: as many for each process, and no more than pay."""
        shards = max(1, min(self.threads, streams // SHARD_STREAMS))
        return max(self.processes, shards // self.processes * self.processes)

    def steps_of(self, epochs: float, hidden: int) -> int:
        """Return the updates of ``epochs`` passes over the text."""
        return max(1, round(epochs * self.characters / self.predicted(hidden)))

    def plan(self, hidden: int, steps: int, precision: Precision) -> Plan:
        """Return the plan for that hidden size, length and precision."""
        given, streams, predicted = self.settings, self.streams(hidden), self.predicted(hidden)
        sizes, embedding = (hidden,) * (given.layers or 1), self.embedding or None
        parameters = Architecture(
            vocabulary_size=self.vocabulary_size, embedding=embedding, hidden=sizes
        ).parameter_count
        # The larger a network, and the more often it reads the text, the more dropout it needs, so as not to memorise
        # the text.
        load = steps * predicted / self.characters * math.sqrt(parameters / self.characters)
        dropout = min(0.5, max(0.0, load - 1) / LOAD_PER_DROPOUT) if given.dropout is None else given.dropout
        # Larger batches have less noise: the rate grows by the root of their size, the warm-up with it.
        root = math.sqrt(self.widening)
        few = 0.8 if streams <= SHORT_TEXT_STREAMS else root
        update_work = training_work(hidden, self.embedding, self.vocabulary_size) * len(sizes) * predicted
        rate = few * min(0.015, 3 / hidden) if given.learning_rate is None else given.learning_rate
        decay = (0.01 if dropout < HIGH_DROPOUT else 0.1) if given.weight_decay is None else given.weight_decay
        return Plan(
            hidden=sizes,
            embedding=embedding,
            input_dropout=round(0.8 * dropout**2, 4),
            dropout=round(dropout, 4),
            feeding=Streams(batch=streams, window=self.window(hidden)),
            shards=self.shards(streams),
            steps=steps,
            precision=precision,
            learning_rate=rate,
            warm_up=math.ceil(min(0.2, 0.05 * root) * steps),
            weight_decay=decay,
            clip=given.clip or 1.0,
            calibrated=True,
            exchange=self.way.exchange,
            average_every=self.way.every,
            checkpoint_every=self.way.checkpoint_every(checkpoint_every(steps, update_work)),
        )
