"""Tokens of one or two characters: a second `Tokenizer`, which shows that nothing takes an id for a character."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nextchar.settings import TokenKind
from nextchar.text.tokenizer import REPLACEMENT, Replacement, TextDecoder
from nextchar.text.vocabulary import UNKNOWN_ID, Vocabulary

UNKNOWN_BITS = 20.0


@dataclass(frozen=True)
class PairTokenizer:
    """Known characters, each a token, and pairs of them that are tokens too; pairs are looked for from the left."""

    kind: ClassVar[TokenKind] = "words"

    singles: Vocabulary
    pairs: tuple[str, ...]

    @property
    def size(self) -> int:
        return self.singles.size + len(self.pairs)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        return np.dtype(np.min_scalar_type(self.size - 1))

    @property
    def characters(self) -> str:
        return self.singles.characters

    @property
    def start_id(self) -> int:
        return self.singles.start_id

    @property
    def never_drawn(self) -> tuple[int, ...]:
        return self.singles.never_drawn

    @property
    def succession(self) -> None:
        return

    @property
    def word_symbols(self) -> None:
        return

    def header(self) -> dict[str, Any]:
        return {"kind": self.kind, "characters": self.characters, "pairs": self.pairs}

    def knows(self, text: str) -> bool:
        return self.singles.knows(text)

    def begun(self, text: str) -> int:
        return 0

    def fold(self, prompt: str, *, strict: bool = False) -> tuple[str, list[Replacement]]:
        return self.singles.fold(prompt, strict=strict)

    def encode(self, text: str) -> NDArray[np.unsignedinteger]:
        return np.array([self._id(piece) for piece in self.split(text)], self.dtype)

    def split(self, text: str) -> list[str]:
        return list(self._pieces(text))

    def decode(self, ids: NDArray[np.integer] | Sequence[int], unknown: str = REPLACEMENT) -> str:
        texts = [unknown, *self.singles.characters, *self.pairs]
        return "".join(texts[index] for index in np.ravel(ids))

    def displayed(self, text: str) -> str:
        return text

    def decoder(self) -> TextDecoder:
        return _PairDecoder(self)

    def token_texts(self, ids: NDArray[np.integer] | Sequence[int]) -> list[str]:
        return [self.decode([index]) for index in ids]

    def token_lengths(self, ids: NDArray[np.integer]) -> NDArray[np.intp]:
        return np.array([len(text) for text in self.token_texts(ids)], np.intp)

    def unknown_in(self, text: str) -> NDArray[np.bool_]:
        return self.singles.unknown_in(text)

    def unknown_cost(self, ids: NDArray[np.integer]) -> NDArray[np.float64]:
        return np.where(np.asarray(ids) == UNKNOWN_ID, UNKNOWN_BITS, 0.0)

    def _pieces(self, text: str) -> Iterator[str]:
        place = 0
        while place < len(text):
            piece = text[place : place + 2] if text[place : place + 2] in self.pairs else text[place]
            yield piece
            place += len(piece)

    def _id(self, piece: str) -> int:
        if piece in self.pairs:
            return self.singles.size + self.pairs.index(piece)
        return int(self.singles.encode(piece)[0])


@dataclass(frozen=True)
class _PairDecoder:
    tokens: PairTokenizer

    def push(self, ids: NDArray[np.integer] | Sequence[int]) -> str:
        return self.tokens.decode(ids)

    def finish(self) -> str:
        return ""
