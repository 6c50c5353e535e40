"""The loops of counting n-grams and of weighing them, in numba."""

# The decorator is untyped, as numba's are.
# pyright: reportUntypedFunctionDecorator=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nextchar.networks.compilation import compiled
from nextchar.networks.kernels import Array
from nextchar.networks.ngram_kernels import find_child

_EXACT: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


@compiled(**_EXACT)
def find_places(text: Array, first: int, end: int, places: Array) -> None:
    """Fill ``places`` with those of ``text`` (n,) where an id from ``first`` on and below ``end`` is, in order."""
    found = 0
    for place in range(len(text)):
        if first <= text[place] < end:
            places[found] = place
            found += 1


@compiled(**_EXACT)
def sort_places(text: Array, places: Array, room: Array, length: int, vocabulary_size: int) -> None:
    """Sort ``places`` (m,) of ``text`` (n,), given in order, by the ``length`` ids that begin at each.

    The end of the text comes before every id. ``room`` (m,) is overwritten. A radix sort, from the last id to the
    first.
    """
    n, depths = len(text), np.zeros((length, vocabulary_size + 2), np.int32)
    for place in places:
        for depth in range(length):
            at = place + depth
            depths[depth, text[at] + 2 if at < n else 1] += 1
    source, target = places, room
    for depth in range(length - 1, -1, -1):
        ends = depths[depth]
        for token in range(1, len(ends)):
            ends[token] += ends[token - 1]
        for place in source:
            at = place + depth
            token = text[at] + 1 if at < n else 0
            target[ends[token]] = place
            ends[token] += 1
        source, target = target, source
    if length % 2:
        places[:] = room


@compiled(**_EXACT)
def compare_places(text: Array, places: Array, length: int, shared: Array, ngrams: Array) -> None:
    """Compare each of the sorted ``places`` (m,) with the one before it.

    Args:
        text: the ids, shape (n,).
        places: as `sort_places` leaves them.
        length: most ids of an n-gram.
        shared: becomes how many ids both begin with, at most ``length``: (m,).
        ngrams: zeros, shape (length + 1,); becomes the number of different n-grams of 0, 1, ... ids, but for 0.
    """
    n = len(text)
    previous = n
    for i in range(len(places)):
        place = places[i]
        longest = min(length, n - place)
        most = min(longest, n - previous)
        same = 0
        while same < most and text[previous + same] == text[place + same]:
            same += 1
        shared[i] = same
        for k in range(same + 1, longest + 1):
            ngrams[k] += 1
        previous = place


@compiled(**_EXACT)
def number_ngrams(  # noqa: PLR0917 (numba takes no keywords)
    text: Array,
    places: Array,
    shared: Array,
    vocabulary_size: int,
    following: Array,
    firsts: Array,
    ids: Array,
    counts: Array,
) -> None:
    """Number and count the n-grams that begin at ``places``.

    Args:
        text: the ids, shape (n,).
        places: sorted: (m,).
        shared: as `compare_places` leaves it: (m,).
        vocabulary_size: V.
        following: the number of the next n-gram of 0, 1, ... ids; changes: (length + 1,).
        firsts: becomes the number of the first child of each context: (C + 1,).
        ids: becomes the last id of each n-gram: (N,).
        counts: zeros; becomes the number of times that each of the longest occurs, and of the others the number of
            different ids before it: (N,).
    """
    n, length = len(text), len(following) - 1
    seen = np.full(vocabulary_size + 1, -1, np.int32)  # the last place after each id, and after the beginning
    current, began = np.zeros(length + 1, np.int32), np.zeros(length + 1, np.int32)
    for i in range(len(places)):
        place = places[i]
        longest = min(length, n - place)
        for k in range(shared[i] + 1, longest + 1):
            ngram = following[k]
            following[k] += 1
            current[k], began[k], ids[ngram] = ngram, i, text[place + k - 1]
            if k < length:
                firsts[ngram] = following[k + 1]
        k = longest
        if k == length:
            counts[current[k]] += 1
            k -= 1
        before = text[place - 1] if place > 0 else vocabulary_size
        while k > 0 and began[k] > seen[before]:  # what begins later has more ids
            counts[current[k]] += 1
            k -= 1
        seen[before] = i


@compiled(**_EXACT)
def count_occurrences(firsts: Array, counts: Array, lost: Array, occurrences: Array) -> None:
    """Fill ``occurrences`` (N,), float64, with the number of times that each n-gram occurs, at least; the other
    arguments are those of `nextchar.networks.ngram_counts.NgramCounts`."""
    occurrences[:] = counts
    for context in range(len(lost) - 1, 0, -1):
        # Pruned n-grams occurred at least as often as their counts say, and this one at least as often as its own.
        of_children = float(lost[context])
        for child in range(firsts[context], firsts[context + 1]):
            of_children += occurrences[child]
        occurrences[context] = max(of_children, occurrences[context])


@compiled(**_EXACT)
def weigh_ngrams(  # noqa: PLR0917 (numba takes no keywords)
    firsts: Array,
    ids: Array,
    counts: Array,
    lost: Array,
    discounts: Array,
    starts: Array,
    vocabulary_size: int,
    worth: Array,
) -> None:
    """Change ``worth`` (N,), float64, from the occurrences of each n-gram to the nats that the text would lose without
    its entry; the other arguments are those of `nextchar.networks.ngram_counts.NgramCounts`."""
    contexts = len(lost)
    probabilities = np.ones(contexts)  # of the last id of each after the others
    endings = np.zeros(contexts, np.int32)  # the longest context with the same last ids and fewer of them
    rests, k = np.ones(contexts, np.float32), 0
    for context in range(contexts):
        while context >= starts[k + 1]:
            k += 1
        first, end = firsts[context], firsts[context + 1]
        total, left = float(lost[context]), float(lost[context])
        for child in range(first, end):
            total += counts[child]
            left += discounts[k, min(counts[child], 3) - 1]
        if total > 0:
            rests[context] = left / total
        rest, ending = np.float64(rests[context]), endings[context]
        other, others_end = firsts[ending], firsts[ending + 1]
        for child in range(first, end):
            token, found, shorter = ids[child], -1, 1.0 / vocabulary_size
            if k > 0:
                while other < others_end and ids[other] < token:
                    other += 1
                found = other if other < others_end and ids[other] == token else -1
                at, shorter = ending, 1.0
                while found < 0 and at > 0:  # it was pruned
                    shorter *= rests[at]
                    at = endings[at]
                    found = find_child(firsts, ids, at, token)
                shorter *= probabilities[found] if found >= 0 else rests[0] / vocabulary_size
            share = np.float64(np.float32((counts[child] - discounts[k, min(counts[child], 3) - 1]) / total))
            probability = share + rest * shorter
            if child < contexts:
                probabilities[child], endings[child] = probability, max(found, 0)
            worth[child] *= math.log(probability) - math.log((rest + share) * shorter)


@compiled(**_EXACT)
def keep_needed(firsts: Array, worth: Array) -> None:
    """Raise the ``worth`` (N,) of each n-gram to that of the longer ones that need it; that of node 0 is infinite."""
    for context in range(len(firsts) - 2, -1, -1):
        for child in range(firsts[context], firsts[context + 1]):
            worth[context] = max(worth[context], worth[child])
    worth[0] = np.inf
