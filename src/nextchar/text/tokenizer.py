"""The protocol of a model's tokens: text into ids, ids into text, and unknown characters.

A token is what one id stands for: a character (`nextchar.text.vocabulary`), a part of one, or several, as long as the
tokens of a text, joined, are that text. Scores are always per *character*: the bits of all tokens of a text, divided by
the number of its characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from nextchar.settings import TokenKind

REPLACEMENT = "\ufffd"
"""What is displayed for the unknown symbol."""


@dataclass(frozen=True)
class Replacement:
    """A piece of a prompt that the model does not know, and what was read instead ("" if it was left out)."""

    position: int
    """Index of the piece in the prompt, in characters from 0."""
    given: str
    read_as: str

    def __str__(self) -> str:
        piece = f"{describe_characters(self.given)} at character {self.position + 1}"
        return f"{piece} left out" if not self.read_as else f"{piece} read as {self.read_as!r}"


def describe_characters(text: str) -> str:
    """Return ``text`` with the code point and name of each character; what cannot be displayed is escaped."""
    names = (f"U+{ord(c):04X} {unicodedata.name(c, 'no name')}" for c in text)
    return f"{text!r} ({', '.join(names)})"


@dataclass(frozen=True, eq=False)
class Succession:
    """Which ids may be drawn after which, where not every text of tokens is one of characters.

    Ids fall in C classes; class 0 is also that of what stands before a text, which a prompt is:
    its last character is whole.
    """

    classes: NDArray[np.uint8]
    """The class of each id, shape (V,)."""
    may_follow: NDArray[np.bool_]
    """Whether an id of one class (the column) may come after one of another (the row), shape (C, C)."""


class TextDecoder(Protocol):
    """Ids into text, as they come."""

    def push(self, ids: NDArray[np.integer] | Sequence[int]) -> str:
        """Return the text that the next ``ids`` complete; a character may take several."""
        ...

    def finish(self) -> str:
        """Return the text of what is left, as if nothing followed."""
        ...


class Tokenizer(Protocol):
    """The tokens of a model. Ids are 0 to ``size`` - 1."""

    kind: ClassVar[TokenKind]
    """What the tokens are."""

    @property
    def size(self) -> int:
        """Number of ids, V."""
        ...

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest unsigned integer type that holds every id."""
        ...

    @property
    def characters(self) -> str:
        """The characters that tokens consist of, distinct, in code-point order."""
        ...

    @property
    def start_id(self) -> int:
        """The id that is read before the first token of a text."""
        ...

    @property
    def never_drawn(self) -> tuple[int, ...]:
        """Ids that are read and scored but never drawn."""
        ...

    @property
    def succession(self) -> Succession | None:
        """Which ids may be drawn after which; None if any may be."""
        ...

    @property
    def word_symbols(self) -> Sequence[str] | None:
        """A character for each id that shows whether words are made of it, (V,); None where tokens are words."""
        ...

    def header(self) -> dict[str, Any]:
        """Return what a file says of the tokens: their ``kind``, and what that needs."""
        ...

    def begun(self, text: str) -> int:
        """Return how many characters at the end of ``text`` may be the beginning of a longer token."""
        ...

    def knows(self, text: str) -> bool:
        """Return whether the model knows every character of ``text``."""
        ...

    def fold(self, prompt: str, *, strict: bool = False) -> tuple[str, list[Replacement]]:
        """Return ``prompt`` in characters that the model knows, and what was replaced.

        Raises:
            UnknownCharacterError: ``strict`` is set and the prompt holds unknown characters.
        """
        ...

    def encode(self, text: str) -> NDArray[np.unsignedinteger]:
        """Return the ids of ``text``, shape (T,); a text may be encoded in pieces, of words cut between them.

        Raises:
            UnknownCharacterError: it holds unknown characters, and there is no id for them.
        """
        ...

    def split(self, text: str) -> list[str]:
        """Return the piece of ``text`` for each of its ids, to display it; joined, they are the text, in which what
        cannot be displayed is escaped. An id that only goes on with a character has an empty piece."""
        ...

    def displayed(self, text: str) -> str:
        """Return ``text`` as it is displayed: what is no character is escaped."""
        ...

    def decode(self, ids: NDArray[np.integer] | Sequence[int], unknown: str = REPLACEMENT) -> str:
        """Return the text of ``ids``, an array of any shape in order; unknown ones become the character ``unknown``."""
        ...

    def decoder(self) -> TextDecoder:
        """Return a decoder of ids that come piece by piece; `displayed` escapes what cannot be displayed in a piece."""
        ...

    def token_texts(self, ids: NDArray[np.integer] | Sequence[int]) -> list[str]:
        """Return the text of each of ``ids`` (T,) by itself, to display it."""
        ...

    def token_lengths(self, ids: NDArray[np.integer]) -> NDArray[np.intp]:
        """Return the number of characters that begin with each of ``ids``, shape (T,): 0 where a character goes on."""
        ...

    def unknown_in(self, text: str) -> NDArray[np.bool_]:
        """Return for each character of ``text`` whether it is unknown, shape (T,)."""
        ...

    def unknown_cost(self, ids: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the bits that the text behind each of ``ids`` costs in addition to the id itself, shape (T,).

        For a known token that is 0. An id for unknown text does not determine the text: its probability is shared
        among all texts that it may stand for, so that the score of any text is exact.
        """
        ...
