"""Tokens that are words, with a space before them where there is one; rare words are spelled by their characters.

A text is cut into words, signs and spaces, which joined are the text. The most frequent of these are tokens, and so is
every character. So nothing is unknown but rare characters, and the score of a text is one for all of its characters.
(Pieces of words, from byte-pair encoding, need fewer tokens and more bits: docs/tokens.md.)
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from nextchar.settings import TokenKind
from nextchar.text.held_out import Piece
from nextchar.text.symbol_tokenizer import SymbolTokenizer
from nextchar.text.vocabulary import Vocabulary

FIRST_SYMBOL, LAST_SYMBOL = 0xF0000, 0xFFFFD
"""Symbols of the tokens of several characters: one of Unicode's private areas."""
_NO_CHARACTER = "\uffff"
"""In place of a character that is in that area: a noncharacter, which has no id."""
_TAKEN = re.compile(f"[{_NO_CHARACTER}{chr(FIRST_SYMBOL)}-{chr(LAST_SYMBOL)}]")
MAX_HELD = 1 << 16
"""Most characters that are held back until a word ends."""
APOSTROPHES = "'’"
"""Signs that a word may have inside."""
_SPACE = " \t\u00a0\u3000"
MAX_WORD = 64
"""Characters of the longest word; longer ones are cut."""
CHARACTERS_PER_WORD = 300
"""Characters of a text for each word that is a token, by default: so each is there some five times or more."""
MIN_WORDS, MAX_WORDS = 200, 30_000
"""Fewest and most words by default."""


def words_of(text: str) -> list[str]:
    """Return the words, signs and spaces that ``text`` consists of.

    Words are of letters, digits, marks and underscores, perhaps with an apostrophe inside.

    >>> words_of("It goes, so it goes.\\n")
    ['It', ' goes', ',', ' so', ' it', ' goes', '.', '\\n']
    """
    # Only the marks that occur: a class with all of them takes three times as long.
    marks = "" if text.isascii() else "".join(sorted(c for c in set(text) if unicodedata.category(c).startswith("M")))
    return _word_pattern(marks).findall(text)


@lru_cache
def _word_pattern(marks: str) -> re.Pattern[str]:
    r"""Return the pattern of a word, a run of signs, a line end or a run of spaces; \w lacks ``marks``."""
    letter = rf"\w{marks}"
    return re.compile(
        f" ?[{letter}]{{1,{MAX_WORD}}}(?:[{APOSTROPHES}][{letter}]{{1,{MAX_WORD}}})?"
        f"| ?[^{letter}{_SPACE}\n]{{1,{MAX_WORD}}}"
        f"|\n|[{_SPACE}]{{1,{MAX_WORD}}}(?![^{_SPACE}\n])|[{_SPACE}]"
    )


