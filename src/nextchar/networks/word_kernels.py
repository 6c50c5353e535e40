"""The loops of predicting from counts of words, and of counting them, in numba (`nextchar.networks.word_counts`)."""

# The decorator is untyped, as numba's are.
# pyright: reportUntypedFunctionDecorator=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from nextchar.networks.compilation import compiled
from nextchar.networks.growing_kernels import NONE, USED, Growing, add_children, add_node, count_node, find_node
from nextchar.networks.kernels import LOOP, Array
from nextchar.networks.ngram_kernels import fill_log, find_child
from nextchar.networks.word_counts import BELONGS, MAX_LENGTH

FIRST, SECOND, LENGTH, SECOND_LENGTH = range(4)
"""Indices of the places of a text: the nodes of the beginning of the word, and of that after the word before, or
`NONE`; the ids of the beginning, and of that after the word before, which only counting needs."""
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


class Words(NamedTuple):
    """What `nextchar.networks.word_counts.WordCounts` knows, as flat arrays."""

    firsts: Array
    """As in `nextchar.networks.ngram_kernels.Tables`, like the next three."""
    ids: Array
    shares: Array
    rests: Array
    kinds: Array
    """The kind of each id: (V,), or (0,) where no words were counted."""
    separator: int
    """The id that stands for all between words."""


@compiled(**LOOP, forceinline=True)
def read_word(words: Words, places: Array, token: int) -> None:
    """Change the ``places`` (3,) of a text to those after ``token``."""
    first = places[FIRST]
    if words.kinds[token] == BELONGS:
        places[FIRST] = find_child(words.firsts, words.ids, first, token)
        places[SECOND] = find_child(words.firsts, words.ids, places[SECOND], token)
        places[LENGTH] += 1
    elif places[LENGTH] > 0:
        places[SECOND] = find_child(words.firsts, words.ids, first, words.separator)
        places[FIRST], places[LENGTH] = 0, 0


@compiled(**LOOP, forceinline=True)
def fill_words(words: Words, places: Array, p: Array, out: Array) -> int:
    """Fill ``out`` (V,), float32, with the probability of each id, given that from n-grams, ``p`` (V,); return what was
    known, below `nextchar.networks.word_counts.SITUATIONS`."""
    out[:] = _ZERO
    left, situation = _ONE, 0
    for k in range(SECOND, -1, -1):
        context = places[k]
        if context < 0 or context >= len(words.firsts) - 1:
            continue
        first, end = words.firsts[context], words.firsts[context + 1]
        if first == end:
            continue
        situation = max(situation, k + 1)
        for child in range(first, end):
            out[words.ids[child]] += left * words.shares[child]
        left *= words.rests[context]
    for token in range(len(out)):
        out[token] += left * p[token]
    return situation


@compiled(**LOOP)
def read_words(  # noqa: PLR0917 (numba takes no keywords)
    words: Words, ids: Array, places: Array, log_p: Array, out: Array, situations: Array
) -> None:
    """Read ``ids`` (T,) on from ``places`` (3,), which change; fill ``out`` (T, V) with ln p of the next id after each,
    given that from n-grams, ``log_p`` (T, V), and ``situations`` (T,) with what was known."""
    p = np.empty(log_p.shape[1], np.float32)
    for step in range(len(ids)):
        read_word(words, places, ids[step])
        for token in range(len(p)):
            p[token] = math.exp(log_p[step, token])
        situations[step] = fill_words(words, places, p, out[step])
        fill_log(out[step])


@compiled(**LOOP)
def fill_grown_words(tree: Growing, p: Array, out: Array) -> int:
    """Fill ``out`` (V,) like `fill_words`, from counts that grow."""
    out[:] = _ZERO
    rest, situation = 1.0, 0
    for k in range(SECOND, -1, -1):
        context = tree.contexts[k]
        if context >= 0 and tree.totals[context] > 0:
            situation = max(situation, k + 1)
            rest = add_children(tree, 0, context, rest, out)
    left = np.float32(rest)
    for token in range(len(out)):
        out[token] += left * p[token]
    return situation


@compiled(**LOOP, forceinline=True)
def find_and_count(tree: Growing, context: int, token: int, counting: bool) -> int:
    """Return the number of the node of ``context`` and the id ``token``, or `NONE`; if ``counting``, count it, too."""
    if context < 0:
        return NONE
    child = find_node(tree, context, token)
    if counting:
        if child < 0:
            child = add_node(tree, context, token)
        if child >= 0:
            count_node(tree, 0, context, child)
    return child


@compiled(**LOOP, forceinline=True)
def read_and_count_word(tree: Growing, kinds: Array, separator: int, token: int, counting: bool) -> None:
    """Read the id ``token`` after the places that are the contexts of ``tree`` (4,), and count it if ``counting``."""
    places = tree.contexts
    length = places[LENGTH]
    first = places[FIRST] if length < MAX_LENGTH else NONE
    second = places[SECOND] if places[SECOND_LENGTH] < MAX_LENGTH else NONE
    after_first = find_and_count(tree, first, token, counting)
    after_second = find_and_count(tree, second, token, counting)
    if kinds[token] == BELONGS:
        places[FIRST], places[SECOND] = after_first, after_second
        places[LENGTH] += 1
        places[SECOND_LENGTH] += 1
    elif length > 0:
        between = find_node(tree, first, separator) if first >= 0 else NONE
        if between < 0 and first >= 0 and counting:
            between = add_node(tree, first, separator)
        places[FIRST], places[SECOND], places[LENGTH], places[SECOND_LENGTH] = 0, between, 0, length + 1


@compiled(**LOOP)
def count_words(tree: Growing, kinds: Array, separator: int, ids: Array) -> None:
    """Count ``ids`` (n,); arguments as for `read_and_count_word`."""
    for place in range(len(ids)):
        read_and_count_word(tree, kinds, separator, ids[place], True)


@compiled(**LOOP)
def find_parents(tree: Growing, parents: Array) -> None:
    """Fill ``parents`` (N,) with the context of each node of a ``tree`` that had none before it grew but node 0."""
    for context in range(tree.numbers[USED]):
        child = tree.latest[context]
        while child > 0:
            parents[child] = context
            child = tree.siblings[child - 1]
