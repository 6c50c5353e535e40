"""What the network is fed: parallel streams through one long text, a window at a time, the state carried on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextchar.architecture import Ids


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


def character_frequencies(ids: Ids, vocabulary_size: int, most: int = 1 << 24) -> NDArray[np.float64]:
    """Return how often each id occurs in the first ``most`` of ``ids``, plus one half, shape (V,); never zero."""
    counts = np.bincount(np.asarray(ids[:most]), minlength=vocabulary_size)  # (V,)
    return counts.astype(np.float64) + 0.5
