"""Scores of held-out lines, which say how odd other lines are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from nextchar.model.batch_scoring import BatchScorer
from nextchar.model.line_quantiles import LineQuantiles
from nextchar.networks.architecture import Ids, Network
from nextchar.parallel import Threads
from nextchar.text.tokenizer import Tokenizer

MIN_LINES = 100
"""Fewest held-out lines whose quantiles are kept."""
MAX_MEAN_LENGTH = 400
"""Most characters of a line, on average, of a text of many lines."""
MAX_LINES, MAX_SCORED = 10_000, 100_000
"""Most lines that are scored for the quantiles, and about their most characters."""


def line_quantiles(
    network: Network[Any], held_out: Ids, vocabulary: Tokenizer, threads: Threads, *, most: int = MAX_SCORED
) -> LineQuantiles | None:
    """Return the quantiles of the lines of ``held_out`` (T,), each scored by itself; None if it has not many lines.

    Args:
        network: the model's.
        held_out: a text that it has not learned from; its first and last line may be parts of lines.
        vocabulary: of the model.
        threads: to score with.
        most: about the most characters to score.
    """
    lines = _lines(held_out, vocabulary)
    if not are_many(lines):
        return None
    count = min(MAX_LINES, max(MIN_LINES, int(len(lines) * most / sum(map(len, lines)))), len(lines))
    chosen = [lines[at * len(lines) // count] for at in range(count)]
    bits = BatchScorer(network, vocabulary, threads).score_ids(chosen)
    lengths = np.array([vocabulary.token_lengths(ids).sum() for ids in chosen])
    return LineQuantiles.of(bits / lengths)


def are_many(lines: Sequence[Ids]) -> bool:
    """Return whether a text with these held-out ``lines``, (t,) each, is one of many short lines."""
    return len(lines) >= MIN_LINES and sum(map(len, lines)) <= MAX_MEAN_LENGTH * len(lines)


def _lines(ids: Ids, vocabulary: Tokenizer) -> list[Ids]:
    """Return the whole lines of ``ids`` (T,) that are not empty; none where no id is a line end alone."""
    if "\n" not in vocabulary.characters:
        return []
    end = vocabulary.encode("\n")
    ends = np.flatnonzero(np.asarray(ids) == end[0]) if len(end) == 1 else np.zeros(0, np.intp)
    return [ids[first + 1 : last] for first, last in pairwise(ends.tolist()) if last > first + 1]
