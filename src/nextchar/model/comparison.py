"""Several models beside each other on one text: the bits of each, how sure their difference is, and where it arises.

Characters that follow each other are not independent, so the interval of a difference does not come from single
characters, but from the means of ten to thirty long blocks of the text (Schmeiser 1982, "Batch size effects in the
analysis of simulation output", Operations Research 30). It says how much the difference depends on this text, not how
much it depends on the seeds that the models began with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.errors import TextError, UsageError
from nextchar.model.language_model import LanguageModel
from nextchar.model.scoring import Scorer, character_scores
from nextchar.parallel import Threads, available_cores

PASSAGE = 40
"""Characters of a passage."""
PASSAGES = 5
"""Passages that are given for each model: those where it differs most."""
MIN_DIFFERENCE = 0.05
"""Bits that a passage needs to count as different: less is rounding."""
MIN_BLOCK, MIN_BLOCKS, MAX_BLOCKS = 200, 10, 30
"""Characters of the shortest block, and the number of blocks; a shorter text gives no interval. Few long blocks are
nearly independent; more than thirty would hardly narrow the interval."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Passage:
    """A passage in which two models differ."""

    line: int
    """The line on which it begins, from 1."""
    text: str
    first_bits: float
    """Bits that the first model needs for it."""
    bits: float
    """Bits that the other one needs."""

    @property
    def difference(self) -> float:
        """The bits of the other one, minus those of the first."""
        return self.bits - self.first_bits


@dataclass(frozen=True)
class ModelScore:
    """How well one of several models predicts a text, beside the first of them."""

    bits_per_character: float
    unknown_characters: int
    difference: float
    """Its bits per character, minus those of the first model."""
    interval: tuple[float, float] | None
    """Where the difference lies with a confidence of 95 %; None if the text is too short to say, and for the first."""
    passages: tuple[Passage, ...]
    """Where it differs most from the first model."""


@dataclass(frozen=True)
class Comparison:
    """How well several models predict the same text."""

    characters: int
    blocks: int
    """Blocks from whose means the intervals come; 0 if the text is too short for intervals."""
    block_characters: int
    scores: tuple[ModelScore, ...]

    @property
    def about_intervals(self) -> str:
        """Where the intervals come from, or why there are none."""
        if self.blocks == 0:
            return f"The text is too short for intervals, which need {MIN_BLOCK * MIN_BLOCKS:,} characters."
        return (
            f"The intervals come from the means of {self.blocks} blocks of {self.block_characters:,} characters, since "
            "neighbouring characters are not independent. They say nothing about other seeds."
        )

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)


def letter(number: int) -> str:
    """Return the letter that stands for the model ``number``, from 0."""
    return chr(ord("A") + number)


def compare_models(models: Sequence[LanguageModel], pieces: Iterable[str], characters: int) -> Comparison:
    """Return how well ``models`` predict a text, piece by piece.

    Args:
        models: at least one; the others are compared with the first.
        pieces: of the text.
        characters: about how many there are, by which the faster networks are chosen.

    Raises:
        TextError: the text is empty.
        UsageError: the models do not read the same text, because only some were trained on lower-cased text, or on
            normalized text.
        UnknownCharacterError: it has unknown characters, and a model has no symbol for them.
    """
    threads = Threads(available_cores())
    scorers = [Scorer(model.network_for(characters), model.start_id, threads) for model in models]
    reading = _Reading(len(models))
    for piece in pieces:
        texts = [model.as_trained(piece) for model in models]
        if any(text != texts[0] for text in texts):
            raise UsageError(
                "Some of the models were trained on lower-cased or normalized text and read another text than the "
                "others, so their bits cannot be compared: give such a text, or compare models of one kind."
            )
        bits = [
            -character_scores(scorer, model.vocabulary.encode(texts[0]), model.vocabulary)
            for model, scorer in zip(models, scorers, strict=True)
        ]
        unknown = [int(np.count_nonzero(model.vocabulary.unknown_in(texts[0]))) for model in models]
        reading.add(texts[0], np.stack(bits), np.array(unknown))
    return reading.comparison()


