"""An n-gram model: it counts which character came after the last six, five, ... of a text, and is not trained.

With h the last k characters read, h' the last k - 1 of them, and c the next one,

    p_k(c | h) = (n(h c) - D(n(h c))) / n(h) + r(h) p_{k-1}(c | h')        k = 0 ... 6, p_{-1} = 1 / V
    n(h) = sum over c of n(h c)
    r(h) = sum over c of D(n(h c)) / n(h)        what the discounts leave, so that the sum of p_k over c is one

and p_k = p_{k-1} where nothing ever came after h. For k = 6, n(h c) is the number of times h c occurs. For smaller k it
is the number of different characters before h c, since a shorter context matters where the longer ones are rare. D(1),
D(2) and D(3 or more) are estimated for each k from the numbers of n-grams counted once, twice, three and four times.
Nothing is fitted to held-out text.

This is interpolated modified Kneser-Ney smoothing, by far the best of those tried. Bits per character of the last 10 %
of a text, after counting the rest:

    ===============================  =========  ===============  ==============  =====
                                     nietzsche  tinyshakespeare  korean-stories  names
    ===============================  =========  ===============  ==============  =====
    Witten-Bell                          2.179            2.567           5.309  3.846
    absolute, three discounts            2.084            2.461           4.848  3.502
    Kneser-Ney, one discount             1.980            2.258           4.638  3.373
    modified Kneser-Ney                  1.939            2.188           4.601  3.217
    ===============================  =========  ===============  ==============  =====

Source: Chen and Goodman, "An empirical study of smoothing techniques for language modeling" (1999), sections 2.7 and 3.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.architecture import Floats, Ids
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_counts import NgramCounts, Numbers

ORDER = 6
"""Characters of context. Seven gain 0.005 bits on War and Peace, and lose 0.008 on Nietzsche."""
UNREAD = -1
"""Fills a state where nothing was read, and stands for the number of an n-gram that never occurred."""
ROOM = 1 << 19
"""Probabilities computed at once, few enough for the processor's cache: twice as fast where V is large."""


class CountedNetwork(ABC):
    """A `Network` that predicts from counts. Its state is the last ids read, shape (B, order)."""

    def __init__(self, counts: NgramCounts, before: int = UNREAD) -> None:
        """Prepare to predict from ``counts``, whole or pruned, with the id ``before`` as all ids before a text."""
        self.before = before
        self.vocabulary_size: int = counts.vocabulary_size
        self.context_length: int | None = counts.order
        self.order = counts.order

    def initial_state(self, batch: int) -> Numbers:
        """Return the state of ``batch`` texts before anything is read."""
        return np.full((batch, self.order), self.before)

    def forward(self, ids: Ids, state: Numbers) -> tuple[Floats, Numbers]:
        """Read ``ids`` (B, T) after ``state``, the ids before; return log p of the next id (B, T, V), and the last
        ids."""
        log_p, _, after = self.read(ids, state)
        return log_p, after

    @abstractmethod
    def read(self, ids: Ids, state: Numbers) -> tuple[Floats, Numbers, Numbers]:
        """Read like `forward`; return log p (B, T, V), the length of the longest context after which something came
        (B, T), and the last ids."""


class NgramNetwork(CountedNetwork):
    """An n-gram network in NumPy."""

    def __init__(self, counts: NgramCounts, before: int = UNREAD) -> None:
        """Prepare to predict from ``counts``, whole or pruned, with the id ``before`` as all ids before a text."""
        super().__init__(counts, before)
        self.counts = counts
        self._lookup = Lookup(counts)

    @classmethod
    def of_text(cls, ids: Ids, vocabulary_size: int, order: int = ORDER) -> NgramNetwork:
        """Return the network that has counted the text ``ids`` (n,); arguments as for `count_text`."""
        return cls(count_text(ids, vocabulary_size, order))

    def read(self, ids: Ids, state: Numbers) -> tuple[Floats, Numbers, Numbers]:
        """Read ``ids`` (B, T), as `CountedNetwork.read` says."""
        batch, steps = ids.shape
        known = np.concatenate([state, np.asarray(ids, np.int64)], axis=1)  # (B, order + T)
        contexts = [numbers[:, -steps:].ravel() for numbers in self._numbers(known)] if steps else []  # order × (B T,)
        logits = np.zeros((batch * steps, self.vocabulary_size), np.float32)  # (B T, V)
        group = max(1, ROOM // self.vocabulary_size)
        for rows in (slice(first, first + group) for first in range(0, len(logits), group)):
            self._predict([numbers[rows] for numbers in contexts], logits[rows])
        longest = np.zeros(batch * steps, np.int64)
        for length, numbers in enumerate(contexts, 1):
            longest[self._lookup.has_children(numbers)] = length
        return (
            logits.reshape(batch, steps, self.vocabulary_size),
            longest.reshape(batch, steps),
            known[:, steps:],
        )

    def _numbers(self, known: Numbers) -> Iterator[Numbers]:
        """Yield for k = 1, 2, ... the number of the k ids that end at each of ``known`` (B, T) but the first k - 1."""
        numbers = np.zeros((len(known), known.shape[1] + 1), np.int64)  # (B, T + 1), of the one context without ids
        for k in range(self.order):
            numbers = self._lookup.find(numbers[:, :-1], known[:, k:])  # (B, T - k)
            yield numbers

    def _predict(self, contexts: list[Numbers], logits: Floats) -> None:
        """Fill ``logits`` (N, V), zeros, with log p after N texts, whose ``contexts`` are given by length from 1 on:
        (N,) each."""
        left = add_shares(self._lookup, contexts, logits)
        logits += left[:, None] * self.counts.without_context
        np.log(logits, out=logits)


class Lookup:
    """Finds n-grams."""

    def __init__(self, counts: NgramCounts) -> None:
        """Prepare to look up those of ``counts``."""
        self.counts = counts
        self.children = np.diff(counts.firsts)
        """Number of children of each context: (C,)."""
        self._keys = (counts.contexts * counts.vocabulary_size + counts.ids)[1:]  # (N - 1,), in order

    def find(self, contexts: Numbers, ids: Ids) -> Numbers:
        """Return the number of the n-gram of each of ``contexts`` (...) and the id after it (...), or `UNREAD`."""
        if len(self._keys) == 0:
            return np.full(ids.shape, UNREAD)
        wanted = contexts * self.counts.vocabulary_size + ids
        numbers = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        return np.where((contexts >= 0) & (ids >= 0) & (self._keys[numbers] == wanted), numbers + 1, UNREAD)

    def has_children(self, contexts: Numbers) -> NDArray[np.bool_]:
        """Return whether something came after each of ``contexts`` (...)."""
        return (contexts >= 0) & (self.children[contexts] > 0)


def add_shares(lookup: Lookup, contexts: Sequence[Numbers], out: Floats) -> Floats:
    """Add to ``out`` (N, V) what the counts after each of some contexts give, given from the shortest on, (N,) each;
    return the probability that they leave, shape (N,)."""
    counts = lookup.counts
    left = np.ones(len(out), np.float32)  # (N,)
    for numbers in contexts[::-1]:
        known = np.flatnonzero(numbers >= 0)
        of_known = numbers[known]
        firsts, children = counts.firsts[of_known], lookup.children[of_known]
        row = np.repeat(known, children)  # (M,), of M n-grams that begin with a known context
        ngram = np.arange(len(row)) + np.repeat(firsts - (np.cumsum(children) - children), children)  # (M,)
        out[row, counts.ids[ngram]] += left[row] * counts.shares[ngram]
        left[known] *= counts.rests[of_known]
    return left
