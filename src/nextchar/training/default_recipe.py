"""The default recipe: parallel streams, and every size chosen from the text, the time and the speed of the machine.

The rule was found by training on Nietzsche, tinyshakespeare, Korean stories, first names, Python code and slices of
War and Peace for 5 to 180 seconds on two cores; docs/learning.md has the evidence, benchmarks/learning.py measures it
again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from nextchar.errors import UsageError
from nextchar.networks.architecture import Architecture
from nextchar.randomness import random_stream
from nextchar.settings import Precision, TextSettings, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.training.feeding import Streams
from nextchar.training.plan import Budget, ChosenPlan, Measure, Plan, checkpoint_every, training_work

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
SHORT_TEXT_STREAMS, SHORT_TEXT_WINDOW = 8, 64
"""The same for texts of few characters."""
LOAD_PER_DROPOUT = 60
"""The share dropped grows by 1 for so many passes over a text with as many characters as the network has parameters."""
HIGH_DROPOUT = 0.1
"""From this share dropped on weights decay faster, too."""
CHARACTERS_PER_SQUARE = 2
"""A size is chosen when the training text has at least so many characters for each square of its hidden units."""
SHARD_STREAMS = 4
"""Fewest streams that a thread computes on; fewer are not worth a thread."""
MAX_PROCESS_CHARACTERS = 8192
"""Characters that a process reads for an update at most: by then even a slow network is no hindrance."""
SHORT_TEXT = 50_000
"""Texts shorter than this are read in fewer streams, so that each is long enough, and for fewer passes."""
MAX_EPOCHS, SHORT_TEXT_MAX_EPOCHS = 30, 20
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
PROMPT = 40
"""Characters of the text that every sample of a run continues, at most."""
FALL = 0.06
"""Bits per character fall about with this power of the time (benchmarks/forecast.py; texts differ by a few percent)."""


class DefaultRecipe:
    """The recipe `default` (`nextchar.training.recipe.Recipe`)."""

    has_unknown = True
    is_prompt_fixed = False
    fall: float | None = FALL

    def complete(self, text: TextSettings, training: TrainingSettings) -> tuple[TextSettings, TrainingSettings]:
        """Return the settings as they are given."""
        return text, training

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
        """Return the plan for a text, a length of training and a machine; what ``settings`` give is taken as given.

        Args:
            characters: of the training text.
            vocabulary_size: V.
            settings: the length as ``time``, ``epochs`` or ``steps`` (a minute where none is given), and any size.
            threads: that compute side by side.
            measure: times an update of a plan; asked only where a time budget has to be turned into steps.
            processes: that share each update.

        Raises:
            UsageError: there are fewer streams than processes.
        """
        chooser = _Chooser(characters, vocabulary_size, settings, threads, processes).for_all_processes()
        if settings.steps is not None or settings.epochs is not None:

            def steps_of(size: int) -> int:
                return settings.steps or chooser.steps_of(settings.epochs or 0, size)

            hidden = settings.hidden or chooser.size_for(lambda size: steps_of(size) * chooser.predicted(size))
            return ChosenPlan(chooser.plan(hidden, steps_of(hidden), settings.precision or "float32"), None)
        seconds = USABLE_SHARE * (settings.time or DEFAULT_SECONDS)
        hidden = settings.hidden or REFERENCE_SIZE
        precisions: tuple[Precision, ...] = PRECISIONS if settings.precision is None else (settings.precision,)
        trials: list[tuple[float, Precision]] = [
            (measure(chooser.plan(hidden, 1, candidate)), candidate) for candidate in precisions
        ]
        step_seconds, precision = min(trials, key=lambda trial: trial[0])
        speed = chooser.predicted(hidden) / step_seconds * chooser.cost(hidden)
        hidden = settings.hidden or chooser.size_for(lambda size: seconds * speed / chooser.cost(size))
        chooser = chooser.widened(lambda wide: measure(wide.plan(hidden, 1, precision)), hidden)
        # Once more, as it will be: dropout takes time, too, and how much there is follows from the number of steps.
        expected = seconds * speed / chooser.cost(hidden) / chooser.predicted(hidden)
        step_seconds = measure(chooser.plan(hidden, max(1, int(expected)), precision))
        affordable = max(1, int(seconds / step_seconds))
        budget = Budget(seconds, chooser.steps_of(chooser.max_epochs, hidden))
        steps = min(affordable, budget.max_steps)
        notes = ()
        if steps < affordable:
            passes = steps * chooser.predicted(hidden) / characters
            notes = (
                f"The text is so short that it is learned in less than the time given: {passes:.0f} passes over it; "
                "more would be learning it by heart. (--epochs or --steps ask for more.)",
            )
        return ChosenPlan(chooser.plan(hidden, steps, precision), steps * step_seconds, notes, budget)

    def choose_prompt(self, corpus: Corpus, plan: Plan, seed: int) -> str:  # noqa: ARG002 (of any plan)
        """Return the `start_of_line` that ``seed`` gives."""
        return start_of_line(corpus, seed)


def start_of_line(corpus: Corpus, seed: int) -> str:
    """Return the start of a line of the held-out text, at random, or of the training text where nothing is held out."""
    held_out = len(corpus.validation) > PROMPT
    ids = corpus.held_out_excerpt(1 << 16) if held_out else corpus.training[: 1 << 16]
    text = corpus.vocabulary.decode(ids).replace("\ufffd", "")
    lines = [line for line in text.split("\n") if len(line) >= PROMPT // 2] or [text.partition("\n")[2] or text]
    random = random_stream(seed, "evaluation")
    return lines[int(random.integers(len(lines)))][:PROMPT]


@dataclass(frozen=True)
class _Chooser:
    """The rule, for one text and one set of wishes."""

    characters: int
    vocabulary_size: int
    settings: TrainingSettings
    threads: int
    processes: int = 1
    widening: int = 1
    """How many times the streams of one process are read, so that several have enough to do."""

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
        """Whether the text is a short one."""
        return self.characters < SHORT_TEXT

    @property
    def max_epochs(self) -> int:
        """Passes over the text that are no learning by heart."""
        return SHORT_TEXT_MAX_EPOCHS if self.is_short else MAX_EPOCHS

    def streams(self, hidden: int) -> int:
        """Return the places of the text that an update of that size reads from."""
        if self.settings.streams is not None:
            return self.settings.streams
        if self.is_short:
            return self.widening * max(1, min(SHORT_TEXT_STREAMS, self.characters // (2 * SHORT_TEXT_WINDOW)))
        return self.widening * (LARGE_STREAMS if hidden >= LARGE_SIZE else STREAMS)

    def window(self, hidden: int) -> int:
        """Return the steps back in time that an update of that size sees."""
        longest = SHORT_TEXT_WINDOW if self.is_short else WINDOW
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

    def shards(self, streams: int) -> int:
        """Return the shards of a batch: as many for each process, and no more than pay."""
        shards = max(1, min(self.threads, streams // SHARD_STREAMS))
        return max(self.processes, shards // self.processes * self.processes)

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
            checkpoint_every=checkpoint_every(steps, update_work),
        )
