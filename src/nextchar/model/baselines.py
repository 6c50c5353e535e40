"""What counting alone gets on a text, beside which the figure of a network says what it has learned.

Two models that know nothing but how often what came after what in the training text: PPMd, known from 7-Zip, which goes
on counting in the text that it is scored on; and an n-gram model, which does not, as the network does not.

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

MOST_COUNTED = 4_000_000
"""Characters at the end of a training text that are counted at most, in some 15 s; ordinary text takes 400 MB for it,
and one in which nothing comes twice 1.2 GB."""
PPMD_ORDER = 6
"""Bytes of context."""
PPMD_MEMORY = 256 << 20
"""Bytes; twelve million bytes of text in four scripts took less than a quarter of it."""
LOST = "\U0010ffff"
"""Stands for a character that is known only not to be in the vocabulary. Unicode says that no text has it."""


@dataclass(frozen=True)
class CountingScores:
    """How well counting predicts a text."""

    ppmd_bits_per_character: float
    """Of PPMd, order 6, over the bytes of UTF-8, adapting as it reads."""
    ngram_bits_per_character: float
    """Of an n-gram model with six characters of context, not adapting."""
    counted_characters: int
    """Characters of the training text that were counted, `MOST_COUNTED` of its end at most."""


def count_and_score(training: Ids, vocabulary: Vocabulary, start: int, text: Iterable[str]) -> CountingScores:
    """Return what counting the ``training`` text gets on another.

    Args:
        training: ids of the training text, shape (n,); may be memory-mapped.
        vocabulary: what its ids stand for.
        start: id read before the first character, as by the model that this is compared with.
        text: what to score, in pieces; `LOST` where a character is lost.

    Raises:
        TextError: the text is empty.
    """
    counted = np.array(training[-MOST_COUNTED:])
    scorer = Scorer(NgramNetwork(counted, vocabulary.size), start, Threads(available_cores()))
    ppmd = Ppmd(vocabulary.decode(counted, unknown=LOST))
    ngram_bits, lost_bits, characters = 0.0, 0.0, 0
    for piece in text:
        ngram_bits -= float(character_scores(scorer, vocabulary.encode(piece), vocabulary).sum())
        ppmd.read(piece)
        # To PPMd it is one character like any other: which of those outside the vocabulary it was costs this more.
        lost_bits -= piece.count(LOST) * vocabulary.unseen_log2_probability
        characters += len(piece)
    if characters == 0:
        raise TextError("An empty text cannot be scored: give at least one character.")
    return CountingScores((ppmd.bits() + lost_bits) / characters, ngram_bits / characters, len(counted))


class Ppmd:
    """PPMd that has read a training text. A score of it is the growth of a compressed file, in whole bytes."""

    def __init__(self, training: str) -> None:
        pyppmd: Any = import_module("pyppmd")  # it has no types that are of use
        content = training.encode()
        alone, self._encoder = (pyppmd.Ppmd8Encoder(PPMD_ORDER, PPMD_MEMORY) for _ in range(2))
        self._bytes = len(self._encoder.encode(content)) - len(alone.encode(content)) - len(alone.flush())

    def read(self, text: str) -> None:
        """Read on: what is read is scored, and counted from then on."""
        self._bytes += len(self._encoder.encode(text.encode("utf-8", "surrogatepass")))

    def bits(self) -> float:
        """Return the bits that all of what was read took; nothing can be read any more."""
        self._bytes += len(self._encoder.flush())
        return 8.0 * self._bytes
