"""What came after the beginnings of words, in a text: counts in the flat arrays of `NgramCounts`.

Two contexts predict an id: the beginning of the word that it may continue ("wor"), and the word before that with it
("these wor"). Whatever stands between two words counts as the same: one id, the separator, stands for all that separate
words. The contexts form a tree like that of n-grams, but its branches begin only where a word may begin. A count is the
number of times that an id came after a context. The separator may count 0, where other ids came after a word.

With p(c) the probability from n-grams, A the beginning of the word, and B the same after the word before,

    p_A(c) = (n(A c) - D) / n(A) + r(A) p(c)
    p_B(c) = (n(B c) - D) / n(B) + r(B) p_A(c)

where r is what the discounts D leave, and where nothing came after a context it is left out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.ngram_counts import NgramCounts, Numbers

SEPARATES, BELONGS, SEPARATOR = range(3)
"""Kinds of ids: those between words, those that words are made of, and the one that stands for all between words."""
KINDS = "kinds"
"""Name of their array in a file."""
MAX_LENGTH = 24
"""Most ids of a context and the id after it."""
DISCOUNT = 0.4
"""What comes off every count; from 0.3 to 0.6 it makes no difference."""
SITUATIONS = 3
"""What may be known: neither context, the beginning of the word, or that after the word before."""

Kinds = NDArray[np.uint8]


def kinds_of(texts: Sequence[str] | None) -> Kinds | None:
    """Return the kind of each id, shape (V,), given the text of each; None if there are no words, or no texts.

    Words are made of letters, digits, the marks on them, underscores and apostrophes.
    """
    if texts is None:
        return None
    kinds = np.array([BELONGS if text and all(map(_is_of_word, text)) else SEPARATES for text in texts], np.uint8)
    between = np.flatnonzero(kinds == SEPARATES).tolist()
    if len(between) == 0 or len(between) == len(kinds):
        return None
    kinds[next((number for number in between if texts[number] == " "), between[0])] = SEPARATOR
    return kinds


def separator_of(kinds: Kinds) -> int:
    """Return the id that stands for all between words."""
    return int(np.flatnonzero(kinds == SEPARATOR)[0])


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character in "_'’" or unicodedata.category(character).startswith("M")


@dataclass(frozen=True, eq=False)
class WordCounts:
    """The counts of a text, whole or pruned."""

    tree: NgramCounts
    """The contexts, and what came after them."""
    kinds: Kinds
    """The kind of each id: (V,)."""

    def __len__(self) -> int:
        """Return the number of counts."""
        return len(self.tree.ids) - 1

    @cached_property
    def separator(self) -> int:
        """The id that stands for all between words."""
        return separator_of(self.kinds)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of a model file."""
        return {**self.tree.to_arrays(), KINDS: self.kinds}

    @classmethod
    def from_arrays(cls, vocabulary_size: int, arrays: Mapping[str, NDArray[Any]]) -> WordCounts:
        """Return what `to_arrays` stored.

        Raises:
            ValueError: the arrays do not fit each other; the message completes "the file is damaged: ...".
        """
        rest, kinds, order = dict(arrays), arrays.get(KINDS), len(arrays.get("discounts", ())) - 1
        rest.pop(KINDS, None)
        if kinds is None or kinds.dtype != np.uint8 or kinds.shape != (vocabulary_size,) or order != MAX_LENGTH - 1:
            raise ValueError("its tensors do not fit its architecture")
        if kinds.max() > SEPARATOR or np.count_nonzero(kinds == SEPARATOR) != 1:
            raise ValueError("its kinds of ids do not fit each other")
        return cls(NgramCounts.from_arrays(vocabulary_size, order, rest, min_count=0), np.array(kinds))


def tree_of(parents: Numbers, ids: Numbers, counts: Numbers, vocabulary_size: int) -> NgramCounts:
    """Return the tree of nodes in any order in which the context of each comes before it.

    Args:
        parents: number of the context of each node: (N,), that of node 0 means nothing.
        ids: its last id: (N,).
        counts: its count: (N,).
        vocabulary_size: V.
    """
    lengths = np.zeros(len(ids), np.int64)
    for length in range(1, MAX_LENGTH + 1):
        lengths[1:][lengths[parents[1:]] == length - 1] = length
    ranks, order = np.zeros(len(ids), np.int64), [np.zeros(1, np.int64)]
    end = 1
    for length in range(1, MAX_LENGTH + 1):
        level = np.flatnonzero(lengths == length)
        level = level[level > 0]
        level = level[np.argsort(ranks[parents[level]] * vocabulary_size + ids[level])]
        ranks[level] = np.arange(end, end + len(level))
        order.append(level)
        end += len(level)
    nodes = np.concatenate(order)
    contexts = int(np.count_nonzero(lengths[nodes] < MAX_LENGTH))
    children = np.bincount(ranks[parents[nodes[1:]]], minlength=contexts)
    return NgramCounts(
        vocabulary_size=vocabulary_size,
        order=MAX_LENGTH - 1,
        firsts=np.cumsum(np.concatenate([[1], children]), dtype=np.int32),
        ids=ids[nodes].astype(np.int32),
        counts=counts[nodes].astype(np.int32),
        lost=np.zeros(contexts, np.int32),
        discounts=np.full((MAX_LENGTH, 3), DISCOUNT, np.float32),
    )
