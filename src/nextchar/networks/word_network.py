"""Predicting from counts of words, on top of n-grams (`nextchar.networks.word_counts` has the equations)."""

from __future__ import annotations

import numpy as np

from nextchar.networks.architecture import Floats, Ids
from nextchar.networks.ngram_counts import Numbers
from nextchar.networks.ngram_network import UNREAD, Lookup, add_shares
from nextchar.networks.word_counts import BELONGS, WordCounts

FIRST, SECOND, LENGTH = range(3)
"""Indices of a state: the nodes of the beginning of the word, and of that after the word before, or -1; and the ids of
the beginning."""


class WordNetwork:
    """What counts of words predict, in NumPy. A state is the places of the texts in the counts: (B, 3)."""

    def __init__(self, counts: WordCounts) -> None:
        """Prepare to predict from ``counts``, whole or pruned."""
        self.counts = counts
        self._lookup = Lookup(counts.tree)

    def initial_state(self, batch: int) -> Numbers:
        """Return the state of ``batch`` texts before anything is read."""
        return np.tile(np.array([0, UNREAD, 0]), (batch, 1))

    def read(self, ids: Ids, state: Numbers, log_p: Floats) -> tuple[Floats, Numbers, Numbers]:
        """Read ``ids`` (B, T) on from ``state``.

        Args:
            ids: shape (B, T).
            state: as it was left.
            log_p: ln p of the next id after each from n-grams, shape (B, T, V).

        Returns:
            ln p of the next id after each, shape (B, T, V); what was known there, below
            `nextchar.networks.word_counts.SITUATIONS`, shape (B, T); the state after.
        """
        places = np.empty((*ids.shape, 3), np.int64)
        for step in range(ids.shape[1]):
            state = places[:, step] = self._advance(ids[:, step], state)
        nodes = [places[..., k].ravel() for k in (FIRST, SECOND)]  # (B T,) each
        out = np.zeros((len(nodes[0]), log_p.shape[-1]), np.float32)  # (B T, V)
        left = add_shares(self._lookup, nodes, out)
        out += left[:, None] * np.exp(log_p.reshape(out.shape))
        known = [self._lookup.has_children(numbers) for numbers in nodes]
        situations = np.where(known[SECOND], 2, np.where(known[FIRST], 1, 0))
        return np.log(out).reshape(log_p.shape), situations.reshape(ids.shape), state

    def _advance(self, ids: Ids, state: Numbers) -> Numbers:
        """Return the state after ``ids`` (B,)."""
        first, second, length = state.T
        belongs = self.counts.kinds[ids] == BELONGS
        ends = ~belongs & (length > 0)
        after = np.where(belongs, ids, self.counts.separator)
        of_first, of_second = self._lookup.find(first, after), self._lookup.find(second, after)
        first = np.where(belongs, of_first, 0)
        second = np.where(belongs, of_second, np.where(ends, of_first, second))
        after = np.stack([first, second, np.where(belongs, length + 1, 0)], axis=1)  # (B, 3)
        after[:, :LENGTH][after[:, :LENGTH] >= len(self._lookup.children)] = UNREAD  # too long to be a context
        return after
