"""A guard against copying: no run of more than N characters of what is written stands in the training text.

The contexts of a text are its places, each with the ids before it. Sorted by those ids, the last one first, all
contexts that end in the same ids lie side by side and are found by bisection. So the guard looks up the last N ids read
or written, and forbids all ids that follow them in the text.

Sorting takes about a fifth of a second for a million ids, with no more than NumPy.

Source: prefix doubling, Manber and Myers, "Suffix arrays" (1990), here only as deep as needed.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nextchar.text.documents import SourceText

MIN_DEPTH = 32
"""Fewest ids by which contexts are sorted: deeper than most guards ask for, so that they share one order."""
_KEY_BITS = 63


class CopyIndex:
    """The contexts of a training text, in which guards look up what was written."""

    def __init__(self, source: SourceText) -> None:
        """Prepare the index; contexts are sorted when a guard needs them.

        Args:
            source: the training text.
        """
        vocabulary = source.vocabulary
        self.ids = np.asarray(source.ids)
        self.vocabulary_size = vocabulary.size
        self.unknown = vocabulary.never_drawn
        """Ids that stand for no character in particular: they are never copied."""
        texts = vocabulary.token_texts(range(vocabulary.size))
        self.is_letter = np.array([unicodedata.category(text)[0] in "LMN" for text in texts])
        """Whether each id is part of a word, a letter, a mark or a digit: (V,)."""
        self._order, self._depth = np.zeros(0, np.int32).data, 0

    def guard(self, longest: int, context: Sequence[int]) -> Guard:
        """Return a guard against runs of more than ``longest`` ids; ``context`` are the ids read so far, (T,)."""
        return Guard(self, longest, context)

    def order(self, depth: int) -> memoryview:
        """Return the contexts, sorted by their last ``depth`` ids or more: where each begins in `backwards`."""
        if depth > self._depth:
            deeper = max(MIN_DEPTH, 1 << (depth - 1).bit_length())  # a power of two, so that few orders are made
            # In this order, for another thread: it never sees a depth that the order does not have.
            self._order = _sorted_suffixes(self.ids[::-1], self.vocabulary_size, deeper).data
            self._depth = deeper
        return self._order

    @cached_property
    def width(self) -> int:
        """Bytes of an id in `backwards`."""
        return np.min_scalar_type(self.vocabulary_size - 1).itemsize

    @cached_property
    def backwards(self) -> bytes:
        """The ids from the last to the first, in bytes that sort as the ids do."""
        return self.as_bytes(self.ids[::-1])

    def as_bytes(self, ids: NDArray[np.integer] | Sequence[int]) -> bytes:
        """Return ``ids`` in bytes that sort as they do: big-endian."""
        return np.asarray(ids).astype(f">u{self.width}").tobytes()

    @cached_property
    def word_lengths(self) -> NDArray[np.uint16]:
        """For each id of the text, the ids from it to the end of its word; 0 outside words: (n,)."""
        size = len(self.ids)
        ends = np.where(self.is_letter[self.ids], size, np.arange(size))
        ends = np.minimum.accumulate(ends[::-1])[::-1]
        return np.minimum(ends - np.arange(size), np.iinfo(np.uint16).max).astype(np.uint16)


class Guard:
    """Follows one text as it is written, and says which ids must not come next."""

    def __init__(self, index: CopyIndex, longest: int, context: Sequence[int]) -> None:
        """Use `CopyIndex.guard`."""
        self._index, self._longest = index, longest
        self._order = index.order(longest)
        self._last = index.as_bytes(context[-longest:][::-1])
        """The last N ids, the last one first."""
        self._copied = len(self._last) // index.width
        """No more than so many of the last ids, and N, stand in the text."""

    def read(self, token: int) -> None:
        """Take note of the next id of the text."""
        width = self._index.width
        self._last = token.to_bytes(width, "big") + self._last[: (self._longest - 1) * width]
        self._copied = min(self._copied + 1, self._longest)

    def forbidden(self) -> Sequence[int]:
        """Return the ids that must not come next.

        These are those that would make a run too long. Where a word begins, they are also those with which all words
        of the text that continue the run would: so a run ends between words where it can. If no other id were left,
        only the first are returned.
        """
        if self._copied > self._longest // 2:
            self._copied = self._look_up()
        if self._copied <= self._longest // 2:  # most ids need no more than this
            return ()
        strict = self._too_long()
        early = strict | self._too_long_with_word()
        known = self._index.vocabulary_size - len(self._index.unknown)
        return sorted(early if len(early) < known else strict)

    def _too_long(self) -> set[int]:
        """Return the ids that follow the last N ids in the text."""
        if self._copied < self._longest:
            return set()
        return set(self._following(self._longest)[0].tolist()).difference(self._index.unknown)

    def _too_long_with_word(self) -> set[int]:
        """Return the ids whose words in the text all end too late. Only runs of more than N / 2 are looked at, so that
        a text without spaces is not all one long word."""
        if self._index.is_letter[int.from_bytes(self._last[: self._index.width], "big")]:
            return set()
        seen, found = set[int](), set[int]()
        for length in range(self._copied, self._longest // 2, -1):
            ids, words = self._following(length)
            too_late = words > self._longest - length
            found |= set(ids[too_late].tolist()) - set(ids[~too_late].tolist()) - seen
            seen |= set(ids.tolist())
        return found.difference(self._index.unknown)

    def _look_up(self) -> int:
        """Return how many of the last ids, at most N, stand in the text."""
        place = self._bisect(bisect_left, self._last)
        near = (self._content(number, self._last) for number in (place - 1, place))
        return max(_common_length(content, self._last) for content in near) // self._index.width

    def _following(self, length: int) -> tuple[NDArray[np.integer], NDArray[np.uint16]]:
        """Return what follows the last ``length`` ids in the text: ids (M,), and the lengths of their words (M,)."""
        wanted = self._last[: length * self._index.width]
        first = self._bisect(bisect_left, wanted)
        stop = self._bisect(bisect_right, wanted, first)
        places = len(self._index.ids) - np.asarray(self._order[first:stop], np.intp)  # (M,)
        return self._index.ids[places], self._index.word_lengths[places]

    def _bisect(self, bisect: Callable[..., int], wanted: bytes, first: int = 0) -> int:
        """Return where ``wanted`` belongs among the contexts."""
        backwards, width, size = self._index.backwards, self._index.width, len(wanted)

        def content(begin: int) -> bytes:
            return backwards[begin * width : begin * width + size]

        return bisect(self._order, wanted, first, key=content)

    def _content(self, number: int, wanted: bytes) -> bytes:
        """Return the context of that number, as long as ``wanted`` or shorter; b"" where there is none."""
        if not 0 <= number < len(self._order):
            return b""
        begin = self._order[number] * self._index.width
        return self._index.backwards[begin : begin + len(wanted)]


def _common_length(first: bytes, second: bytes) -> int:
    """Return how many bytes are the same at the beginning of both."""
    size = min(len(first), len(second))
    return next((place for place in range(size) if first[place] != second[place]), size)


def _sorted_suffixes(ids: NDArray[np.integer], vocabulary_size: int, depth: int) -> NDArray[np.int32]:
    """Return where the suffixes of ``ids`` (n,) begin, but for the whole: sorted by their first ``depth`` ids or more,
    shape (n - 1,). A shorter one comes first."""
    size, bits = len(ids), vocabulary_size.bit_length()
    sorted_by = max(1, _KEY_BITS // bits)
    keys = np.zeros(size, np.int64)
    for offset in range(sorted_by):
        keys <<= bits
        keys[: max(0, size - offset)] |= ids[offset:].astype(np.int64) + 1  # 0 is the end
    while True:
        order = np.argsort(keys)
        if sorted_by >= min(depth, size):
            return order[order > 0].astype(np.int32)
        ordered = keys[order]
        ranks = np.empty(size, np.int64)
        ranks[order] = np.concatenate([[1], 1 + np.cumsum(ordered[1:] != ordered[:-1])])
        keys = ranks * (size + 1)
        keys[:-sorted_by] += ranks[sorted_by:]
        sorted_by *= 2
