"""Tokens that are words, with a space before them where there is one; rare words are spelled in pieces.

A text is cut into words, signs and spaces, which joined are the text. The tokens are the characters and the pieces that
byte-pair encoding finds in the words, the most frequent words whole. So nothing is unknown but rare characters, and the
score of a text is one for all of its characters.

Source: Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units" (2016).
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from itertools import chain, pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nextchar.errors import MissingDependencyError
from nextchar.text.held_out import Piece
from nextchar.text.symbol_tokenizer import SymbolTokenizer
from nextchar.text.vocabulary import Vocabulary

FIRST_SYMBOL, LAST_SYMBOL = 0xF0000, 0xFFFFD
"""Symbols of the tokens of several characters: one of Unicode's private areas."""
_NO_CHARACTER = "\uffff"
"""In place of a character that is in that area: a noncharacter, which is unknown."""
MAX_HELD = 1 << 16
"""Most characters that are held back until a word ends."""
APOSTROPHES = "'’"
"""Signs that a word may have inside."""
_SPACE = " \t\u00a0\u3000"
MAX_WORD = 64
"""Characters of the longest word; longer ones are cut."""
CACHED = 1 << 17
"""Words whose pieces are remembered."""

Merge = tuple[str, str]


@cache
def _word_pattern() -> re.Pattern[str]:
    r"""Return the pattern of a word, a run of signs, a line end or a run of spaces.

    Words are of letters, digits, marks (which \w lacks) and underscores, perhaps with an apostrophe inside.
    """
    marks = [point for point in range(sys.maxunicode + 1) if unicodedata.category(chr(point)).startswith("M")]
    ends = [first for first, second in pairwise([-2, *marks]) if second != first + 1][1:] + marks[-1:]
    starts = [second for first, second in pairwise([-2, *marks]) if second != first + 1]
    letter = r"\w" + "".join(f"{chr(a)}-{chr(b)}" for a, b in zip(starts, ends, strict=True))
    return re.compile(
        f" ?[{letter}]{{1,{MAX_WORD}}}(?:[{APOSTROPHES}][{letter}]{{1,{MAX_WORD}}})?"
        f"| ?[^{letter}{_SPACE}\n]{{1,{MAX_WORD}}}"
        f"|\n|[{_SPACE}]{{1,{MAX_WORD}}}(?![^{_SPACE}\n])|[{_SPACE}]"
    )


def words_of(text: str) -> list[str]:
    """Return the words, signs and spaces that ``text`` consists of.

    >>> words_of("It goes, so it goes.\\n")
    ['It', ' goes', ',', ' so', ' it', ' goes', '.', '\\n']
    """
    return _word_pattern().findall(text)


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


def _safe_cut(text: str) -> int:
    """Return the last place at which ``text`` may be cut, since a word begins there whatever follows; 0 if none."""
    place = text.rfind("\n") + 1
    for match in re.finditer(r"(?<=\w) (?=\w)", text[-1000:]):
        place = max(place, len(text) - len(text[-1000:]) + match.start())
    return place or (len(text) if len(text) > MAX_HELD else 0)