class _Reading:
    """What M models need for a text so far."""

    def __init__(self, models: int) -> None:
        self._characters, self._line = 0, 1
        self._bits, self._unknown = np.zeros(models), np.zeros(models, int)
        self._text, self._rest = "", np.zeros((models, 0))  # what is too short for a passage yet
        self._passages = [np.zeros((models, 0))]
        """The bits of each passage, (M, P) for each piece."""
        self._largest: list[list[Passage]] = [[] for _ in range(models)]

    def add(self, text: str, bits: NDArray[np.float64], unknown: NDArray[np.int_]) -> None:
        """Read the next ``text`` of C characters: its bits (M, C) and its unknown characters (M,)."""
        self._characters += len(text)
        self._bits += bits.sum(-1)
        self._unknown += unknown
        self._cut(self._text + text, np.concatenate([self._rest, bits], -1))

    def comparison(self) -> Comparison:
        """Return the result, at the end of the text."""
        if self._characters == 0:
            raise TextError("An empty text cannot be scored: give at least one character.")
        means = self._bits / self._characters
        passages = np.concatenate(self._passages, -1)  # (M, P)
        blocks = min(MAX_BLOCKS, passages.shape[1] * PASSAGE // MIN_BLOCK)
        blocks = blocks if blocks >= MIN_BLOCKS else 0
        if self._text:  # the last passage is shorter, and may be the only one
            self._keep_largest([self._text], self._rest.sum(-1, keepdims=True))
        scores = [
            ModelScore(
                bits_per_character=float(means[number]),
                unknown_characters=int(self._unknown[number]),
                difference=float(means[number] - means[0]),
                interval=interval(passages[number] - passages[0], means[number] - means[0], blocks) if number else None,
                passages=tuple(self._largest[number]),
            )
            for number in range(len(means))
        ]
        length = passages.shape[1] // blocks * PASSAGE if blocks else 0
        return Comparison(self._characters, blocks, length, tuple(scores))

    def _cut(self, text: str, bits: NDArray[np.float64]) -> None:
        """Cut ``text`` (C) with its ``bits`` (M, C) into passages, and keep the rest."""
        count = len(text) // PASSAGE
        whole = count * PASSAGE
        sums = bits[:, :whole].reshape(len(bits), count, PASSAGE).sum(-1)  # (M, P)
        self._passages.append(sums)
        self._keep_largest([text[first : first + PASSAGE] for first in range(0, whole, PASSAGE)], sums)
        self._text, self._rest = text[whole:], bits[:, whole:]

    def _keep_largest(self, texts: Sequence[str], sums: NDArray[np.float64]) -> None:
        """Keep those of the next passages, ``texts`` (P) and their bits (M, P), where a model differs most from the
        first."""
        lines = self._line + np.cumsum([0, *(text.count("\n") for text in texts)])
        self._line = int(lines[-1])
        for number in range(1, len(sums)):
            order = np.argsort(-np.abs(sums[number] - sums[0]), kind="stable")[:PASSAGES]
            found = [
                Passage(int(lines[place]), texts[place], float(sums[0, place]), float(sums[number, place]))
                for place in map(int, order)
            ]
            ranked = sorted([*self._largest[number], *found], key=lambda passage: -abs(passage.difference))
            self._largest[number] = [p for p in ranked[:PASSAGES] if abs(p.difference) >= MIN_DIFFERENCE]


def interval(passages: NDArray[np.float64], mean: float, blocks: int) -> tuple[float, float] | None:
    """Return where the mean difference of two models lies with `CONFIDENCE`, from the means of blocks.

    Args:
        passages: the difference in bits in each passage of `PASSAGE` characters, shape (P,).
        mean: the mean difference for a character of the whole text.
        blocks: the number of blocks; 0 gives None.
    """
    if blocks == 0:
        return None
    length = len(passages) // blocks
    means = passages[: blocks * length].reshape(blocks, length).mean(-1) / PASSAGE  # (blocks,)
    half = student_quantile(0.5 + CONFIDENCE / 2, blocks - 1) * float(means.std(ddof=1)) / blocks**0.5
    return mean - half, mean + half


def student_quantile(probability: float, freedom: int) -> float:
    """Return the quantile of Student's t distribution, to three digits from nine degrees of ``freedom`` on.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.
    """
    z = NormalDist().inv_cdf(probability)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
