"""The n-gram network with compiled loops, about ten times as fast as in NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextchar.networks import ngram_kernels as kernels
from nextchar.networks.architecture import Floats, Ids
from nextchar.networks.ngram_counts import NgramCounts, Numbers
from nextchar.networks.ngram_network import UNREAD

MAX_DENSE = 1 << 16
"""Most probabilities after single ids that are kept ready: they should fit a core's own cache."""


class CompiledNgramNetwork:
    """An n-gram network whose loops are compiled; the same as `NgramNetwork` up to rounding.

    Safe to use from several threads: no call changes the network.
    """

    def __init__(self, counts: NgramCounts) -> None:
        """Prepare to predict from ``counts``, whole or pruned."""
        self.vocabulary_size, self.context_length = counts.vocabulary_size, counts.order
        self.tables = kernels.Tables(counts.firsts, counts.ids, counts.shares, counts.rests, _short_contexts(counts))

    def initial_state(self, batch: int) -> Numbers:
        """Return the state of ``batch`` texts before anything is read."""
        return np.full((batch, self.context_length), UNREAD)

    def forward(self, ids: Ids, state: Numbers) -> tuple[Floats, Numbers]:
        """Read ``ids`` (B, T) after ``state``, the ids before; return log p of the next id (B, T, V), and the last
        ids."""
        log_p, _, after = self.read(ids, state)
        return log_p, after

    def read(self, ids: Ids, state: Numbers) -> tuple[Floats, NDArray[np.int64], Numbers]:
        """Read like `forward`; return log p (B, T, V), the length of the longest context after which something came
        (B, T), and the last ids."""
        ids = np.ascontiguousarray(ids, np.int64)
        log_p = np.empty((*ids.shape, self.vocabulary_size), np.float32)
        longest = np.empty(ids.shape, np.int64)
        for row, contexts in enumerate(self.contexts(state)):
            kernels.read_ids(self.tables, ids[row], contexts, log_p[row], longest[row])
        return log_p, longest, np.concatenate([state, ids], axis=1)[:, ids.shape[1] :]

    def contexts(self, state: Numbers) -> NDArray[np.int64]:
        """Return the number of the last 0, 1, ... ids of each text, or -1 where they never came: (B, order + 1)."""
        contexts = np.full((len(state), self.context_length + 1), UNREAD)
        contexts[:, 0] = 0
        kernels.find_contexts(self.tables, state, contexts)
        return contexts


def _short_contexts(counts: NgramCounts) -> Floats:
    """Return the probability of each id without context and, if they are few, after each single id: (R, V)."""
    size, first = counts.vocabulary_size, counts.firsts[0]
    without = np.full(size, counts.rests[0] / size, np.float32)  # (V,)
    children = slice(first, counts.firsts[1])
    without[counts.ids[children]] += counts.shares[children]
    singles = children.stop - children.start
    if singles * size > MAX_DENSE:
        return without[None]
    rows = np.tile(without, (1 + singles, 1))  # (1 + S, V)
    rows[1:] *= counts.rests[children, None]
    pairs = slice(counts.starts[2], counts.starts[3])
    rows[counts.contexts[pairs], counts.ids[pairs]] += counts.shares[pairs]
    return rows