class WordTokenizer(SymbolTokenizer):
    """Words, pieces of words, and characters: a `nextchar.text.tokenizer.Tokenizer`."""

    kind = "words"

    def __init__(self, characters: Vocabulary, merges: Sequence[Merge]) -> None:
        """Prepare the tokens.

        Args:
            characters: the single characters, with the unknown symbol for others.
            merges: pairs of tokens that are joined to another one, those to be joined first first.

        Raises:
            ValueError: a pair is of something that is no token, or there are too many.
        """
        known = {*characters.characters}
        self.words = list(dict.fromkeys(first + second for first, second in merges))
        """The tokens of several characters."""
        if len(self.words) > LAST_SYMBOL - FIRST_SYMBOL + 1:
            raise ValueError("there are too many words")
        symbols = "".join(map(chr, range(FIRST_SYMBOL, FIRST_SYMBOL + len(self.words))))
        alone = "".join(c for c in characters.characters if not chr(FIRST_SYMBOL) <= c <= chr(LAST_SYMBOL))
        after = "".join(c for c in alone if c > chr(LAST_SYMBOL))
        super().__init__(Vocabulary(alone.removesuffix(after) + symbols + after, characters.has_unknown))
        self.alone = Vocabulary(alone, characters.has_unknown)
        self.merges = tuple(merges)
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self._symbols = dict(zip(self.words, symbols, strict=True))
        if not all(part in known or part in self._symbols for part in chain.from_iterable(self.merges)):
            raise ValueError("its words do not fit its characters")
        self._texts = dict(zip(map(ord, symbols), self.words, strict=True))
        self._spelled: dict[str, str] = {}

    @classmethod
    def of_text(cls, pieces: Iterable[str], characters: Vocabulary, size: int | None = None) -> Self:
        """Return the tokens for the text in ``pieces``, cut between words.

        Args:
            pieces: of the text.
            characters: those that have an id of their own.
            size: most tokens; chosen by the length of the text if None.

        Raises:
            MissingDependencyError: the package `tokenizers` is not installed.
        """
        counted = Counter[str]()
        for piece in pieces:
            counted.update(words_of(piece))
        length = sum(len(word) * count for word, count in counted.items())
        known = {word: count for word, count in counted.items() if len(word) > 1 and characters.knows(word)}
        size = size or default_size(length) + characters.size
        return cls(characters, _find_merges(known, size, characters.characters))

    def header(self) -> dict[str, Any]:
        """Return what a file says of the tokens."""
        return {**self.alone.header(), "kind": self.kind, "merges": [list(pair) for pair in self.merges]}

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
        return "".join(map(self._spell_word, words_of(text)))

    def join(self, symbols: str) -> str:
        """Return the text that ``symbols`` spell."""
        return symbols.translate(self._texts)

    def unfinished(self, symbols: str) -> int:  # noqa: ARG002
        """Return 0: what a symbol stands for does not depend on the next one."""
        return 0

    def begun(self, text: str) -> int:
        """Return the length of the last word of ``text``, which more letters may follow, with an apostrophe after it; 0
        after a line end."""
        before, last = ["\n", "\n", *words_of(text[-2 * MAX_WORD :])][-2:]
        goes_on = last in set(APOSTROPHES) and before[-1] not in _SPACE + "\n" and not set(before) & set(APOSTROPHES)
        return 0 if last == "\n" else len(last) + goes_on * len(before)

    def token_lengths(self, ids: NDArray[np.integer]) -> NDArray[np.intp]:
        """Return the number of characters of each of ``ids``: shape (T,)."""
        return self._lengths[np.asarray(ids, np.intp)]

    @cached_property
    def _lengths(self) -> NDArray[np.intp]:
        return np.array([len(text) for text in self.token_texts(range(self.size))], np.intp)

    def _spell_word(self, word: str) -> str:
        """Return the symbols of ``word``: its characters, joined by the merges, the first in their order first."""
        spelled = self._spelled.get(word)
        if spelled is not None:
            return spelled
        parts = [_NO_CHARACTER if chr(FIRST_SYMBOL) <= c <= chr(LAST_SYMBOL) else c for c in word]
        while len(parts) > 1:
            rank, place = min((self._ranks.get(pair, sys.maxsize), at) for at, pair in enumerate(pairwise(parts)))
            if rank == sys.maxsize:
                break
            pair, joined, at = self.merges[rank], "".join(self.merges[rank]), place
            while at < len(parts) - 1:
                if (parts[at], parts[at + 1]) == pair:
                    parts[at : at + 2] = [joined]
                at += 1
        spelled = "".join(self._symbols.get(part, part) for part in parts)
        if len(self._spelled) < CACHED:
            self._spelled[word] = spelled
        return spelled


def default_size(length: int) -> int:
    """Return the number of tokens of several characters for a text of so many."""
    return max(500, min(30_000, length // 150))


def _find_merges(words: Mapping[str, int], size: int, characters: str) -> list[Merge]:
    """Return the merges of byte-pair encoding in ``words``, given how often each occurs, up to ``size`` tokens."""
    try:
        from tokenizers import Tokenizer as Library
        from tokenizers import models, trainers
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            'Words need the package tokenizers, which is not installed: pip install "nextchar[words]".'
        ) from error
    import json

    library = Library(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        show_progress=False,
        initial_alphabet=list(characters),
        limit_alphabet=len(characters),
    )
    library.train_from_iterator((word for word, count in words.items() for _ in range(count)), trainer)
    merges = json.loads(library.to_str())["model"]["merges"]
    return [(first, second) for first, second in merges]
