"""Characters and ids: which characters a model knows, and what happens to the others.

A character is a Unicode code point of the text. Nothing is normalised, so that decoding gives exactly the text that was
encoded, and a score is the score of exactly that text. Id 0 is the *unknown symbol*: it stands for every character
outside the vocabulary, because it is too rare in the training text or does not occur there. It is read and scored but
never drawn. The other ids follow in code-point order.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nextchar.errors import TextError, UnknownCharacterError
from nextchar.settings import TokenKind
from nextchar.text.tokenizer import REPLACEMENT, Replacement, TextDecoder, describe_characters

UNKNOWN_ID = 0
"""Id of the unknown symbol in every vocabulary that has one."""

CODE_POINTS = 0x110000
"""Size of Unicode's code space."""

SCALAR_VALUES = CODE_POINTS - 0x800
"""Number of code points that a text can contain: all but the surrogates."""

HANGUL = range(0xAC00, 0xD7A4)
"""Code points of the syllables of Hangul."""

Counts = NDArray[np.int64]

_LOOKALIKES = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "‒": "-", "―": "-", "−": "-", "‐": "-", "…": "...", "\t": " ", "\u00a0": " ", "\u3000": " ",
    "。": ".", "、": ",", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "þ": "th", "ð": "d",
}  # fmt: skip
# What normalisation composes: a base character with its combining marks, or the conjoining jamo of one Hangul syllable.
# At most 30 of a kind, as in Unicode's stream-safe form (UAX #15, section 13): sorting marks takes time proportional to
# the square of their number.
_CLUSTER = re.compile(
    r"(?=[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7c6\ud7cb-\ud7fb])"
    r"[\u1100-\u115f\ua960-\ua97c]{0,30}[\u1160-\u11a7\ud7b0-\ud7c6]{0,30}[\u11a8-\u11ff\ud7cb-\ud7fb]{0,30}"
    r"|.[\u0300-\u036f\u0591-\u05c7\u0610-\u065f\u3099\u309a]{0,30}",
    re.S,
)


