"""Tokens that are jamo, the letters of Hangul: a syllable is two or three of them, any other character is one.

A syllable is taken apart as Unicode's canonical decomposition does (NFD), by arithmetic: an initial, a medial and
perhaps a final. Other characters stay as they are, also those that decomposition would change, and the compatibility
jamo of a text (ㅋ, ㅠ), which form no syllables. A conjoining jamo that stands in a text by itself gets a symbol of its
own, so that it is never joined with its neighbours: the text comes back as it was. A syllable with a jamo that the
model does not know is one unknown symbol.

Source: The Unicode Standard, section 3.12, "Conjoining jamo behavior".
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from nextchar.settings import TokenKind
from nextchar.text.symbol_tokenizer import SymbolTokenizer
from nextchar.text.tokenizer import Succession
from nextchar.text.vocabulary import Counts, Inherited, Vocabulary, code_points, too_rare

SYLLABLES, INITIALS, MEDIALS, FINALS = 0xAC00, 0x1100, 0x1161, 0x11A7
"""First code points of the syllables and of the three kinds of conjoining jamo; that of the finals is no final."""
INITIAL_COUNT, MEDIAL_COUNT, FINAL_COUNT = 19, 21, 28
"""Jamo of each kind that syllables have; one of the finals is none."""
SYLLABLE_COUNT = INITIAL_COUNT * MEDIAL_COUNT * FINAL_COUNT

ALONE = 0x10E000
"""A conjoining jamo in a text has the symbol with its code point and this: in Unicode's last private area."""

OTHER, INITIAL, MEDIAL, FINAL = range(4)
"""Classes of symbols."""
MAY_FOLLOW = np.array(
    # after:     other, initial, medial, final
    [
        [True, True, False, False],  # another character
        [False, False, True, False],  # an initial
        [True, True, False, True],  # a medial
        [True, True, False, False],  # a final
    ]
)
"""Whether a symbol of a class (columns) may follow one of a class (rows)."""

_NO_CHARACTER = "\uffff"
"""In place of what is unknown: a noncharacter, which has no id."""
_SYLLABLE = re.compile("[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")
_LONE = {point + ALONE: point for point in range(0x1100, 0x1200)}


def take_apart(text: str) -> str:
    """Return the symbols of ``text``: jamo for its Hangul syllables.

    >>> len(take_apart("한글!")), take_apart("한") == "\u1112\u1161\u11ab"
    (7, True)
    """
    points = code_points(text)
    index = points.astype(np.int64) - SYLLABLES
    is_syllable = (index >= 0) & (index < SYLLABLE_COUNT)
    is_alone = (points >= 0x1100) & (points < 0x1200)
    # The symbols of these are taken by jamo that stand alone.
    is_taken = (points >= ALONE + 0x1100) & (points < ALONE + 0x1200)
    if not (is_syllable.any() or is_alone.any() or is_taken.any()):
        return text
    final = np.where(is_syllable, index % FINAL_COUNT, 0)
    lengths = np.where(is_syllable, 2 + (final > 0), 1)
    starts = np.cumsum(lengths) - lengths
    symbols = np.repeat(points, lengths)
    symbols[starts[is_alone]] += ALONE
    symbols[starts[is_taken]] = ord(_NO_CHARACTER)
    first, parts = starts[is_syllable], index[is_syllable]
    symbols[first] = INITIALS + parts // (MEDIAL_COUNT * FINAL_COUNT)
    symbols[first + 1] = MEDIALS + parts // FINAL_COUNT % MEDIAL_COUNT
    symbols[starts[final > 0] + 2] = FINALS + final[final > 0]
    return symbols.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def put_together(symbols: str) -> str:
    """Return the text of ``symbols``, the inverse of `take_apart`; jamo that form no syllable stay as they are."""
    return _SYLLABLE.sub(_syllable, symbols).translate(_LONE)


def _syllable(match: re.Match[str]) -> str:
    initial, medial, *final = map(ord, match[0])
    number = (initial - INITIALS) * MEDIAL_COUNT + medial - MEDIALS
    return chr(SYLLABLES + number * FINAL_COUNT + (final[0] - FINALS if final else 0))


def _class_of(symbol: str) -> int:
    if "\u1100" <= symbol <= "\u1112":
        return INITIAL
    if "\u1161" <= symbol <= "\u1175":
        return MEDIAL
    return FINAL if "\u11a8" <= symbol <= "\u11c2" else OTHER


