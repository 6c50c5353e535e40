"""A text spelled in symbols: what the tokens of jamo and words have in common.

A symbol is a character that stands for one token. The text is translated into symbols, which have a vocabulary like the
characters of any text, and what a model writes is translated back. So networks, counts and files know ids alone.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nextchar.settings import TokenKind
from nextchar.text.tokenizer import REPLACEMENT, Replacement, Succession, TextDecoder
from nextchar.text.vocabulary import SCALAR_VALUES, UNKNOWN_ID, Vocabulary, fold


class SymbolTokenizer(ABC):
    """A `nextchar.text.tokenizer.Tokenizer` whose tokens are the symbols that a text is spelled in."""

    kind: ClassVar[TokenKind]

    def __init__(self, symbols: Vocabulary) -> None:
        """Prepare the tokens; ``symbols`` are those that have an id."""
        self.symbols = symbols

    def __eq__(self, other: object) -> bool:
        """Return whether ``other`` has the same tokens."""
        return isinstance(other, SymbolTokenizer) and self.header() == other.header()

    def __hash__(self) -> int:
        """Return a hash of the tokens."""
        return hash((self.kind, self.symbols))

    def __repr__(self) -> str:
        """Return the kind and the number of ids."""
        return f"<{type(self).__name__}: {self.size:,} ids>"

    @abstractmethod
    def spell(self, text: str) -> str:
        """Return the symbols of ``text``."""

    @abstractmethod
    def join(self, symbols: str) -> str:
        """Return the text that ``symbols`` spell."""

    @abstractmethod
    def unfinished(self, symbols: str) -> int:
        """Return how many of the last ``symbols`` may spell another character together with those after them."""

    @property
    @abstractmethod
    def known_count(self) -> int:
        """Number of the characters that can be spelled."""

    @abstractmethod
    def header(self) -> dict[str, Any]:
        """Return what a file says of the tokens, from which `nextchar.text.tokenizers` makes them again."""

    @property
    def size(self) -> int:
        """Number of ids, V."""
        return self.symbols.size

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest unsigned integer type that holds every id."""
        return self.symbols.dtype

    @property
    def characters(self) -> str:
        """The characters that tokens consist of, distinct, in code-point order."""
        return self.symbols.characters

    @property
    def has_unknown(self) -> bool:
        """Whether id 0 stands for everything unknown."""
        return self.symbols.has_unknown

    @property
    def start_id(self) -> int:
        """The id that is read before the first token of a text."""
        return self.symbols.start_id

    @property
    def never_drawn(self) -> tuple[int, ...]:
        """Ids that are read and scored but never drawn."""
        return self.symbols.never_drawn

    @property
    def succession(self) -> Succession | None:
        """Which ids may be drawn after which; None if any may be."""
        return None

    @property
    def word_symbols(self) -> Sequence[str] | None:
        """A character for each id that shows whether words are made of it, (V,); None where tokens are words."""
        return self.token_texts(range(self.size))

    def knows(self, text: str) -> bool:
        """Return whether the model knows every character of ``text``."""
        return self.symbols.knows(self.spell(text))

    def fold(self, prompt: str, *, strict: bool = False) -> tuple[str, list[Replacement]]:
        """Return ``prompt`` in characters that the model knows, and what was replaced, as `Vocabulary.fold` does."""
        return fold(prompt, self.knows, strict=strict)

    def begun(self, text: str) -> int:  # noqa: ARG002
        """Return 0: no token goes on where a text ends."""
        return 0

    def encode(self, text: str) -> NDArray[np.unsignedinteger]:
        """Return the ids of ``text``, shape (T,)."""
        return self.symbols.encode(self.spell(text))

    def decode(self, ids: NDArray[np.integer] | Sequence[int], unknown: str = REPLACEMENT) -> str:
        """Return the text of ``ids``, of any shape, in order; the unknown symbol becomes the character ``unknown``."""
        return self.join(self.symbols.decode(ids, unknown))

    def decoder(self) -> TextDecoder:
        """Return a decoder of ids that come piece by piece."""
        return _SymbolDecoder(self)

    def split(self, text: str) -> list[str]:
        """Return the piece of ``text`` for each of its ids; the first id of a character has all of it."""
        return _pieces(text, self.token_lengths(self.encode(text)))

    def displayed(self, text: str) -> str:
        """Return ``text``, which can be displayed."""
        return text

    def token_texts(self, ids: NDArray[np.integer] | Sequence[int]) -> list[str]:
        """Return the text that each of ``ids`` (T,) stands for by itself."""
        return [self.join(symbol) for symbol in self.symbols.token_texts(ids)]

    @abstractmethod
    def token_lengths(self, ids: NDArray[np.integer]) -> NDArray[np.intp]:
        """Return the number of characters that begin with each of ``ids``: shape (T,)."""

    def unknown_in(self, text: str) -> NDArray[np.bool_]:
        """Return for each character of ``text`` whether it is unknown, shape (T,)."""
        unknown = {character for character in set(text) if not self.knows(character)}
        return np.array([character in unknown for character in text], np.bool_)

    def unknown_cost(self, ids: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the bits that the text behind each of ``ids`` costs in addition to the id itself, shape (T,)."""
        shared = math.log2(SCALAR_VALUES - self.known_count) if self.has_unknown else 0.0
        return np.where(np.asarray(ids) == UNKNOWN_ID, shared, 0.0)


def _pieces(text: str, lengths: NDArray[np.intp]) -> list[str]:
    ends = np.cumsum(lengths).tolist()
    return [text[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True)]


class _SymbolDecoder:
    """Decodes ids piece by piece, and holds back symbols that may spell something else with those that follow."""

    def __init__(self, tokenizer: SymbolTokenizer) -> None:
        self._tokenizer, self._held = tokenizer, ""

    def push(self, ids: NDArray[np.integer] | Sequence[int]) -> str:
        """Return the text that the next ``ids`` complete."""
        symbols = self._held + self._tokenizer.symbols.decode(ids)
        whole = len(symbols) - self._tokenizer.unfinished(symbols)
        self._held = symbols[whole:]
        return self._tokenizer.join(symbols[:whole])

    def finish(self) -> str:
        """Return the text of what was held back, as if nothing followed it."""
        held, self._held = self._held, ""
        return self._tokenizer.join(held)
