"""Batches: parallel streams through one long text, a window at a time, with the state carried along; or, as in the
classic example, overlapping windows in random order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.architecture import Ids
from nextchar.randomness import random_stream


class ParallelStreams:
    """B streams that start evenly spaced through the text and read on side by side, T ids at a time, around its end.

    The batch of a step follows from its number alone, so that a run can go on from any step, and nothing but the ids
    read is ever in memory. Each character is predicted once in a pass over the text.
    """

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

    def batch(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the inputs and targets of ``step``, counted from 0, both of shape (T, B)."""
        first = (self.starts + step * self.window) % len(self.ids)  # (B,)
        positions = (first + np.arange(self.window + 1)[:, None]) % len(self.ids)  # (T + 1, B)
        read = np.asarray(self.ids[positions], np.int64)  # (T + 1, B)
        return read[:-1], read[1:]


class ShuffledWindows:
    """Windows of T ids, one beginning every few ids, and the id after each; in a new order in each pass.

    A pass takes every window once, the last batch those that are left. The order of a pass follows from the seed and
    its number alone. It takes 4 bytes a window; the windows themselves are views of the text until they are read.
    """

    def __init__(self, ids: Ids, batch: int, window: int, stride: int, seed: int) -> None:
        """Prepare the windows.

        Args:
            ids: the training text, shape (n,), n above ``window``; may be memory-mapped.
            batch: B.
            window: T.
            stride: ids from the start of a window to that of the next.
            seed: of the order.
        """
        self.ids = ids
        self.window, self._batch, self._stride, self._seed = window, batch, stride, seed
        self.count = count_windows(len(ids), window, stride)
        self._epoch = -1
        self._order = np.empty(0, np.uint32)

    def batch(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the inputs (T, B) and targets (1, B) of ``step``, counted from 0; fewer than B end a pass."""
        epoch, number = divmod(step, -(-self.count // self._batch))
        if epoch != self._epoch:
            self._order = np.arange(self.count, dtype=np.uint32)
            random_stream(self._seed, "order", epoch).shuffle(self._order)
            self._epoch = epoch
        rows = self._order[number * self._batch : (number + 1) * self._batch]
        positions = rows.astype(np.intp) * self._stride + np.arange(self.window + 1)[:, None]  # (T + 1, B)
        read = np.asarray(self.ids[positions], np.int64)  # (T + 1, B)
        return read[:-1], read[-1:]


def count_windows(characters: int, window: int, stride: int) -> int:
    """Return how many windows, one beginning every ``stride``, have a character after them: ⌈(n - T) / stride⌉."""
    return max(0, -(-(characters - window) // stride))