def code_points(text: str) -> NDArray[np.uint32]:
    """Return the code points of ``text``, shape (T,); lone surrogates are code points like any other."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


@dataclass(frozen=True)
class Inherited:
    """Characters that a vocabulary has from the model that training starts from, though the text hardly has them."""

    known: str = ""
    """Once in the text is enough."""
    kept: str = ""
    """They need not occur at all."""
    syllables: str = ""
    """Syllables of Hangul that need not occur in a text that has others: no text has all that its language has."""

    @classmethod
    def of(cls, characters: str, *, keep: bool | None) -> Inherited:
        """Return what a text inherits of the ``characters`` of a model: all if ``keep`` is true, those that occur if it
        is false, those and the syllables if it is None."""
        syllables = "".join(c for c in characters if ord(c) in HANGUL) if keep is None else ""
        return cls(known=characters, kept=characters if keep else "", syllables=syllables)

    def options(self) -> dict[str, str]:
        """Return the characters of each sort that there are any of."""
        return {name: characters for name, characters in asdict(self).items() if characters}

    def add_to(self, frequent: NDArray[np.bool_], counts: Counts) -> None:
        """Add them to what is ``frequent`` (0x110000,) in a text that has ``counts`` (0x110000,) of each code point."""
        known, hangul = code_points(self.known), slice(HANGUL.start, HANGUL.stop)
        frequent[known] |= counts[known] > 0
        frequent[code_points(self.kept)] = True
        if frequent[hangul].any():
            frequent[code_points(self.syllables)] = True


@dataclass(frozen=True)
class Vocabulary:
    """The characters that a model knows, distinct and in code-point order: a `nextchar.text.tokenizer.Tokenizer` whose
    tokens are single characters."""

    kind: ClassVar[TokenKind] = "characters"

    characters: str
    has_unknown: bool = True
    """Whether id 0 is the unknown symbol. Without it (as in the classic recipe), ids start at the first character."""

    def __post_init__(self) -> None:
        points = [ord(character) for character in self.characters]
        if any(a >= b for a, b in pairwise(points)):
            raise ValueError("the characters of a vocabulary must be distinct and in code-point order")
        if any(0xD800 <= point < 0xE000 for point in points):
            raise ValueError("a vocabulary cannot hold surrogates")

    @classmethod
    def from_counts(
        cls, counts: Counts, min_count: int = 1, has_unknown: bool = True, inherited: Inherited | None = None
    ) -> Vocabulary:
        """Return the vocabulary of the characters that occur at least ``min_count`` times.

        Args:
            counts: occurrences of each code point in the training text, shape (0x110000,).
            min_count: rarer characters are read as the unknown symbol.
            has_unknown: whether there is an unknown symbol.
            inherited: characters that may be rarer.

        Raises:
            TextError: no character is frequent enough.
        """
        frequent = counts >= min_count
        if inherited is not None:
            inherited.add_to(frequent, counts)
        points = np.flatnonzero(frequent)
        if len(points) == 0:
            raise too_rare(min_count)
        return cls("".join(map(chr, points.tolist())), has_unknown)

    @property
    def size(self) -> int:
        """Number of ids, V: the characters and the unknown symbol."""
        return len(self.characters) + self.has_unknown

    @property
    def never_drawn(self) -> tuple[int, ...]:
        """Ids that are read and scored but never drawn: that of the unknown symbol."""
        return (UNKNOWN_ID,) if self.has_unknown else ()

    @property
    def succession(self) -> None:
        """Nothing: any character may follow any other."""
        return

    @property
    def start_id(self) -> int:
        """Id that is read before a text's first character: a line end, or a space, or the first known character."""
        known = self.characters
        return int(self.encode(next((c for c in "\n " if c in known), known[0]))[0])

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest unsigned integer type that holds every id."""
        return np.dtype(np.min_scalar_type(self.size - 1))

    @cached_property
    def ids_by_code_point(self) -> NDArray[np.unsignedinteger]:
        """Id of each code point, shape (0x110000,); characters outside the vocabulary have the unknown id."""
        table = np.zeros(CODE_POINTS, self.dtype)
        table[code_points(self.characters)] = np.arange(self.has_unknown, self.size)
        return table

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.characters)

    @cached_property
    def _code_points_by_id(self) -> NDArray[np.uint32]:
        points = code_points(self.characters)
        return np.concatenate([[ord(REPLACEMENT)], points]).astype("<u4") if self.has_unknown else points

    @property
    def unseen_log2_probability(self) -> float:
        """log2 of the share that each character outside the vocabulary has in the probability of the unknown symbol.

        That probability is shared equally by all other characters of Unicode, so that the probabilities of all
        characters sum to one and the score of any text is exact. Without an unknown symbol it is 0.
        """
        return -math.log2(SCALAR_VALUES - len(self.characters)) if self.has_unknown else 0.0

    def knows(self, text: str) -> bool:
        """Return whether every character of ``text`` is in the vocabulary."""
        return all(character in self._known for character in text)

    def unknown_in(self, text: str) -> NDArray[np.bool_]:
        """Return for each character of ``text`` whether it is outside the vocabulary, shape (T,)."""
        known = np.zeros(CODE_POINTS, np.bool_)
        known[code_points(self.characters)] = True
        return ~known[code_points(text)]

    def encode(self, text: str) -> NDArray[np.unsignedinteger]:
        """Return the ids of ``text``, shape (T,); characters outside the vocabulary become the unknown id.

        Raises:
            UnknownCharacterError: there are such characters, and the vocabulary has no unknown symbol.
        """
        if not self.has_unknown and not self.knows(text):
            unknown = sorted(set(text) - self._known)
            raise UnknownCharacterError(
                f"The model does not know {describe_characters(unknown[0])}, and has no unknown symbol to read it as."
            )
        # Every code point is in the table, so "clip" never clips; it is twice as fast as table[points].
        return self.ids_by_code_point.take(code_points(text), mode="clip")

    @property
    def word_symbols(self) -> list[str]:
        """The character of each id, shape (V,)."""
        return self.token_texts(range(self.size))

    def split(self, text: str) -> list[str]:
        """Return the piece of ``text`` for each of its ids: its characters."""
        return list(text)

    def displayed(self, text: str) -> str:
        """Return ``text``, which can be displayed."""
        return text

    def decode(self, ids: NDArray[np.integer] | Sequence[int], unknown: str = REPLACEMENT) -> str:
        """Return the text of ``ids``, of any shape, in order; the unknown symbol becomes the character ``unknown``."""
        points = self._code_points_by_id
        if self.has_unknown and unknown != REPLACEMENT:
            points = points.copy()
            points[UNKNOWN_ID] = ord(unknown)
        return points[np.asarray(ids, dtype=np.intp)].tobytes().decode("utf-32-le")

    def token_texts(self, ids: NDArray[np.integer] | Sequence[int]) -> list[str]:
        """Return the character that each of ``ids`` (T,) stands for."""
        return list(self.decode(ids))

    def token_lengths(self, ids: NDArray[np.integer]) -> NDArray[np.intp]:
        """Return the number of characters of each of ``ids``, which is one: shape (T,)."""
        return np.ones(len(ids), np.intp)

    def unknown_cost(self, ids: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the bits that the character behind each of ``ids`` costs in addition to the id itself, shape (T,)."""
        if not self.has_unknown:
            return np.zeros(len(ids))
        return np.where(np.asarray(ids) == UNKNOWN_ID, -self.unseen_log2_probability, 0.0)

    def fold(self, prompt: str, *, strict: bool = False) -> tuple[str, list[Replacement]]:
        """Return ``prompt`` in characters that the model knows, and what was replaced: `fold`."""
        return fold(prompt, self.knows, strict=strict)

    def begun(self, text: str) -> int:  # noqa: ARG002
        """Return 0: no token goes on where a text ends."""
        return 0

    def decoder(self) -> TextDecoder:
        """Return a decoder of ids that come piece by piece."""
        return _CharacterDecoder(self)

    def header(self) -> dict[str, Any]:
        """Return what a file says of the characters."""
        return {"kind": self.kind, "characters": self.characters, "has_unknown": self.has_unknown}