class JamoTokenizer(SymbolTokenizer):
    """Jamo and other characters: a `nextchar.text.tokenizer.Tokenizer`.

    >>> tokens = JamoTokenizer.from_counts(np.bincount([ord(c) for c in "한글 한국"], minlength=0x110000))
    >>> len(tokens.encode("한글 국")), tokens.decode(tokens.encode("한글 국"))
    (10, '한글 국')
    """

    kind: ClassVar[TokenKind] = "jamo"

    def __init__(self, symbols: Vocabulary) -> None:
        """Prepare the tokens.

        Args:
            symbols: jamo and other characters that have an id.

        Raises:
            ValueError: they spell no character.
        """
        super().__init__(symbols)
        if self.known_count == 0:
            raise ValueError("its jamo spell no character")

    @classmethod
    def from_counts(cls, counts: Counts, min_count: int = 1, inherited: Inherited | None = None) -> Self:
        """Return the jamo of the characters that occur ``counts`` (0x110000,) times; other arguments as for
        `Vocabulary.from_counts`, of symbols."""
        of_symbols = counts.copy()
        syllables = counts[SYLLABLES : SYLLABLES + SYLLABLE_COUNT].reshape(INITIAL_COUNT, MEDIAL_COUNT, FINAL_COUNT)
        of_symbols[SYLLABLES : SYLLABLES + SYLLABLE_COUNT] = 0
        of_symbols[ALONE + 0x1100 : ALONE + 0x1200] = counts[0x1100:0x1200]
        of_symbols[0x1100:0x1200] = 0
        of_symbols[ord(_NO_CHARACTER)] = 0
        of_symbols[INITIALS : INITIALS + INITIAL_COUNT] = syllables.sum((1, 2))
        of_symbols[MEDIALS : MEDIALS + MEDIAL_COUNT] = syllables.sum((0, 2))
        of_symbols[FINALS + 1 : FINALS + FINAL_COUNT] = syllables.sum((0, 1))[1:]
        symbols = Vocabulary.from_counts(of_symbols, min_count, inherited=inherited)
        try:
            return cls(symbols)
        except ValueError as error:
            raise too_rare(min_count) from error

    @property
    def known_count(self) -> int:
        """Number of the characters that can be spelled."""
        other, initials, medials, finals = np.bincount(self._classes, minlength=4).tolist()
        return other - self.has_unknown + initials * medials * (1 + finals)

    def header(self) -> dict[str, Any]:
        """Return what a file says of the tokens."""
        return {"kind": self.kind, "characters": self.symbols.characters, "has_unknown": self.symbols.has_unknown}

    @property
    def succession(self) -> Succession | None:
        """A medial after an initial, a final after a medial only: so that every jamo belongs to a syllable."""
        may_follow = MAY_FOLLOW.copy()
        may_follow[:, INITIAL] &= MEDIAL in self._classes  # else nothing could come after it
        return Succession(self._classes, may_follow)

    @cached_property
    def _classes(self) -> NDArray[np.uint8]:
        return np.array([_class_of(symbol) for symbol in self.symbols.token_texts(range(self.size))], np.uint8)

    def spell(self, text: str) -> str:
        """Return the symbols of ``text``."""
        return take_apart(text if self._unknown is None else self._unknown.sub(_NO_CHARACTER, text))

    @cached_property
    def _unknown(self) -> re.Pattern[str] | None:
        """The pattern of a syllable with an unknown jamo; None if all jamo are known."""
        kinds = (INITIALS, INITIAL_COUNT), (MEDIALS, MEDIAL_COUNT), (FINALS, FINAL_COUNT)
        jamo = ("".join(map(chr, range(first, first + count))) for first, count in kinds)
        initials, medials, finals = map(self.symbols.unknown_in, jamo)
        finals[0] = False  # it is none
        unknown = initials[:, None, None] | medials[:, None] | finals  # (19, 21, 28)
        syllables = "".join(map(chr, (SYLLABLES + np.flatnonzero(unknown)).tolist()))
        return re.compile(f"[{syllables}]") if syllables else None

    def join(self, symbols: str) -> str:
        """Return the text that ``symbols`` spell."""
        return put_together(symbols)

    def unfinished(self, symbols: str) -> int:
        """Return how many of the last ``symbols`` may be the beginning of a syllable."""
        last = _class_of(symbols[-1:] or " ")
        if last == INITIAL:
            return 1
        return 0 if last != MEDIAL else 1 + (_class_of(symbols[-2:-1] or " ") == INITIAL)

    def token_lengths(self, ids: NDArray[np.integer]) -> NDArray[np.intp]:
        """Return 1 for an initial and for any other character, 0 for the jamo that go on with a syllable: (T,)."""
        return np.where(self._classes[np.asarray(ids, np.intp)] >= MEDIAL, 0, 1)