def pieces_of_words(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield ``pieces`` of texts cut elsewhere: not within what is a word, unless it is very long."""
    held: Piece | None = None
    for piece in pieces:
        if held is not None and (held.text, held.held_out) != (piece.text, piece.held_out):
            yield held
            held = None
        content = piece.content if held is None else held.content + piece.content
        cut = _safe_cut(content)
        if cut:
            yield replace(piece, content=content[:cut])
        held = replace(piece, content=content[cut:]) if content[cut:] else None
    if held is not None:
        yield held


def whole_words(pieces: Iterable[str]) -> Iterator[str]:
    """Yield ``pieces`` of one text cut elsewhere: not within what is a word, unless it is very long."""
    held = ""
    for piece in pieces:
        text = held + piece
        cut = _safe_cut(text)
        held = text[cut:]
        yield text[:cut]
    yield held


def _safe_cut(text: str) -> int:
    """Return the last place at which ``text`` may be cut, since a word begins there whatever follows; 0 if none."""
    place = text.rfind("\n") + 1
    for match in re.finditer(r"(?<=\w) (?=\w)", text[-1000:]):
        place = max(place, len(text) - len(text[-1000:]) + match.start())
    return place or (len(text) if len(text) > MAX_HELD else 0)


class WordTokenizer(SymbolTokenizer):
    """Words and characters: a `nextchar.text.tokenizer.Tokenizer`.

    >>> tokens = WordTokenizer(Vocabulary(" ehtx"), ["the", " the"])
    >>> tokens.split("the the hex")
    ['the', ' the', ' ', 'h', 'e', 'x']
    """

    kind: ClassVar[TokenKind] = "words"

    def __init__(self, characters: Vocabulary, words: Sequence[str]) -> None:
        """Prepare the tokens.

        Args:
            characters: the single characters, with the unknown symbol for others; those in the area of the symbols are
                unknown.
            words: of two known characters or more, distinct.

        Raises:
            ValueError: there are too many words, or some that are not such.
        """
        self.words = tuple(words)
        """The tokens of several characters."""
        if len(self.words) > LAST_SYMBOL - FIRST_SYMBOL + 1:
            raise ValueError("there are too many words")
        alone = _TAKEN.sub("", characters.characters)
        known = {*alone}
        if len({*self.words}) < len(self.words) or not all(len(w) > 1 and known.issuperset(w) for w in self.words):
            raise ValueError("its words do not fit its characters")
        symbols = "".join(map(chr, range(FIRST_SYMBOL, FIRST_SYMBOL + len(self.words))))
        super().__init__(Vocabulary("".join(sorted(alone + symbols)), characters.has_unknown))
        self.alone = Vocabulary(alone, characters.has_unknown)
        """The characters."""
        self._symbols = dict(zip(self.words, symbols, strict=True))
        self._texts = dict(zip(map(ord, symbols), self.words, strict=True))
        self._by_beginning: dict[int, Mapping[str, Sequence[int]]] = {}

    @classmethod
    def of_text(cls, pieces: Iterable[str], characters: Vocabulary, size: int | None = None) -> Self:
        """Return the tokens for the text in ``pieces``, cut between words.

        Args:
            pieces: of the text.
            characters: those that have an id of their own.
            size: most tokens, characters included; chosen by the length of the text if None.
        """
        counted, length = Counter[str](), 0
        for piece in pieces:
            counted.update(words_of(piece))
            length += len(piece)
        alone = Vocabulary(_TAKEN.sub("", characters.characters), characters.has_unknown)
        most = default_words(length) if size is None else max(0, size - alone.size)
        often = ((-count, word) for word, count in counted.items() if count > 1 and len(word) > 1)
        known = (word for _, word in sorted(often) if alone.knows(word))
        return cls(alone, [*islice(known, most)])

    @property
    def known_count(self) -> int:
        """Number of the characters that can be spelled."""
        return len(self.alone.characters)

    def header(self) -> dict[str, Any]:
        """Return what a file says of the tokens."""
        return {**self.alone.header(), "kind": self.kind, "words": [*self.words]}

    @property
    def characters(self) -> str:
        """The characters that tokens consist of, distinct, in code-point order."""
        return self.alone.characters

    @property
    def word_symbols(self) -> None:
        """Nothing: tokens are words."""
        return

    def knows(self, text: str) -> bool:
        """Return whether the model knows every character of ``text``."""
        return self.alone.knows(text)

    def spell(self, text: str) -> str:
        """Return the symbols of ``text``."""
        symbols = self._symbols
        return "".join(symbols.get(word, word) for word in words_of(_TAKEN.sub(_NO_CHARACTER, text)))

    def join(self, symbols: str) -> str:
        """Return the text that ``symbols`` spell."""
        return symbols.translate(self._texts)

    def unfinished(self, symbols: str) -> int:  # noqa: ARG002
        """Return 0: what a symbol stands for does not depend on the next one."""
        return 0

    def begun(self, text: str) -> int:
        """Return the length of the last word of ``text``, which more letters may follow, with an apostrophe after it; 0
        after a line end."""
        line = text[text.rfind("\n", 0, -1) + 1 :]  # words are cut from its beginning on
        before, last = ["\n", "\n", *words_of(line)][-2:]
        goes_on = last in set(APOSTROPHES) and before[-1] not in _SPACE + "\n" and not set(before) & set(APOSTROPHES)
        return 0 if last == "\n" else len(last) + goes_on * len(before)

    def token_lengths(self, ids: NDArray[np.integer]) -> NDArray[np.intp]:
        """Return the number of characters of each of ``ids``: shape (T,)."""
        return self._lengths[np.asarray(ids, np.intp)]

    @cached_property
    def _lengths(self) -> NDArray[np.intp]:
        return np.array([len(text) for text in self.texts], np.intp)

    @cached_property
    def texts(self) -> list[str]:
        """The text of each id, (V,)."""
        return self.token_texts(range(self.size))

    @cached_property
    def longest(self) -> int:
        """Characters of the longest token."""
        return int(self._lengths.max())

    def ids_by_beginning(self, length: int) -> Mapping[str, Sequence[int]]:
        """Return the ids of the tokens of ``length`` characters or more that may be drawn, by these characters."""
        if length not in self._by_beginning:
            found: dict[str, list[int]] = {}
            for id_, text in enumerate(self.texts):
                if len(text) >= length and id_ not in self.never_drawn:
                    found.setdefault(text[:length], []).append(id_)
            self._by_beginning[length] = found
        return self._by_beginning[length]


def default_words(length: int) -> int:
    """Return the number of words that are tokens for a text of so many characters."""
    return max(MIN_WORDS, min(MAX_WORDS, length // CHARACTERS_PER_WORD))
