"""Counting the n-grams of a text.

The compiled way sorts the places of the text by the ``order`` + 1 ids that begin there. Then every n-gram is a run of
neighbours, in the order in which `NgramCounts` numbers them, and one pass numbers and counts them all. Ids before an
n-gram are different ones where the last place after the same id is before the run began.

The n-grams that begin with some of the ids are counted by themselves, which takes little memory and uses all cores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from nextchar.networks.architecture import Ids
from nextchar.networks.engine import can_compile
from nextchar.networks.ngram_counts import Int32s, NgramCounts, Numbers
from nextchar.networks.ngram_pruning import without_rare
from nextchar.parallel import SERIAL, Executor

FALLBACK = (0.5, 1.0, 1.5)
"""Discounts where there are too few counts to estimate them: those of the program KenLM."""
PARTS = 16
"""Parts of a text that are counted by themselves."""


def count_text(
    ids: Ids, vocabulary_size: int, order: int, executor: Executor = SERIAL, *, drop_rare: bool = False
) -> NgramCounts:
    """Count the n-grams of a text, with compiled loops where numba works (benchmarks/counting.py has the speed).

    Args:
        ids: the text, shape (n,), n below 2^31.
        vocabulary_size: V.
        order: most ids of context, at least 1.
        executor: computes in parallel.
        drop_rare: return what `without_rare` leaves, for which a long text takes less memory.
    """
    if not can_compile():
        counts, tallies = _stack(_numpy_levels(ids, vocabulary_size, order), vocabulary_size, order)
        counts = without_rare(counts) if drop_rare else counts
    else:
        text = np.ascontiguousarray(ids, np.uint8 if vocabulary_size <= 256 else np.int32)
        parts = _parts(text, vocabulary_size)

        def count(shard: slice) -> list[tuple[NgramCounts, Numbers]]:
            return [_count_part(text, part, vocabulary_size, order, drop_rare) for part in parts[shard]]

        counted = [pair for pairs in executor.map_shards(count, len(parts)) for pair in pairs]
        counts = _join([part for part, _ in counted], vocabulary_size, order)
        tallies = np.sum([tally for _, tally in counted], axis=0)
    return replace(counts, discounts=np.array([estimate_discounts(tally) for tally in tallies], np.float32))


def _parts(text: Ids, vocabulary_size: int) -> list[slice]:
    """Return ranges of ids with about as many places in ``text`` (n,) each."""
    ends = np.cumsum(np.bincount(text, minlength=vocabulary_size))
    wanted = np.linspace(0, len(text), PARTS + 1)[1:-1]
    bounds = [0, *np.unique(np.searchsorted(ends, wanted) + 1).tolist(), vocabulary_size]
    return [slice(first, end) for first, end in pairwise(bounds) if first < end]


def _count_part(
    text: Ids, part: slice, vocabulary_size: int, order: int, drop_rare: bool
) -> tuple[NgramCounts, Numbers]:
    """Count the n-grams of ``text`` (n,) that begin with the ids of ``part``; return them, with discounts that mean
    nothing, and the tally of each level before anything was dropped: (order + 1, 5)."""
    from nextchar.networks import counting_kernels as kernels

    length = order + 1
    places = np.empty(np.count_nonzero((text >= part.start) & (text < part.stop)), np.int32)
    kernels.find_places(text, part.start, part.stop, places)
    kernels.sort_places(text, places, np.empty_like(places), length, vocabulary_size)
    shared, ngrams = np.empty(len(places), np.uint8), np.zeros(length + 1, np.int64)
    kernels.compare_places(text, places, length, shared, ngrams)
    ngrams[0] = 1
    starts: Numbers = np.concatenate([[0], np.cumsum(ngrams)])  # (order + 3,)
    firsts = np.empty(starts[length] + 1, np.int32)
    firsts[0], firsts[-1] = 1, starts[-1]
    ids, numbers = np.zeros(starts[-1], np.int32), np.zeros(starts[-1], np.int32)
    following = starts[:-1].astype(np.int32)
    kernels.number_ngrams(text, places, shared, vocabulary_size, following, firsts, ids, numbers)
    counts = _unpruned(firsts, ids, numbers, vocabulary_size, order)
    tallies = np.array([tally(numbers[first:end]) for first, end in pairwise(starts[1:].tolist())])
    return without_rare(counts) if drop_rare else counts, tallies


def _unpruned(firsts: Int32s, ids: Int32s, counts: Int32s, vocabulary_size: int, order: int) -> NgramCounts:
    """Return counts of which nothing is lost, with discounts that mean nothing."""
    lost, discounts = np.zeros(len(firsts) - 1, np.int32), np.ones((order + 1, 3), np.float32)
    return NgramCounts(vocabulary_size, order, firsts, ids, counts, lost, discounts)


def _join(parts: Sequence[NgramCounts], vocabulary_size: int, order: int) -> NgramCounts:
    """Return the counts of a text from those of its ``parts``, which are in the order of their ids."""

    def joined(arrays: Sequence[Int32s], lengths: int) -> Int32s:
        """Return the entries of nodes of 1, 2, ... ``lengths`` ids."""
        return np.concatenate(
            [
                array[part.starts[k] : part.starts[k + 1]]
                for k in range(1, lengths + 1)
                for part, array in zip(parts, arrays, strict=True)
            ]
        )

    children = [np.diff(part.firsts) for part in parts]
    without = [sum(int(array[0]) for array in arrays) for arrays in (children, [part.lost for part in parts])]
    return NgramCounts(
        vocabulary_size=vocabulary_size,
        order=order,
        firsts=np.cumsum(np.concatenate([[1, without[0]], joined(children, order)]), dtype=np.int32),
        ids=np.concatenate([[0], joined([part.ids for part in parts], order + 1)], dtype=np.int32),
        counts=np.concatenate([[0], joined([part.counts for part in parts], order + 1)], dtype=np.int32),
        lost=np.concatenate([[without[1]], joined([part.lost for part in parts], order)], dtype=np.int32),
        discounts=parts[0].discounts,
    )


_Level = tuple[Numbers, Int32s, Numbers]
"""The children of all contexts of one length: number of the first child of each context, from 0 on, and the end
(C + 1,); their ids (N,) and counts (N,)."""


def _stack(levels: Iterator[_Level], vocabulary_size: int, order: int) -> tuple[NgramCounts, Numbers]:
    """Return the ``levels`` of 0, 1, ... ids of context as counts, and the tally of each, like `_count_part`."""
    firsts: list[Numbers] = []
    ids, counts = [np.zeros(1, np.int32)], [np.zeros(1, np.int64)]
    end = 1
    for level_firsts, level_ids, level_counts in levels:
        firsts.append(level_firsts[:-1] + end)
        ids.append(level_ids)
        counts.append(level_counts)
        end += len(level_ids)
    joined = np.concatenate([*firsts, [end]], dtype=np.int32)
    numbers = np.concatenate(counts, dtype=np.int32)
    return (
        _unpruned(joined, np.concatenate(ids), numbers, vocabulary_size, order),
        np.array([tally(level) for level in counts[1:]]),
    )


def _numpy_levels(ids: Ids, vocabulary_size: int, order: int) -> Iterator[_Level]:
    """Yield the level of 0, 1, ... ``order`` ids of context of the text ``ids`` (n,), without compiled loops."""
    text = np.asarray(ids, np.int64)
    numbers = np.zeros(len(text) + 1, np.int64)  # of the k ids that end at each of the text, from the k-th on
    keys, counts, contexts = np.empty(0, np.int64), np.empty(0, np.int64), 1
    for k in range(order + 1):
        shorter, numbers_of_shorter, before_contexts = keys, numbers, contexts
        keys, counts, numbers, places = _number(numbers[:-1] * vocabulary_size + text[k:])
        if k > 0:
            # Each n-gram is an id before its own ending; the text's first one has the beginning before it.
            before = np.bincount(numbers_of_shorter[1:][places], minlength=len(shorter))
            before[numbers_of_shorter[:1]] += 1
            yield _level(shorter, before_contexts, vocabulary_size, before)
            contexts = len(shorter)
    yield _level(keys, contexts, vocabulary_size, counts)


def _level(keys: Numbers, contexts: int, vocabulary_size: int, counts: Numbers) -> _Level:
    context, ids = np.divmod(keys, vocabulary_size)
    children = np.bincount(context, minlength=contexts)
    return np.concatenate([[0], np.cumsum(children)]), ids.astype(np.int32), counts


def _number(keys: Numbers) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return the distinct of ``keys`` (n,) in order (G,), how often each occurs (G,), the index of each of ``keys``
    among them (n,), and one place where each occurs (G,)."""
    order = np.argsort(keys)
    in_order = keys[order]
    new = np.ones(len(keys), np.bool_)
    np.not_equal(in_order[1:], in_order[:-1], out=new[1:])
    firsts = np.flatnonzero(new)
    numbers = np.empty(len(keys), np.int64)
    numbers[order] = np.cumsum(new) - 1
    return in_order[firsts], np.diff(firsts, append=len(keys)), numbers, order[firsts]


def tally(counts: Numbers | Int32s) -> Numbers:
    """Return how many of ``counts`` (G,), all above 0, are 1, 2, 3, 4, and more: (5,)."""
    return np.bincount(np.minimum(counts, 5), minlength=6)[1:]


def estimate_discounts(tally: Numbers) -> tuple[float, float, float]:
    """Return the discounts of counts of 1, of 2, and of 3 or more; each is above 0 and at most the count.

    With n_i the number of counts that are i, as in a `tally` (5,), and Y = n_1 / (n_1 + 2 n_2),

        D(i) = i - (i + 1) Y n_{i+1} / n_i

    Source: Chen and Goodman (1999), equation 17, after Ney, Essen and Kneser (1994).
    """
    n1, n2, n3, n4 = tally[:4].tolist()
    if not (n1 and n2 and n3):
        return FALLBACK
    y = n1 / (n1 + 2 * n2)
    estimated = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    return estimated if min(estimated) > 0 else FALLBACK
