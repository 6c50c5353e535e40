"""Counts that grow with the text that is read, on top of those of the training text.

The n-grams of the training text keep their numbers and lie where `nextchar.networks.ngram_counts` has them; new ones
are linked to their contexts. A child counts after the longest context, and after a shorter one only where it was new
after the longer: so the tree is at each moment that of `NgramCounts` for all text so far, but for what was pruned, and
its probabilities are those of `nextchar.networks.ngram_network`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.networks import growing_kernels as kernels
from nextchar.networks.architecture import Floats
from nextchar.networks.ngram_counting import FALLBACK
from nextchar.networks.ngram_counts import NgramCounts, Numbers
from nextchar.networks.word_counts import DISCOUNT, MAX_LENGTH, WordCounts

MAX_NEW = 1 << 22
"""Most n-grams that are added, those of about a million characters, in 120 MB; all known by then go on counting."""


class GrowingCounts:
    """The counts of a training text, or none, and of what is read after it."""

    def __init__(self, counts: NgramCounts, contexts: Numbers | None = None) -> None:
        """Begin to read a text.

        Args:
            counts: of the training text; they stay as they are.
            contexts: the places in them before the text; by default those of n-grams.
        """
        unused = len(counts.ids) - len(counts.totals)
        self.tree = kernels.Growing(
            firsts=counts.firsts,
            ids=counts.ids,
            new_ids=np.zeros(0, np.int32),
            siblings=np.zeros(0, np.int32),
            latest=np.zeros(len(counts.ids), np.int32),
            counts=counts.counts.copy(),
            totals=_extended(counts.totals.astype(np.int32), unused),
            left=_extended(counts.totals * counts.rests.astype(np.float64), unused),
            discounts=np.concatenate([np.zeros((counts.order + 1, 1)), counts.discounts], axis=1),
            contexts=np.append(0, np.full(counts.order, kernels.NONE)) if contexts is None else contexts,
            numbers=np.array([len(counts.ids)]),
        )

    @property
    def nodes(self) -> int:
        """Number of n-grams, and one for the context without ids."""
        return int(self.tree.numbers[kernels.USED])

    def make_room(self, ids: int) -> None:
        """Make room for the n-grams of the next ``ids`` that are read, as far as `MAX_NEW` allows."""
        tree = self.tree
        old, room = len(tree.ids), len(tree.counts)
        needed = min(self.nodes + ids * len(tree.contexts), old + MAX_NEW)
        if needed <= room:
            return
        more = min(max(needed, 2 * room - old), old + MAX_NEW) - room
        self.tree = tree._replace(
            **{
                name: _extended(getattr(tree, name), more)
                for name in ("new_ids", "siblings", "latest", "counts", "totals", "left")
            }
        )


def no_counts(vocabulary_size: int, order: int, discounts: Floats | None = None) -> NgramCounts:
    """Return the counts of no text, with ``discounts`` (order + 1, 3) or those of a text that nothing is known of."""
    return NgramCounts(
        vocabulary_size=vocabulary_size,
        order=order,
        firsts=np.ones(2, np.int32),
        ids=np.zeros(1, np.int32),
        counts=np.zeros(1, np.int32),
        lost=np.zeros(1, np.int32),
        discounts=np.tile(np.array(FALLBACK, np.float32), (order + 1, 1)) if discounts is None else discounts,
    )


def grown_words(words: WordCounts | None, vocabulary_size: int) -> GrowingCounts:
    """Return counts of words that go on growing from ``words``, or from nothing."""
    discounts = np.full((MAX_LENGTH, 3), DISCOUNT, np.float32)
    tree = no_counts(vocabulary_size, MAX_LENGTH - 1, discounts) if words is None else words.tree
    return GrowingCounts(tree, np.array([0, kernels.NONE, 0, 0]))


def _extended(values: NDArray[Any], more: int) -> NDArray[Any]:
    """Return ``values`` (N,) with ``more`` zeros."""
    longer = np.zeros(len(values) + more, values.dtype)
    longer[: len(values)] = values
    return longer
