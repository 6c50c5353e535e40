"""The rules of the default recipe for sizes, streams and rates, applied to one text, one machine and the options given.

docs/learning.md has the rules and their evidence. Those for GPUs are not measured yet.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from nextchar.errors import UsageError
from nextchar.networks.architecture import Architecture
from nextchar.settings import Precision, TrainingSettings
from nextchar.training.exchange import Way
from nextchar.training.feeding import Streams
from nextchar.training.plan import Plan, checkpoint_every, is_large, training_work

SIZES = (64, 96, 128, 192, 256, 384, 512)
"""Hidden sizes to choose from."""
GPU_SIZES, GPU_LAYERS, GPU_DEEP_SIZE = (*SIZES, 768, 1024, 1536, 2048), (1, 2, 3), 512
"""The same on a GPU, where sizes from the last number on may have several layers."""
STREAMS, WINDOW, LARGE_ALPHABET_WINDOW = 32, 64, 32
"""Streams of an update, and steps back in time; those of a large alphabet. Shorter windows make more updates of the
same text, but what was read further back is not learned from, and where the output layer is small, a processor reads
them more slowly."""
LARGE_ALPHABET = 256
"""An alphabet is large that has more ids."""
WIDENING_GAIN = 1.33
"""Several processes, or a GPU, read twice as many streams where that makes them so many times as fast, which makes up
for half as many updates."""
SHORT_TEXT_STREAMS, SHORT_TEXT_WINDOW = 8, 64
"""Streams and steps back in time for short texts."""
LOAD_PER_DROPOUT = 60
"""Passes that raise dropout by 1, for a text with as many characters as the network has parameters."""
FINE_TUNING_RATE, FINE_TUNING_TEXT, FINE_TUNING_DROPOUT = 0.5, 1_000_000, 0.1
"""Training that starts from a model: its learning rate as a share of that from random weights, for a text of so many
characters or more; and most dropout, since what is known would be lost with more. A shorter text is read more often, so
the share falls with the root of its length."""
FINE_TUNING_EPOCHS, FINE_TUNING_PARAMETERS = 3, 1_000_000
"""Most passes of such training over a text of that length or more, by a network with so many parameters: it knows the
language, so what is left to learn is soon what stands in the text alone. They rise as the rate falls for shorter texts,
and with the root of fewer parameters."""
MAX_DROPOUT = 0.4
"""Most dropout: with more a network learns so slowly that more time makes it worse."""
RATE_PER_DROPOUT = 2.5
"""How much higher the learning rate of training from random weights is for each share of dropout: from a text that is
read many times, smaller steps learn more by heart."""
HIGH_DROPOUT = 0.1
"""Dropout from which weight decay is higher too, and a large network leaves out recurrent weights."""
CHARACTERS_PER_SQUARE, CHARACTERS_PER_SQUARE_WITH_TIME = 2, 1
"""A hidden size needs at least this many times its square in training characters; fewer where the time allows the most
passes."""
SHARD_STREAMS = 4
"""Fewest streams that are worth a thread."""
MAX_PROCESS_CHARACTERS = 8192
"""Most characters that a process reads for an update: with so many, even a slow network hardly delays it."""
MAX_GPU_CHARACTERS = 16_384
"""The same for a process on a GPU, which computes many streams in the time of few."""
SHORT_TEXT = 50_000
"""Characters below which a text is read in fewer streams, so that each is long enough, and in fewer passes."""
MAX_EPOCHS, SHORT_TEXT_MAX_EPOCHS = 30, 20
"""Most passes over a text, and over a short one, with all recurrent weights; with more the model would memorise it."""
WEIGHT_DROPOUT, WEIGHT_DROPOUT_EPOCHS = 0.3, 2
"""Share of the recurrent weights that is left out at most, and how many times as many passes it allows."""
WEIGHT_DROPOUT_SIZE, WEIGHT_DROPOUT_PER_DROPOUT = 256, 0.25
"""Size from which a network is large: with high dropout it leaves out recurrent weights in fewer passes, too, and this
is their share for each share of the outputs. A smaller network needs all it has."""
UPDATES_PER_UNIT = 6
"""A hidden size needs time for at least this many times as many updates."""
UPDATE_CHARACTERS = 1024
"""Characters of such an update."""
HALF_SPEED_SIZE = 180
"""Hidden size at which a processor computes at half the speed that it approaches for large sizes (measured on two
cores)."""


@dataclass(frozen=True)
class Chooser:
    """The rules, applied to one text and the options given."""

    characters: int
    vocabulary_size: int
    settings: TrainingSettings
    threads: int
    processes: int = 1
    widening: int = 1
    """How many times the streams of one process on a CPU are read, so that several, or a GPU, have enough to do."""
    way: Way = field(default_factory=Way)
    """What the processes exchange."""
    device: str = "cpu"
    """The kind of the device."""
    depth: int = 1
    """Layers, if their number is not given."""

    def for_all_processes(self) -> Chooser:
        """Return the rule with a stream for each process at least.

        Raises:
            UsageError: fewer streams are asked for.
        """
        wide, streams = self, self.streams
        if self.settings.streams is not None and streams < self.processes:
            raise UsageError(
                f"--streams {streams} cannot be shared by {self.processes} processes: give {self.processes} or more."
            )
        if self.processes == 1:
            return self
        while self.settings.streams is None and wide.streams < SHARD_STREAMS * self.processes:
            wide = replace(wide, widening=2 * wide.widening)
        return wide

    def widened(self, seconds: Callable[[Chooser, int], float], hidden: int) -> Chooser:
        """Return the rule with as many streams as pay for several processes, which wait for each other once an update,
        and for a GPU, which waits for each step of a window.

        Args:
            seconds: times an update at a hidden size.
            hidden: the size.
        """
        if (self.processes == 1 and not self.on_gpu) or self.settings.streams is not None:
            return self
        best, speed = self, self.predicted / seconds(self, hidden)
        most = MAX_GPU_CHARACTERS if self.on_gpu else MAX_PROCESS_CHARACTERS
        while 2 * best.predicted <= most * self.processes:
            wide = replace(best, widening=2 * best.widening)
            if wide.predicted > self.characters // 2:
                break
            faster = wide.predicted / seconds(wide, hidden)
            if faster < WIDENING_GAIN * speed:
                break
            best, speed = wide, faster
        return best

    def largest_timed(self, characters: Callable[[Chooser, int], float]) -> tuple[int, Chooser]:
        """Return the largest hidden size that gets enough updates, and the rule with its layers; for a GPU, whose speed
        at one size does not foretell its speed at another.

        Args:
            characters: times an update at a hidden size; returns how many characters the time allows.
        """
        room = math.inf  # work that seems to fit
        size, chooser = SIZES[0], self
        for size, depth in self._shapes():
            chooser, work = replace(self, depth=depth), depth * size**2
            if work > room:
                continue
            known = min(characters(chooser, size), self.max_epochs(size) * self.characters)
            needed = UPDATES_PER_UNIT * size * UPDATE_CHARACTERS * depth * math.sqrt(self.widening)
            if known >= needed:
                break
            room = work * max(known / needed, 1 / 2)  # nothing is known where the memory was too small
        return size, chooser

    def _shapes(self) -> list[tuple[int, int]]:
        """Return the hidden sizes and numbers of layers that the text is large enough for, the largest first."""
        given = self.settings
        sizes = (given.hidden,) if given.hidden else tuple(filter(self._suits, GPU_SIZES)) or SIZES[:1]
        shapes = [
            (size, depth)
            for size in sizes
            for depth in ((given.layers,) if given.layers else GPU_LAYERS)
            if given.layers or depth == 1 or size >= GPU_DEEP_SIZE
        ]
        return sorted(shapes, key=lambda shape: shape[1] * shape[0] ** 2, reverse=True)

    def _suits(self, hidden: int, per_square: int = CHARACTERS_PER_SQUARE) -> bool:
        """Return whether the text is large enough for a hidden size: it has so many characters for its square."""
        return per_square * hidden**2 <= self.characters

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a CUDA GPU."""
        return self.device == "cuda"

    @property
    def layers(self) -> int:
        """The number of layers."""
        return self.settings.layers or self.depth

    @property
    def is_short(self) -> bool:
        """Whether the text is short."""
        return self.characters < SHORT_TEXT

    @property
    def has_large_alphabet(self) -> bool:
        """Whether there are many different ids."""
        return self.vocabulary_size > LARGE_ALPHABET

    def max_epochs(self, hidden: int) -> float:
        """Return the most passes over the text before a network of ``hidden`` units memorises it."""
        if self.settings.from_ is None:
            return WEIGHT_DROPOUT_EPOCHS * self.few_epochs
        soon = FINE_TUNING_EPOCHS / self.rate_share * math.sqrt(FINE_TUNING_PARAMETERS / self.parameters(hidden))
        return min(self.few_epochs, soon)

    def max_steps(self, hidden: int, affordable: int) -> int:
        """Return the most updates of a network of ``hidden`` units for which there is time for ``affordable`` now. If
        the machine turns out to be faster, one that began with all its recurrent weights still makes few passes."""
        most = self.max_epochs(hidden)
        return self.steps_of(most if self.weight_dropout(hidden, affordable) else min(most, self.few_epochs))

    @property
    def few_epochs(self) -> int:
        """The passes over the text that a network can make with all its recurrent weights."""
        return SHORT_TEXT_MAX_EPOCHS if self.is_short else MAX_EPOCHS

    def dropout(self, hidden: int, steps: int) -> float:
        """Return the share of the outputs to leave out in each of ``steps`` updates: the larger a network, and the more
        often it reads the text, the more, so as not to memorise the text."""
        if self.settings.dropout is not None:
            return self.settings.dropout
        load = self.epochs_of(steps) * math.sqrt(self.parameters(hidden) / self.characters)
        most = MAX_DROPOUT if self.settings.from_ is None else FINE_TUNING_DROPOUT
        return min(most, max(0.0, load - 1) / LOAD_PER_DROPOUT)

    def weight_dropout(self, hidden: int, steps: int) -> float:
        """Return the share of the recurrent weights to leave out in each of ``steps`` updates."""
        if self.settings.from_ is not None or self.settings.dropout == 0:
            return 0.0
        dropout, more = self.dropout(hidden, steps), self.epochs_of(steps) / self.few_epochs - 1
        is_large = hidden >= WEIGHT_DROPOUT_SIZE and dropout >= HIGH_DROPOUT
        least = WEIGHT_DROPOUT_PER_DROPOUT * dropout if is_large else 0.0
        return max(least, WEIGHT_DROPOUT * min(1.0, max(0.0, more / (WEIGHT_DROPOUT_EPOCHS - 1))))

    def learning_rate(self, hidden: int, dropout: float) -> float:
        """Return the peak learning rate of a network of ``hidden`` units with that share of ``dropout``."""
        tuned = 1 + RATE_PER_DROPOUT * dropout if self.settings.from_ is None else FINE_TUNING_RATE * self.rate_share
        # Larger batches have less noise: the rate grows by the root of their size, the warm-up with it.
        noise = 0.8 if self.streams <= SHORT_TEXT_STREAMS else math.sqrt(self.widening)
        return tuned * noise * min(0.015, 3 / hidden)

    @property
    def rate_share(self) -> float:
        """The learning rate of training that starts from a model, as a share of that for a long text."""
        return min(1, self.characters / FINE_TUNING_TEXT) ** 0.5

    def parameters(self, hidden: int) -> int:
        """Return the parameters of a network of ``hidden`` units."""
        sizes, embedding = (hidden,) * self.layers, self.embedding or None
        return Architecture(vocabulary_size=self.vocabulary_size, embedding=embedding, hidden=sizes).parameter_count

    @property
    def streams(self) -> int:
        """The streams of an update."""
        if self.settings.streams is not None:
            return self.settings.streams
        if self.is_short:
            return self.widening * max(1, min(SHORT_TEXT_STREAMS, self.characters // (2 * SHORT_TEXT_WINDOW)))
        return self.widening * STREAMS

    @property
    def window(self) -> int:
        """The steps back in time of an update."""
        of_alphabet = LARGE_ALPHABET_WINDOW if self.has_large_alphabet else WINDOW
        longest = SHORT_TEXT_WINDOW if self.is_short else of_alphabet
        return self.settings.window or max(1, min(longest, self.characters // self.streams))

    @property
    def predicted(self) -> int:
        """The characters that an update predicts."""
        return self.streams * self.window

    @property
    def embedding(self) -> int:
        """The size of the embedding, larger for a larger vocabulary; 0 is one-hot."""
        chosen = self.settings.embedding
        return (128 if self.has_large_alphabet else 32) if chosen is None else chosen

    def cost(self, hidden: int) -> float:
        """Return the cost of a character in time, up to a factor that depends on the machine."""
        work = training_work(hidden, self.embedding, self.vocabulary_size) * self.layers
        return work * (hidden + HALF_SPEED_SIZE) / hidden

    def size_for(self, affordable: Callable[[int], float]) -> int:
        """Return the largest hidden size that gets enough updates and for which the text is large enough.

        Args:
            affordable: returns how many characters the time allows at a hidden size.
        """

        def is_enough(size: int) -> bool:
            characters = affordable(size)
            has_time = characters >= self.max_epochs(size) * self.characters
            per_square = CHARACTERS_PER_SQUARE_WITH_TIME if has_time else CHARACTERS_PER_SQUARE
            return self._suits(size, per_square) and characters >= UPDATES_PER_UNIT * size * UPDATE_CHARACTERS

        return max(filter(is_enough, SIZES), default=SIZES[0])

    def shards(self, streams: int) -> int:
        """Return the shards of a batch: as many for each process, and no more than pay."""
        shards = max(1, min(self.threads, streams // SHARD_STREAMS))
        return max(self.processes, shards // self.processes * self.processes)

    def steps_of(self, epochs: float) -> int:
        """Return the updates of ``epochs`` passes over the text."""
        return max(1, round(epochs * self.characters / self.predicted))

    def epochs_of(self, steps: int) -> float:
        """Return the passes over the text that ``steps`` updates make."""
        return steps * self.predicted / self.characters

    def plan(self, hidden: int, steps: int, precision: Precision) -> Plan:
        """Return the plan for that hidden size, length and precision."""
        given, streams, predicted = self.settings, self.streams, self.predicted
        sizes, embedding = (hidden,) * self.layers, self.embedding or None
        dropout = self.dropout(hidden, steps)
        root = math.sqrt(self.widening)
        update_work = training_work(hidden, self.embedding, self.vocabulary_size) * len(sizes) * predicted
        decay = (0.01 if dropout < HIGH_DROPOUT else 0.1) if given.weight_decay is None else given.weight_decay
        return Plan(
            hidden=sizes,
            embedding=embedding,
            input_dropout=round(0.8 * dropout**2, 4),
            dropout=round(dropout, 4),
            weight_dropout=round(self.weight_dropout(hidden, steps), 4),
            feeding=Streams(batch=streams, window=self.window),
            shards=self.shards(streams),
            steps=steps,
            precision=precision,
            learning_rate=self.learning_rate(hidden, dropout) if given.learning_rate is None else given.learning_rate,
            warm_up=math.ceil(min(0.2, 0.05 * root) * steps),
            weight_decay=decay,
            clip=given.clip or 1.0,
            sampled=is_large(self.vocabulary_size),
            factored=given.from_ is None,  # a base knows its syllables
            calibrated=True,
            exchange=self.way.exchange,
            average_every=self.way.every,
            checkpoint_every=self.way.checkpoint_every(checkpoint_every(steps, update_work, self.device)),
        )
