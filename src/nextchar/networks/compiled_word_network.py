"""Predicting from counts of words with compiled loops."""

from __future__ import annotations

import numpy as np

from nextchar.networks import word_kernels as kernels
from nextchar.networks.architecture import Floats, Ids
from nextchar.networks.ngram_counts import Numbers
from nextchar.networks.word_counts import WordCounts
from nextchar.networks.word_network import WordNetwork


class CompiledWordNetwork(WordNetwork):
    """The same as `WordNetwork` up to rounding, with compiled loops.

    Safe to use from several threads: no call changes the network.
    """

    def __init__(self, counts: WordCounts) -> None:
        """Prepare to predict from ``counts``, whole or pruned."""
        super().__init__(counts)
        self.tables = tables_of(counts)

    def read(self, ids: Ids, state: Numbers, log_p: Floats) -> tuple[Floats, Numbers, Numbers]:
        """Read ``ids`` (B, T), as `WordNetwork.read` says."""
        ids, after = np.ascontiguousarray(ids, np.int64), np.array(state)
        out, situations = np.empty(log_p.shape, np.float32), np.empty(ids.shape, np.int64)
        for row, places in enumerate(after):
            kernels.read_words(self.tables, ids[row], places, log_p[row], out[row], situations[row])
        return out, situations, after


def tables_of(counts: WordCounts | None) -> kernels.Words:
    """Return the tables of ``counts``; empty ones where no words were counted."""
    if counts is None:
        none = np.zeros(0, np.int32)
        return kernels.Words(none, none, none.view(np.float32), none.view(np.float32), none.view(np.uint8), 0)
    tree = counts.tree
    return kernels.Words(tree.firsts, tree.ids, tree.shares, tree.rests, counts.kinds, counts.separator)
