"""Baselines: two models that only count the training text, to compare the score of a network with.

PPMd, known from 7-Zip, also counts the text that it is scored on, as it reads. The n-gram model does not, just like the
network.

Source of PPMd: Shkarin, "PPM: one step to practicality" (2002); variant I, as in the library pyppmd.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from nextchar.errors import TextError
from nextchar.model.scoring import Scorer, character_scores
from nextchar.networks.architecture import Ids
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.parallel import Threads, available_cores
from nextchar.text.vocabulary import Vocabulary

MAX_COUNTED = 4_000_000
"""Most characters that are counted, from the end of a training text. They take about 15 s and 400 MB, or 1.2 GB for a
text in which nothing repeats."""
PPMD_ORDER = 6
"""Bytes of context."""
PPMD_MEMORY = 256 << 20
"""Bytes; twelve million bytes of text in four scripts took less than a quarter of them."""
LOST = "\U0010ffff"
"""Stands for an unknown character outside the vocabulary: a noncharacter of Unicode, which no text has."""


@dataclass(frozen=True)
class CountingScores:
    """Scores of the models that count."""

    ppmd_bits_per_character: float
    """PPMd of order 6 over the bytes of UTF-8, adapting as it reads."""
    ngram_bits_per_character: float
    """An n-gram model with six characters of context, not adapting."""
    counted_characters: int
    """Characters counted, at most the last `MAX_COUNTED` of the training text."""


def count_and_score(training: Ids, vocabulary: Vocabulary, start: int, text: Iterable[str]) -> CountingScores:
    """Return the scores of ``text`` by models that have counted the ``training`` text.

    Args:
        training: ids of the training text, shape (n,); may be memory-mapped.
        vocabulary: what its ids stand for.
        start: id read before the first character, the same as in the model that this is compared with.
        text: the text to score, in pieces, with `LOST` for each lost character.

    Raises:
        TextError: the text is empty.
    """
    counted = np.array(training[-MAX_COUNTED:])
    scorer = Scorer(NgramNetwork.of_text(counted, vocabulary.size), start, Threads(available_cores()))
    ppmd = Ppmd(vocabulary.decode(counted, unknown=LOST))
    ngram_bits, lost_bits, characters = 0.0, 0.0, 0
    for piece in text:
        ngram_bits -= float(character_scores(scorer, vocabulary.encode(piece), vocabulary).sum())
        ppmd.read(piece)
        # PPMd takes LOST for an ordinary character; which unknown character it was costs this much more.
        lost_bits -= piece.count(LOST) * vocabulary.unseen_log2_probability
        characters += len(piece)
    if characters == 0:
        raise TextError("An empty text cannot be scored: give at least one character.")
    return CountingScores((ppmd.bits() + lost_bits) / characters, ngram_bits / characters, len(counted))


class Ppmd:
    """PPMd after reading a training text. The score of a text is the growth of a compressed file, in whole bytes."""

    def __init__(self, training: str) -> None:
        pyppmd: Any = import_module("pyppmd")  # it has no useful types
        content = training.encode()
        alone, self._encoder = (pyppmd.Ppmd8Encoder(PPMD_ORDER, PPMD_MEMORY) for _ in range(2))
        self._bytes = len(self._encoder.encode(content)) - len(alone.encode(content)) - len(alone.flush())

    def read(self, text: str) -> None:
        """Read more text, which is scored and counted."""
        self._bytes += len(self._encoder.encode(text.encode("utf-8", "surrogatepass")))

    def bits(self) -> float:
        """Return the bits of all text read; nothing can be read afterwards."""
        self._bytes += len(self._encoder.flush())
        return 8.0 * self._bytes
