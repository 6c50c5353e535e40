"""A guard against copying: no run of more than N characters of what is written stands in the training text.

Here ids are those of characters; `nextchar.model.token_guards` has the guards of models with other tokens.

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
from copy import copy
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nextchar.text.documents import SourceText
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import CODE_POINTS, Vocabulary, code_points

MIN_DEPTH = 32
"""Fewest ids by which contexts are sorted: deeper than most guards ask for, so that they share one order."""
_KEY_BITS = 63
_NO_CHARACTER = "\uffff"
"""In place of what is unknown in a text, and after its end: a noncharacter, which no jamo or words spell."""


class CopyIndex:
    """The contexts of a training text, in which guards look up what was written."""

    def __init__(self, source: SourceText) -> None:
        """Prepare the index; contexts are sorted when a guard needs them.

        Args:
            source: the training text.
        """
        vocabulary = source.vocabulary
        if isinstance(vocabulary, Vocabulary):
            self.ids, self.unknown = np.asarray(source.ids), vocabulary.never_drawn
            self.characters = "".join(vocabulary.token_texts(range(vocabulary.size)))
            self._ids_by_code_point: NDArray[np.integer] = vocabulary.ids_by_code_point
        else:
            self.ids, self._ids_by_code_point, self.characters = _in_characters(source.ids, vocabulary)
            self.unknown = (0, len(self.characters) - 1)
        self.vocabulary_size, self._code_points = len(self.characters), code_points(self.characters)
        self.is_letter = np.array([unicodedata.category(character)[0] in "LMN" for character in self.characters])
        """Whether each id is part of a word, a letter, a mark or a digit: (V,)."""
        self.forbidden_words: dict[int, tuple[int, ...]] = {}
        """For each N asked for, the tokens of several characters that alone are a longer run (`token_guards`)."""
        self._order, self._depth = np.zeros(0, np.int32).data, 0

    def guard(self, longest: int, context: Sequence[int]) -> Guard:
        """Return a guard against runs of more than ``longest`` ids; ``context`` are the ids read so far, (T,)."""
        return Guard(self, longest, context)

    def encode(self, text: str) -> list[int]:
        """Return the ids of the characters of ``text``."""
        return self._ids_by_code_point[code_points(text)].tolist()

    def has(self, text: str) -> bool:
        """Return whether ``text`` stands in the training text, from which what is unknown is gone."""
        ids = self.encode(text)
        wanted = self.as_bytes(ids[::-1])
        order = self.order(len(ids))
        place = self.bisect(bisect_left, order, wanted)
        return not set(ids).intersection(self.unknown) and self.context(order, place, len(wanted)) == wanted

    def strings(self, places: NDArray[np.intp], length: int) -> set[str]:
        """Return what stands at ``places`` (M,) of the text, ``length`` characters each."""
        ids = self.ids[np.minimum(places[:, None] + np.arange(length), len(self.ids) - 1)]  # (M, length)
        text = self._code_points[ids].tobytes().decode("utf-32-le", "surrogatepass")
        return {text[first : first + length] for first in range(0, len(text), length)}

    def bisect(self, bisect: Callable[..., int], order: memoryview, wanted: bytes, first: int = 0) -> int:
        """Return where ``wanted``, ids from the last to the first, belongs among the contexts in ``order``."""
        backwards, width, size = self.backwards, self.width, len(wanted)

        def content(begin: int) -> bytes:
            return backwards[begin * width : begin * width + size]

        return bisect(order, wanted, first, key=content)

    def context(self, order: memoryview, number: int, size: int) -> bytes:
        """Return ``size`` bytes of the context of that number, or fewer; b"" where there is none."""
        if not 0 <= number < len(order):
            return b""
        begin = order[number] * self.width
        return self.backwards[begin : begin + size]

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

    always: Sequence[int] = ()
    """Ids that must never come, beside those that are forbidden at a place."""

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
        self._copied = 0 if token in self._index.unknown else min(self._copied + 1, self._longest)

    def forbidden(self) -> Sequence[int]:
        """Return the ids that must not come next.

        These are those that would make a run too long. Where a word begins, they are also those with which all words
        of the text that continue the run would: so a run ends between words where it can. If no other id were left,
        only the first are returned.
        """
        if self.copied(self._longest // 2 + 1) <= self._longest // 2:  # most ids need no more than this
            return ()
        strict = self.too_long()
        early = strict | self._too_long_with_word()
        known = self._index.vocabulary_size - len(self._index.unknown)
        return sorted(early if len(early) < known else strict)

    def too_long(self) -> set[int]:
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

    def after(self, text: str) -> Guard:
        """Return the guard after the characters of ``text`` come next; this one stays as it is."""
        guard = copy(self)
        for token in self._index.encode(text):
            guard.read(token)
        return guard

    def copied(self, least: int) -> int:
        """Return how many of the last ids, at most N, stand in the text; less than ``least`` if they are fewer."""
        if self._copied >= least:
            place = self._index.bisect(bisect_left, self._order, self._last)
            near = (self._index.context(self._order, number, len(self._last)) for number in (place - 1, place))
            self._copied = max(_common_length(content, self._last) for content in near) // self._index.width
        return self._copied

    def places(self, length: int) -> NDArray[np.intp]:
        """Return where the last ``length`` ids end in the text: the index of what follows them, (M,)."""
        wanted = self._last[: length * self._index.width]
        first = self._index.bisect(bisect_left, self._order, wanted)
        stop = self._index.bisect(bisect_right, self._order, wanted, first)
        return len(self._index.ids) - np.asarray(self._order[first:stop], np.intp)

    def _following(self, length: int) -> tuple[NDArray[np.integer], NDArray[np.uint16]]:
        """Return what follows the last ``length`` ids in the text: ids (M,), and the lengths of their words (M,)."""
        places = self.places(length)
        return self._index.ids[places], self._index.word_lengths[places]


def _in_characters(ids: NDArray[np.integer], tokens: Tokenizer) -> tuple[NDArray[np.uint32], NDArray[np.uint32], str]:
    """Return the text of ``ids`` (n,) with an id for each of its characters, also for bytes that are no text: these,
    with 0 after them, the id of each code point, and the character of each id.

    Id 0 is what is unknown, the last id all that does not stand in the text.
    """
    points = code_points(tokens.decode(ids, _NO_CHARACTER))
    is_known = np.zeros(CODE_POINTS, np.bool_)
    is_known[points] = True
    if tokens.never_drawn:
        is_known[ord(_NO_CHARACTER)] = False
    known = np.flatnonzero(is_known)
    by_code_point = np.where(is_known, np.cumsum(is_known), len(known) + 1).astype(np.uint32)
    in_text = np.append(by_code_point[points], 0)
    in_text[in_text == len(known) + 1] = 0
    return in_text.astype(np.uint32), by_code_point, "".join([_NO_CHARACTER, *map(chr, known.tolist()), _NO_CHARACTER])


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