def too_rare(min_count: int) -> TextError:
    """Return the error of a training text whose characters are all rarer than ``min_count``."""
    return TextError(f"No character occurs {min_count} times in the training text: use a longer text or --min-count 1.")


@dataclass(frozen=True)
class _CharacterDecoder:
    """Decodes ids of which each is a character."""

    vocabulary: Vocabulary

    def push(self, ids: NDArray[np.integer] | Sequence[int]) -> str:
        """Return the text of ``ids``."""
        return self.vocabulary.decode(ids)

    def finish(self) -> str:
        """Return nothing: no character is left."""
        return ""


def fold(prompt: str, knows: Callable[[str], bool], *, strict: bool = False) -> tuple[str, list[Replacement]]:
    """Return ``prompt`` in characters that a model knows, and what was replaced.

    An unknown piece is read as the nearest known one: composed or decomposed, in the other case, in another width
    or compatibility form, without its accents, or as the plain form of a typographic sign. Without such a form it
    is left out.

    Args:
        prompt: any text.
        knows: tells whether the model knows all characters of a text.
        strict: whether unknown characters are an error.

    Raises:
        UnknownCharacterError: ``strict`` is set and the prompt holds unknown characters.
    """
    pieces: list[str] = []
    replacements: list[Replacement] = []
    nearest: dict[str, str] = {}  # each piece is looked up once, however often it occurs
    for match in _CLUSTER.finditer(prompt):
        piece = match[0]
        if not knows(piece):
            near = nearest[piece] = nearest[piece] if piece in nearest else _nearest(piece, knows)
            replacements.append(Replacement(match.start(), piece, near))
            piece = near
        pieces.append(piece)
    if strict and replacements:
        raise UnknownCharacterError(
            f"The prompt has characters that the model does not know ({len(replacements):,}): "
            + "; ".join(f"{describe_characters(r.given)} at character {r.position + 1}" for r in replacements[:5])
            + ". Remove them, or run without --strict to have them replaced."
        )
    return "".join(pieces), replacements


def _nearest(piece: str, knows: Callable[[str], bool]) -> str:
    whole = next((form for form in _forms(piece) if form and knows(form)), None)
    if whole is not None:
        return whole
    return "".join(_nearest(character, knows) for character in piece) if len(piece) > 1 else ""


def _forms(piece: str) -> Iterator[str]:
    """Yield ``piece`` and other ways to write it, nearest first."""
    yield piece
    plain = unicodedata.normalize("NFKD", piece)
    if len(piece) == 1 and piece == plain == piece.lower() == piece.upper() and piece not in _LOOKALIKES:
        return  # it has only one form, like most characters of Unicode
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    # Most of these are equal; each is yielded once.
    for form in dict.fromkeys((piece, unicodedata.normalize("NFKC", piece), bare, _LOOKALIKES.get(piece.lower(), ""))):
        for cased in dict.fromkeys((form, form.lower(), form.upper(), form.casefold())):
            yield unicodedata.normalize("NFC", cased)
            yield unicodedata.normalize("NFD", cased)
            yield cased
