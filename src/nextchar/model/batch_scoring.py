"""Scoring many texts: sorted by length into batches, which all cores share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from nextchar.errors import UnknownCharacterError
from nextchar.model.scoring import Scorer, Scores, score_batch
from nextchar.networks.architecture import Ids, Network
from nextchar.parallel import Threads
from nextchar.text.tokenizer import Tokenizer

ROWS = 128
"""Texts in a batch: fewer are slower, more are not faster (docs/measurements/2026-11-27-score-lines.md)."""
MIN_ROWS = 16
"""Fewest texts in a batch for the sake of having one for each core."""
LONG = 8192
"""Ids from which on a text is no member of a batch, but read in segments by all cores."""
MAX_TEXTS, MAX_CHARACTERS = 1 << 14, 1 << 22
"""Most texts that are sorted together, and about their most characters."""


class UnknownTextError(UnknownCharacterError):
    """A text among many has characters that the model does not know and has no unknown symbol for."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"Text {position + 1:,} cannot be scored. {reason}")
        self.position, self.reason = position, reason
        """Index of the text, from 0, and what is wrong with it."""


class BatchScorer:
    """Scores texts in batches, each text from the start on as `nextchar.model.scoring.Scorer` does."""

    def __init__(self, network: Network[Any], vocabulary: Tokenizer, threads: Threads) -> None:
        """Prepare to score with ``network``, whose tokens are ``vocabulary``, in ``threads``."""
        self._network, self._vocabulary, self._threads = network, vocabulary, threads

    def score(self, texts: Sequence[str]) -> Scores:
        """Return the bits of each of ``texts``, the sum of -log2 p of its characters: shape (B,), 0 for an empty text.

        Raises:
            UnknownTextError: a text has unknown characters, and the vocabulary has no unknown symbol.
        """
        ids = [self._encode(position, text) for position, text in enumerate(texts)]
        lengths = np.array([len(of_text) for of_text in ids], np.intp)
        longest_first: list[int] = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)].tolist()
        long = longest_first[: np.count_nonzero(lengths > LONG)]
        rows = min(ROWS, max(MIN_ROWS, len(longest_first) // self._threads.count))
        batches = [longest_first[first : first + rows] for first in range(len(long), len(longest_first), rows)]
        bits = np.zeros(len(texts))
        for position in long:
            bits[position] = self._score_long(ids[position])
        scored = self._threads.map_items(lambda batch: self._score_batch([ids[n] for n in batch]), batches)
        for batch, of_batch in zip(batches, scored, strict=True):
            bits[batch] = of_batch
        return bits

    def _encode(self, position: int, text: str) -> Ids:
        try:
            return self._vocabulary.encode(text)
        except UnknownCharacterError as error:
            raise UnknownTextError(position, str(error)) from error

    def _score_long(self, ids: Ids) -> float:
        """Return the bits of the text of ``ids`` (T,)."""
        log2 = Scorer(self._network, self._vocabulary.start_id, self._threads).score(ids)  # (T,)
        return float((self._vocabulary.unknown_cost(ids) - log2).sum())

    def _score_batch(self, ids: Sequence[Ids]) -> Scores:
        """Return the bits (B,) of the texts of ``ids`` (t,) each, the longest first."""
        log2 = score_batch(self._network, ids, self._vocabulary.start_id).sum(-1)  # (B,)
        starts = np.cumsum([0, *map(len, ids[:-1])])  # (B,)
        return np.add.reduceat(self._vocabulary.unknown_cost(np.concatenate(ids)), starts) - log2


def groups(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield ``texts`` in groups to sort and score together: memory is in proportion to a group."""
    group: list[str] = []
    characters = 0
    for text in texts:
        group.append(text)
        characters += len(text)
        if len(group) == MAX_TEXTS or characters >= MAX_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group
