"""The surprise at each character of a text, what was expected in its place, and the most surprising places."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.model.baselines import LOST
from nextchar.model.language_model import LanguageModel
from nextchar.model.logprobs import LogprobReader, PieceLogprobs
from nextchar.text.tokenizer import REPLACEMENT, Tokenizer

LEVELS = (0, 1, 2, 4, 6, 9)
"""Bits at which each colour begins, here and on the page."""
EXPECTED = 3
"""Most alternatives given with a surprising place."""
MAX_BEFORE = 24
"""Most characters before a place that are kept with it."""

Expected = tuple[tuple[str, float], ...]
"""Characters and their probabilities, the most probable first."""


@dataclass(frozen=True, eq=False)
class Surprises:
    """The next T tokens of a text, and the surprise at each; a token is a character in most models, and never less."""

    tokens: list[str]
    bits: NDArray[np.float64]
    """-log2 p of each token, shape (T,)."""
    unknown: NDArray[np.bool_]
    """Whether the model does not know it, shape (T,)."""
    logprobs: PieceLogprobs
    """The alternatives in each place."""
    vocabulary: Tokenizer

    @classmethod
    def of(cls, logprobs: PieceLogprobs, vocabulary: Tokenizer) -> Surprises:
        """Return the surprise at pieces of a text with these probabilities."""
        tokens = [text.replace(LOST, REPLACEMENT) for text in logprobs.texts]
        return cls(tokens, -logprobs.log_probabilities / np.log(2), logprobs.unknown, logprobs, vocabulary)

    def expected(self, number: int) -> Expected:
        """Return what the model expected in the place of token ``number``, which may be among it."""
        texts = self.vocabulary.token_texts(self.logprobs.alternatives[number])
        shares = np.exp(self.logprobs.alternative_log_probabilities[number])
        return tuple(zip(texts, shares.tolist(), strict=True))


def read_first_surprises(
    model: LanguageModel, pieces: Iterable[str], characters: int, alternatives: int
) -> Iterator[Surprises]:
    """Yield the surprises of the beginning of a text, some hundred tokens at a time: memory does not grow with it.

    Args:
        model: reads the text; one trained on lower-cased text reads it lower-cased.
        pieces: of the text; `nextchar.model.baselines.LOST` stands for an unknown character.
        characters: to read, as many as the text has or fewer.
        alternatives: most alternatives in each place.

    Raises:
        UnknownCharacterError: it has unknown characters, and the model has no symbol for them.
    """
    vocabulary = model.vocabulary
    reader = LogprobReader.after_start(model.network_for(characters), vocabulary, alternatives)
    for piece in model.pieces_as_trained(pieces):
        text = piece[:characters]
        characters -= len(piece)
        for logprobs in reader.read_text(text, ends=characters <= 0):
            yield Surprises.of(logprobs, vocabulary)
        if characters <= 0:
            return
    for logprobs in reader.read_text(""):
        yield Surprises.of(logprobs, vocabulary)


@dataclass(frozen=True)
class Place:
    """A surprising place of a text."""

    line: int
    """From 1."""
    column: int
    """In characters, from 1."""
    before: str
    """The end of what stands before it on its line."""
    token: str
    bits: float
    is_unknown: bool
    expected: Expected
    """What the model expected instead."""

    def as_json(self) -> dict[str, Any]:
        """Return the place as plain values."""
        expected = [{"character": text, "probability": share} for text, share in self.expected]
        place = {"line": self.line, "column": self.column, "character": self.token, "bits": self.bits}
        return {**place, "unknown": self.is_unknown, "expected": expected}


class WorstPlaces:
    """The most surprising places of a text that is read piece by piece."""

    def __init__(self, count: int) -> None:
        """Keep ``count`` places, each with `EXPECTED` alternatives; one more must be read, since the character itself
        may be among them."""
        self._count = count
        self._heap: list[tuple[float, int, Place]] = []
        self._line, self._column, self._before, self._read = 1, 1, "", 0

    def add(self, surprises: Surprises) -> None:
        """Read the next tokens."""
        rows = zip(surprises.tokens, surprises.bits.tolist(), surprises.unknown.tolist(), strict=True)
        for number, (token, bits, unknown) in enumerate(rows):
            if self._count and (len(self._heap) < self._count or bits > self._heap[0][0]):
                others = zip(surprises.logprobs.alternatives[number], surprises.expected(number), strict=True)
                itself = -1 if unknown else surprises.logprobs.first_ids[number]
                instead = [pair for other, pair in others if other != itself]
                before = self._before[-MAX_BEFORE:]
                place = Place(self._line, self._column, before, token, bits, unknown, tuple(instead[:EXPECTED]))
                add = heapq.heappush if len(self._heap) < self._count else heapq.heapreplace
                add(self._heap, (bits, -self._read, place))
            self._advance(token)

    def watch(self, pieces: Iterable[Surprises]) -> Iterator[Surprises]:
        """Yield ``pieces`` of a text unchanged, and remember their most surprising places."""
        for piece in pieces:
            self.add(piece)
            yield piece

    def found(self) -> list[Place]:
        """Return the places, the most surprising first; of equal ones, the first of the text."""
        return [place for *_, place in sorted(self._heap, reverse=True)]

    def _advance(self, token: str) -> None:
        self._read += 1
        *lines, rest = token.split("\n")
        if lines:
            self._line, self._column, self._before = self._line + len(lines), 1, ""
        self._column += len(rest)
        self._before = (self._before + rest)[-2 * MAX_BEFORE :]
