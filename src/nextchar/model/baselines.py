"""Baselines: models that only count the training text, to compare the score of a network with.

PPMd, known from 7-Zip, and zpaq, which mixes many counts and is among the strongest compressors, also count the text
that they are scored on, as they read. The n-gram model does not, just like the network.

Sources: PPMd: Shkarin, "PPM: one step to practicality" (2002); variant I, as in the library pyppmd. zpaq: Mahoney, "The
ZPAQ compression algorithm" (2015), as in the library zpaq.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from nextchar.errors import TextError
from nextchar.model.scoring import Scorer, character_scores
from nextchar.networks.architecture import Ids
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.parallel import Threads, available_cores
from nextchar.text.byte_tokenizer import ByteTokenizer
from nextchar.text.tokenizer import Tokenizer

MAX_COUNTED = 4_000_000
"""Most characters that are counted, from the end of a training text. They take about 15 s and 400 MB, or 1.2 GB for a
text in which nothing repeats."""
PPMD_ORDER = 6
"""Bytes of context."""
PPMD_MEMORY = 256 << 20
"""Bytes; twelve million bytes of text in four scripts took less than a quarter of them."""
ZPAQ_METHOD = "x4.0w2c0.1010.255i1c256ci1.1.1.1.1.1.2ac0.2.0.255i1c0.3.0.0.255i1c0.4.0.0.0.255i1mm16ts19t0"
"""What zpaq's best level stands for, in blocks of 16 MB. Given by its level, it would choose other tables for the
training text alone than for the training text and the text scored, whose sizes are compared."""
LOST = "\U0010ffff"
"""Stands for an unknown character outside the vocabulary: a noncharacter of Unicode, which no text has."""


@dataclass(frozen=True)
class CountingScores:
    """Scores of the models that count."""

    ppmd_bits_per_character: float
    """PPMd of order 6 over the bytes of UTF-8, adapting as it reads."""
    zpaq_bits_per_character: float | None
    """zpaq over the bytes of UTF-8, adapting as it reads; None where it is not installed."""
    ngram_bits_per_character: float
    """An n-gram model with six characters of context, not adapting."""
    counted_characters: int
    """Characters counted, at most the last `MAX_COUNTED` of the training text."""


def count_and_score(training: Ids, vocabulary: Tokenizer, start: int, text: Iterable[str]) -> CountingScores:
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
    known = vocabulary.decode(counted, unknown=LOST)
    ppmd, zpaq = Ppmd(known), Zpaq(known) if find_spec("zpaq") else None
    ngram_bits, lost_bits, characters = 0.0, 0.0, 0
    for piece in text:
        ngram_bits -= float(character_scores(scorer, vocabulary.encode(piece), vocabulary).sum())
        ppmd.read(piece)
        if zpaq is not None:
            zpaq.read(piece)
        # Both take LOST for an ordinary character; which unknown character it was costs this much more.
        if LOST in piece:
            lost_bits += piece.count(LOST) * float(vocabulary.unknown_cost(vocabulary.encode(LOST)).sum())
        characters += len(piece)
    if characters == 0:
        raise TextError("An empty text cannot be scored: give at least one character.")
    return CountingScores(
        ppmd_bits_per_character=(ppmd.bits() + lost_bits) / characters,
        zpaq_bits_per_character=None if zpaq is None else (zpaq.bits() + lost_bits) / characters,
        ngram_bits_per_character=ngram_bits / characters,
        counted_characters=len(counted),
    )


class Ppmd:
    """PPMd after reading a training text. The score of a text is the growth of a compressed file, in whole bytes."""

    def __init__(self, training: str) -> None:
        pyppmd: Any = import_module("pyppmd")  # it has no useful types
        content = _content(training)
        alone, self._encoder = (pyppmd.Ppmd8Encoder(PPMD_ORDER, PPMD_MEMORY) for _ in range(2))
        self._bytes = len(self._encoder.encode(content)) - len(alone.encode(content)) - len(alone.flush())

    def read(self, text: str) -> None:
        """Read more text, which is scored and counted."""
        self._bytes += len(self._encoder.encode(_content(text)))

    def bits(self) -> float:
        """Return the bits of all text read; nothing can be read afterwards."""
        self._bytes += len(self._encoder.flush())
        return 8.0 * self._bytes


class Zpaq:
    """zpaq after reading a training text. The score of a text is the growth of a compressed file, in whole bytes."""

    def __init__(self, training: str) -> None:
        self._training, self._read = _content(training), bytearray()

    def read(self, text: str) -> None:
        """Read more text, which is scored and counted."""
        self._read += _content(text)

    def bits(self) -> float:
        """Return the bits of all text read. It takes about ten seconds for each megabyte, training text included."""
        whole, before = (self._compressed(content) for content in (self._training + self._read, self._training))
        return 8.0 * (whole - before)

    def _compressed(self, content: bytes) -> int:
        zpaq: Any = import_module("zpaq")  # it has no types
        return len(zpaq.compress(content, threads=1, method=ZPAQ_METHOD))


def _content(text: str) -> bytes:
    """Return the bytes of ``text``; those that are not UTF-8 are lone surrogates in it."""
    return ByteTokenizer().encode(text).tobytes()
