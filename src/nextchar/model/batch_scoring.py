"""Scoring many texts: sorted by length into batches, which all cores share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from nextchar.errors import UnknownCharacterError, UsageError, shortened
from nextchar.model.scoring import Scorer, Scores, over_characters, score_batch
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

R = TypeVar("R")
Reduce = Callable[[Sequence[Ids], Scores], R]
"""What is kept of the scores of a batch: of the ids (t,) of its texts, and the bits of each of them, (B, T)."""


class UnknownTextError(UnknownCharacterError):
    """A text among many has characters that the model does not know and has no unknown symbol for."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"Text {position + 1:,} cannot be scored. {reason}")
        self.position, self.reason = position, reason
        """Index of the text, from 0, and what is wrong with it."""


class Summaries(NamedTuple):
    """The scores of B texts in short."""

    bits: Scores
    """Of each text, the sum of -log2 p of its characters: (B,), 0 for an empty one."""
    places: NDArray[np.intp]
    """Index of the character of each text that costs the most bits, the first of them: (B,), 0 for an empty text."""
    highest: Scores
    """The bits of that character: (B,)."""


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
        return self.score_ids(self._encode(texts))

    def score_ids(self, texts: Sequence[Ids]) -> Scores:
        """Return the same of texts that are given by their ids, (t,) each."""
        bits = np.zeros(len(texts))
        for batch, of_batch in self._reduced(texts, lambda _, costs: costs.sum(-1)):
            bits[batch] = of_batch
        return bits

    def surprises(self, texts: Sequence[str]) -> list[Scores]:
        """Return -log2 p of each character of each of ``texts``, in bits: shape (C,) each. Errors as for `score`."""
        surprises = [np.zeros(0)] * len(texts)
        for batch, of_batch in self._reduced(self._encode(texts), self._of_characters):
            for position, bits in zip(batch, of_batch, strict=True):
                surprises[position] = bits
        return surprises

    def summarise(self, texts: Sequence[str]) -> Summaries:
        """Return the scores of ``texts`` in short. Errors as for `score`."""
        summaries = Summaries(np.zeros(len(texts)), np.zeros(len(texts), np.intp), np.zeros(len(texts)))
        for batch, of_batch in self._reduced(self._encode(texts), self._in_short):
            for values, found in zip(summaries, of_batch, strict=True):
                values[batch] = found
        return summaries

    def _encode(self, texts: Sequence[str]) -> list[Ids]:
        ids: list[Ids] = []
        for position, text in enumerate(texts):
            try:
                ids.append(self._vocabulary.encode(text))
            except UnknownCharacterError as error:
                raise UnknownTextError(position, str(error)) from error
        return ids

    def _reduced(self, texts: Sequence[Ids], reduce: Reduce[R]) -> Iterator[tuple[list[int], R]]:
        """Yield the positions of the ``texts`` of each batch, and what ``reduce`` makes of their scores; an empty text
        is in none."""
        lengths = np.array([len(ids) for ids in texts], np.intp)
        longest_first: list[int] = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)].tolist()
        long = longest_first[: np.count_nonzero(lengths > LONG)]
        for position in long:
            scorer = Scorer(self._network, self._vocabulary.start_id, self._threads)
            costs = self._vocabulary.unknown_cost(texts[position]) - scorer.score(texts[position])  # (T,)
            yield [position], reduce([texts[position]], costs[None])
        rows = min(ROWS, max(MIN_ROWS, len(longest_first) // self._threads.count))
        batches = [longest_first[first : first + rows] for first in range(len(long), len(longest_first), rows)]

        def compute(batch: list[int]) -> R:
            ids = [texts[position] for position in batch]
            return reduce(ids, self._costs(ids))

        yield from zip(batches, self._threads.map_items(compute, batches), strict=True)

    def _costs(self, ids: Sequence[Ids]) -> Scores:
        """Return the bits of each id of texts of ``ids`` (t,), the longest first: (B, T), 0 where a text has ended."""
        costs = -score_batch(self._network, ids, self._vocabulary.start_id)
        costs[_within(ids)] += self._vocabulary.unknown_cost(np.concatenate(ids))
        return costs

    def _of_characters(self, ids: Sequence[Ids], costs: Scores) -> list[Scores]:
        return [
            over_characters(row[: len(of_text)], of_text, self._vocabulary)
            for row, of_text in zip(costs, ids, strict=True)
        ]

    def _in_short(self, ids: Sequence[Ids], costs: Scores) -> Summaries:
        if self._vocabulary.kind != "characters":
            of_texts = self._of_characters(ids, costs)
            places = np.array([bits.argmax() for bits in of_texts], np.intp)
            return Summaries(costs.sum(-1), places, np.array([bits.max() for bits in of_texts]))
        rows, spread = np.arange(len(ids)), np.where(_within(ids), costs, -np.inf)
        places = spread.argmax(-1)  # (B,)
        return Summaries(costs.sum(-1), places, spread[rows, places])


def _within(ids: Sequence[Ids]) -> NDArray[np.bool_]:
    """Return which of the places of texts side by side, the longest first, belong to one: (B, T)."""
    lengths = [len(of_text) for of_text in ids]
    return np.less.outer(np.arange(lengths[0]), lengths).T


def groups(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield ``texts`` in groups to sort and score together: memory is in proportion to a group.

    Raises:
        UsageError: something among them is not a string.
    """
    group: list[str] = []
    characters = 0
    for number, text in enumerate(texts, 1):
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] (a missing value of pandas is not)
            raise UsageError(f"Text {number:,} is not a string, but {shortened(text)}: leave it out, or make it one.")
        group.append(text)
        characters += len(text)
        if len(group) == MAX_TEXTS or characters >= MAX_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


def score_groups(
    name: str,
    texts: Iterable[str],
    as_read: Callable[[str], str],
    scorer_for: Callable[[int], BatchScorer],
    score: Callable[[BatchScorer, Sequence[str]], R],
) -> Iterator[tuple[list[str], list[int], R]]:
    """Yield for each group of ``texts`` the distinct ones, which of these each text is, and what ``score`` gives.

    Args:
        name: of the function that is asked, for messages.
        texts: read as they are needed.
        as_read: gives a text as the model reads it.
        scorer_for: gives the scorer for so many characters.
        score: scores some texts.

    Raises:
        UsageError: ``texts`` is a single string, or something among them is not one.
        UnknownTextError: a text has unknown characters, and the vocabulary has no unknown symbol.
    """
    if isinstance(texts, str):
        raise UsageError(f"{name} takes several texts: give a list, or [text] for a single one.")
    before = 0
    for group in groups(texts):
        numbers = dict[str, int]()
        which = [numbers.setdefault(as_read(text), len(numbers)) for text in group]
        distinct = list(numbers)
        try:
            yield distinct, which, score(scorer_for(sum(map(len, distinct))), distinct)
        except UnknownTextError as error:
            raise UnknownTextError(before + which.index(error.position), error.reason) from error
        before += len(group)
