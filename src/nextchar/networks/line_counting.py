"""Counting the n-grams of a list, in which each line is a text of its own.

What stands before a line is taken for line ends without number. So the beginning of a line has contexts of full length,
whose counts are numbers of times, not of different ids before them: it has none. N-grams that reach from one line into
the next are left out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.architecture import Ids
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_counts import NgramCounts
from nextchar.parallel import SERIAL, Executor


def count_lines(
    ids: Ids,
    vocabulary_size: int,
    order: int,
    line_end: int,
    *,
    executor: Executor = SERIAL,
    drop_rare: bool = False,
) -> NgramCounts:
    """Count the n-grams of a list.

    Args:
        ids: the list, shape (n,), in which each line ends in a line end.
        vocabulary_size: V.
        order: most ids of context, at least 1.
        line_end: the id of the line end.
        executor: computes in parallel.
        drop_rare: as for `count_text`.
    """
    repeats = np.where(np.asarray(ids) == line_end, order, 1)
    padded = np.concatenate([np.full(order, line_end, ids.dtype), np.repeat(ids, repeats)])
    padded = padded[: len(padded) - order + 1]  # nothing comes after the last line
    counts = count_text(padded, vocabulary_size, order, executor, drop_rare=drop_rare)
    kept, begins = _within_lines(counts, line_end)
    # Line ends before a line are contexts, and hardly predicted: no line is empty.
    cut = replace(counts, counts=np.where(begins, np.minimum(counts.counts, 1), counts.counts)).only(kept)
    # What is left out never comes, so that no probability is left to it.
    lost = counts.lost[kept[: len(counts.lost)]]
    return replace(cut, lost=np.where(np.diff(cut.firsts) > 0, lost, 0).astype(np.int32))


def _within_lines(counts: NgramCounts, line_end: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which n-grams lie within a line, after any number of line ends, and which are two line ends or more and
    nothing else: (N,) each."""
    ends, contexts, starts = counts.ids == line_end, counts.contexts, counts.starts
    kept, begins = np.ones(len(ends), np.bool_), ends.copy()  # whether there are line ends and nothing else
    for k in range(2, counts.order + 2):
        level = slice(starts[k], starts[k + 1])
        context = contexts[level]
        begins[level] &= begins[context]
        kept[level] = kept[context] & (begins[context] | ~ends[context])
        if k == counts.order + 1:
            kept[level] &= ~begins[level]
    begins[: starts[2]] = False
    return kept, begins
