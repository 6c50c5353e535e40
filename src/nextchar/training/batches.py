"""Batches of a text: parallel streams that carry their state from window to window, or, as in the classic example,
overlapping windows in random order, or the lines of a list."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.architecture import Ids
from nextchar.randomness import random_stream

IGNORED = -100
"""Target of what is not predicted, as torch has it."""
MAX_LINE = 512
"""Most characters of a line that are learned from, from its beginning."""
SORTED_BATCHES = 64
"""Batches of lines that are sorted by length together."""


class ParallelStreams:
    """B streams that start evenly spaced in the text, read T ids at a time, and wrap around the end of the text.

    A batch depends only on the number of its step, so a run can continue from any step, and only the ids of one batch
    are in memory. A pass over the text predicts each character once.
    """

    targets = slice(1, None)
    """Which of the T + 1 ids of a window are predicted."""

    def __init__(self, ids: Ids, streams: int, window: int, offset: int = 0) -> None:
        """Prepare the streams.

        Args:
            ids: the training text, shape (n,), n at least 2; may be memory-mapped.
            streams: B.
            window: T.
            offset: where the first stream starts, in ids.
        """
        self.ids = ids
        self.window = window
        self.starts = (np.arange(streams) * len(ids) // streams + offset) % len(ids)  # (B,)

    def firsts(self, step: int) -> NDArray[np.int64]:
        """Return where in the text each window of ``step`` begins, shape (B,)."""
        return (self.starts + step * self.window) % len(self.ids)

    def batch(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the inputs and targets of ``step``, counted from 0, both of shape (T, B)."""
        read = _read(self.ids, self.firsts(step), self.window)
        return read[:-1], read[self.targets]


class ShuffledWindows:
    """Windows of T ids that start a stride apart, and the id after each; shuffled anew in each pass.

    A pass reads every window once, and its last batch may be smaller. The order of a pass depends only on the seed and
    the number of the pass. It takes 4 bytes for each window; a window is copied from the text only when it is read.
    """

    targets = slice(-1, None)
    """Which of the T + 1 ids of a window are predicted."""

    def __init__(self, ids: Ids, batch: int, window: int, stride: int, seed: int) -> None:
        """Prepare the windows.

        Args:
            ids: the training text, shape (n,), n above ``window``; may be memory-mapped.
            batch: B.
            window: T.
            stride: ids from the start of a window to the start of the next.
            seed: for the order.
        """
        self.ids = ids
        self.window, self._batch, self._stride, self._seed = window, batch, stride, seed
        self.count = count_windows(len(ids), window, stride)
        self._epoch = -1
        self._order = np.empty(0, np.uint32)

    def firsts(self, step: int) -> NDArray[np.int64]:
        """Return where in the text each window of ``step`` begins, shape (B,); the last batch of a pass may be
        smaller."""
        epoch, number = divmod(step, -(-self.count // self._batch))
        if epoch != self._epoch:
            self._order = np.arange(self.count, dtype=np.uint32)
            random_stream(self._seed, "order", epoch).shuffle(self._order)
            self._epoch = epoch
        return self._order[number * self._batch : (number + 1) * self._batch].astype(np.int64) * self._stride

    def batch(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the inputs (T, B) and targets (1, B) of ``step``, counted from 0."""
        read = _read(self.ids, self.firsts(step), self.window)
        return read[:-1], read[self.targets]


class ShuffledLines:
    """The lines of a list, side by side with others of about the same length; shuffled anew in each pass.

    Each is read from the line end before it, and all its characters and its own line end are predicted. What is beyond
    the end of a shorter line of a batch is `IGNORED`.
    """

    def __init__(self, ids: Ids, batch: int, line_end: int, seed: int) -> None:
        """Prepare the lines.

        Args:
            ids: the training text, shape (n,), in which each line ends in a line end; may be memory-mapped.
            batch: B.
            line_end: the id of the line end.
            seed: for the order.
        """
        self.ids = ids
        self._batch, self._line_end, self._seed = batch, line_end, seed
        ends = np.flatnonzero(np.asarray(ids) == line_end) + 1  # (L,)
        self._starts = np.concatenate([[0], ends[:-1]])  # (L,)
        self._lengths = np.minimum(ends - self._starts, MAX_LINE)  # (L,)
        self._epoch = -1
        self._order, self._batches = np.empty(0, np.int64), np.empty(0, np.int64)

    def batch(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the inputs and targets of ``step``, counted from 0, both (T, B), T the length of its longest line; the
        last batch of a pass may be smaller."""
        epoch, number = divmod(step, -(-len(self._starts) // self._batch))
        if epoch != self._epoch:
            self._shuffle(epoch)
        first = self._batches[number] * self._batch
        lines = self._order[first : first + self._batch]  # (B,)
        lengths = self._lengths[lines]
        places = np.arange(int(lengths.max()))[:, None]  # (T, 1)
        within = places < lengths  # (T, B)
        targets = np.asarray(self.ids[np.where(within, self._starts[lines] + places, 0)], np.int64)
        inputs = np.concatenate([np.full((1, len(lines)), self._line_end), targets[:-1]])
        return np.where(within, inputs, self._line_end), np.where(within, targets, IGNORED)

    def _shuffle(self, epoch: int) -> None:
        """Draw the order of a pass: of the lines, some thousand of which are sorted by length, and of the batches."""
        random, count = random_stream(self._seed, "order", epoch), len(self._starts)
        order = random.permutation(count)
        group = np.arange(count) // (SORTED_BATCHES * self._batch)
        self._order = order[np.lexsort((self._lengths[order], group))]
        self._batches = random.permutation(-(-count // self._batch))
        self._epoch = epoch


def _read(ids: Ids, firsts: NDArray[np.int64], window: int) -> NDArray[np.int64]:
    """Return the ids (T + 1, B) of windows of T that begin at ``firsts`` (B,), and the id after each, around the end of
    the text."""
    positions = (firsts + np.arange(window + 1)[:, None]) % len(ids)  # (T + 1, B)
    return np.asarray(ids[positions], np.int64)


def count_windows(characters: int, window: int, stride: int) -> int:
    """Return how many windows that start ``stride`` apart have a character after them: ⌈(n - T) / stride⌉."""
    return max(0, -(-(characters - window) // stride))
