"""What the network reads: parallel streams through the text, or shuffled windows of it."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from nextchar.networks.architecture import Ids
from nextchar.randomness import random_stream
from nextchar.training.batches import ParallelStreams, ShuffledWindows, count_windows

Count = Annotated[int, Field(le=10**15)]
"""A number of updates or windows, small enough for a float to count exactly."""


class Batches(Protocol):
    """The batches of a run; the step alone determines each."""

    def batch(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the inputs (T, B) of ``step``, counted from 0, and its targets: (T, B), or (1, B) after the last."""
        ...


class _Feeding(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int = Field(ge=1, le=4096)
    """B: places of the text that an update reads from."""
    window: int = Field(ge=1, le=4096)
    """T: characters read at each; the steps of truncated back-propagation through time."""


class Streams(_Feeding):
    """Each stream continues where it was, with its state, and predicts every character."""

    kind: Literal["streams"] = "streams"

    @property
    def carries_state(self) -> bool:
        """Whether a batch begins with the state that the batch before ended in."""
        return True

    @property
    def context_length(self) -> None:
        """A prediction is made from all characters before it."""
        return None

    @property
    def predicted(self) -> int:
        """Characters predicted in an update."""
        return self.batch * self.window

    @property
    def epoch_steps(self) -> None:
        """A pass has no end: the streams read on around the end of the text."""
        return None

    def over(self, characters: int) -> Streams:  # noqa: ARG002 (of any text they are the same)
        """Return the same feeding from a text of so many ``characters``."""
        return self

    def batches(self, training: Ids, seed: int) -> Batches:
        """Return the batches of ``training`` (n,), in the order that ``seed`` gives."""
        offset = int(random_stream(seed, "order").integers(len(training)))
        return ParallelStreams(training, self.batch, self.window, offset)


class Windows(_Feeding):
    """Windows of the text in an order drawn anew for each pass; each is read from the zero state and predicts the one
    character after it."""

    kind: Literal["windows"] = "windows"
    stride: int = Field(ge=1, le=4096)
    """Characters from the beginning of a window to that of the next."""
    count: Count = Field(ge=1)
    """Windows of the text."""

    @property
    def carries_state(self) -> bool:
        """Whether a batch begins with the state that the batch before ended in."""
        return False

    @property
    def context_length(self) -> int:
        """Characters that a prediction is made from."""
        return self.window

    @property
    def predicted(self) -> int:
        """Characters predicted in an update."""
        return self.batch

    @property
    def epoch_steps(self) -> int:
        """Updates of a pass over the windows, the last one of those that are left."""
        return math.ceil(self.count / self.batch)

    def over(self, characters: int) -> Windows:
        """Return the same feeding from a text of so many ``characters``, more than a window."""
        return self.model_copy(update={"count": count_windows(characters, self.window, self.stride)})

    def batches(self, training: Ids, seed: int) -> Batches:
        """Return the batches of ``training`` (n,), in the order that ``seed`` gives."""
        return ShuffledWindows(training, self.batch, self.window, self.stride, seed)


Feeding = Annotated[Streams | Windows, Field(discriminator="kind")]
