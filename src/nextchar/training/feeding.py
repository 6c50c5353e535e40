"""What training reads: parallel streams through the text, shuffled windows of it, or the lines of a list."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from nextchar.networks.architecture import Ids
from nextchar.randomness import random_stream
from nextchar.training.batches import MAX_LINE, ParallelStreams, ShuffledLines, ShuffledWindows, count_windows

Count = Annotated[int, Field(le=10**15)]
"""A number of updates or windows, small enough for a float to count exactly."""


class Batches(Protocol):
    """The batches of a run; each depends on its step only."""

    ids: Ids
    """The text that they are read from, shape (n,)."""

    def batch(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the inputs (T, B) of ``step``, counted from 0, and the targets: (T, B), or (1, B) for the last step
        only."""
        ...


@runtime_checkable
class WindowBatches(Batches, Protocol):
    """Batches of windows of one length."""

    window: int
    """T."""

    @property
    def targets(self) -> slice:
        """Which of the T + 1 ids of a window are predicted."""
        ...

    def firsts(self, step: int) -> NDArray[np.int64]:
        """Return where in the text each window of ``step`` begins, shape (B,)."""
        ...


class _Feeding(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int = Field(ge=1, le=4096)
    """B: streams or windows that an update reads."""
    window: int = Field(ge=1, le=4096)
    """T: characters read from each; the steps of truncated back-propagation through time."""

    @property
    def predicted(self) -> int:
        """Characters predicted in an update."""
        return self.batch * self.window

    @property
    def epoch_steps(self) -> int | None:
        """Updates of a pass over the text; None where passes have no end that matters."""
        return None

    def over(self, characters: int) -> Self:  # noqa: ARG002 (the same for any text)
        """Return the same feeding for a text of ``characters`` characters."""
        return self

    def example(self, vocabulary_size: int) -> Ids:
        """Return ids enough for two updates, shape (n,), to time them."""
        return np.arange((self.batch + 1) * self.window * 2) % vocabulary_size


class Streams(_Feeding):
    """Parallel streams: each continues where it stopped, with its state, and predicts every character."""

    kind: Literal["streams"] = "streams"
    line_end: ClassVar[None] = None

    @property
    def carries_state(self) -> bool:
        """Whether a batch starts from the final state of the batch before."""
        return True

    @property
    def context_length(self) -> None:
        """None: a prediction depends on all characters before it."""
        return None

    def batches(self, training: Ids, seed: int) -> Batches:
        """Return the batches of ``training`` (n,), in the order given by ``seed``."""
        offset = int(random_stream(seed, "order").integers(len(training)))
        return ParallelStreams(training, self.batch, self.window, offset)


class Windows(_Feeding):
    """Windows of the text, shuffled anew for each pass. Each is read from the zero state and predicts the one character
    after it."""

    kind: Literal["windows"] = "windows"
    line_end: ClassVar[None] = None
    stride: int = Field(ge=1, le=4096)
    """Characters from the start of a window to the start of the next."""
    count: Count = Field(ge=1)
    """Windows in the text."""

    @property
    def carries_state(self) -> bool:
        """Whether a batch starts from the final state of the batch before."""
        return False

    @property
    def context_length(self) -> int:
        """Characters that a prediction depends on."""
        return self.window

    @property
    def predicted(self) -> int:
        """Characters predicted in an update."""
        return self.batch

    @property
    def epoch_steps(self) -> int:
        """Updates of a pass over the windows; the last one may read fewer windows."""
        return math.ceil(self.count / self.batch)

    def over(self, characters: int) -> Self:
        """Return the same feeding for a text of ``characters`` characters, more than a window."""
        return self.model_copy(update={"count": count_windows(characters, self.window, self.stride)})

    def batches(self, training: Ids, seed: int) -> Batches:
        """Return the batches of ``training`` (n,), in the order given by ``seed``."""
        return ShuffledWindows(training, self.batch, self.window, self.stride, seed)


class Lines(_Feeding):
    """The lines of a list, shuffled anew for each pass, each read from the zero state and the line end before it.
    ``window`` is the mean length of a line with its end."""

    kind: Literal["lines"] = "lines"
    line_end: int = Field(ge=0)
    """Id of the line end."""

    @property
    def carries_state(self) -> bool:
        """Whether a batch starts from the final state of the batch before."""
        return False

    @property
    def context_length(self) -> None:
        """None: a prediction depends on all characters before it in its line."""
        return None

    def batches(self, training: Ids, seed: int) -> Batches:
        """Return the batches of ``training`` (n,), in the order given by ``seed``."""
        return ShuffledLines(training, self.batch, self.line_end, seed)

    def example(self, vocabulary_size: int) -> Ids:
        """Return ids enough for two updates, shape (n,), to time them: lines of the mean length."""
        ids = super().example(vocabulary_size)
        ids[ids == self.line_end] = (self.line_end + 1) % vocabulary_size
        ids[self.window - 1 :: self.window] = self.line_end
        return ids

    @classmethod
    def instead_of(cls, feeding: Streams, lines: Ids, line_end: int) -> Lines:
        """Return the lines that an update reads in place of ``feeding``, about as many characters, of the list
        ``lines`` (n,)."""
        mean = max(1, round(len(lines) / max(1, np.count_nonzero(np.asarray(lines) == line_end))))
        mean = min(mean, MAX_LINE)
        return cls(batch=max(1, min(4096, feeding.predicted // mean)), window=mean, line_end=line_end)


Feeding = Annotated[Streams | Windows | Lines, Field(discriminator="kind")]
