"""What a model needs of its tokens: text into ids, ids into text, and what is unknown.

A token is what one id stands for. Here it is a single character (`nextchar.text.vocabulary`); the protocol lets it be
several, as long as the tokens of a text, put together, are that text. Scores are always per *character*: the bits of
all tokens of a text, divided by its characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

REPLACEMENT = "\ufffd"
"""What is shown for the unknown symbol."""


@dataclass(frozen=True)
class Replacement:
    """A piece of a prompt that the model does not know, and what was read in its place ("" is left out)."""

    position: int
    """Index of the piece in the prompt, in characters from 0."""
    given: str
    read_as: str

    def __str__(self) -> str:
        what = f"{describe_characters(self.given)} at character {self.position + 1}"
        return f"{what} left out" if not self.read_as else f"{what} read as {self.read_as!r}"


def describe_characters(text: str) -> str:
    """Return ``text`` as a reader can tell it: the character itself where it shows, code point and name always."""
    names = (f"U+{ord(c):04X} {unicodedata.name(c, 'no name')}" for c in text)
    return f"{text!r} ({', '.join(names)})"


class Tokenizer(Protocol):
    """The tokens of a model. Ids are 0 to ``size`` - 1."""

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
        """The characters that tokens are made of, distinct, in code-point order."""
        ...

    @property
    def start_id(self) -> int:
        """The id that is read before a text's first token."""
        ...

    @property
    def never_drawn(self) -> tuple[int, ...]:
        """Ids that are read and scored, and never drawn."""
        ...

    def fold(self, prompt: str, *, strict: bool = False) -> tuple[str, list[Replacement]]:
        """Return ``prompt`` in characters that the model knows, and what was replaced.

        Raises:
            UnknownCharacterError: ``strict`` is set and the prompt holds unknown characters.
        """
        ...

    def encode(self, text: str) -> NDArray[np.unsignedinteger]:
        """Return the ids of ``text``, shape (T,); a text may be encoded in pieces.

        Raises:
            UnknownCharacterError: it holds unknown characters, and no id stands for those.
        """
        ...

    def split(self, text: str) -> list[str]:
        """Return the pieces of ``text`` that its ids stand for: joined, they are the text again."""
        ...

    def decode(self, ids: NDArray[np.integer] | Sequence[int], unknown: str = REPLACEMENT) -> str:
        """Return the text of ``ids``, any shape read in order; what is unknown becomes ``unknown``, a character."""
        ...

    def token_texts(self, ids: NDArray[np.integer] | Sequence[int]) -> list[str]:
        """Return the text of each of ``ids`` (T,)."""
        ...

    def token_lengths(self, ids: NDArray[np.integer]) -> NDArray[np.intp]:
        """Return how many characters each of ``ids`` stands for, at least 1: shape (T,)."""
        ...

    def unknown_in(self, text: str) -> NDArray[np.bool_]:
        """Return for each character of ``text`` whether it is unknown, shape (T,)."""
        ...

    def unknown_cost(self, ids: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the bits that the text behind each of ``ids`` costs beyond the id itself, shape (T,).

        That is 0 for a known token. An id that stands for anything unknown does not say what it was: its probability
        is shared among all that it may be, so that the score of any text is exact.
        """
        ...
