"""How much of a text is decomposed: letters apart from their marks, and syllables apart in jamo.

A keyboard writes é and 한 as one character each; some programs and file systems take them apart. A model of such a text
learns several characters for one, and does not know what people type. Unicode's form NFC puts them together.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nextchar.text.tokenizer import Tokenizer

NOTICED = 0.001
"""Share of decomposed characters from which on it is worth a word."""
BLOCK, BLOCKS = 1 << 16, 32
"""Ids of a block, and number of blocks, from all over a text, that are looked at."""
ADVICE = "--normalize nfc composes them, in the text and in every prompt"


def decomposed_sequences(text: str) -> Sequence[str]:
    """Return the sequences of a character with marks or jamo in ``text`` that NFC would write otherwise."""
    if unicodedata.is_normalized("NFC", text):
        return ()
    later = "".join(filter(_goes_on, set(text)))
    if not later:
        return ()
    marks = re.escape(later)
    found: list[str] = re.findall(f"[^{marks}][{marks}]+", text)
    return [sequence for sequence in found if not unicodedata.is_normalized("NFC", sequence)]


def decomposed_share(ids: NDArray[np.integer], tokens: Tokenizer) -> float:
    """Return about which share of the characters of an encoded text, ``ids`` (n,), is decomposed: 0 to 1."""
    if tokens.kind == "bytes" or not any(map(_goes_on, tokens.characters)):
        return 0.0
    count = min(BLOCKS, -(-len(ids) // BLOCK))
    starts = np.linspace(0, max(0, len(ids) - BLOCK), count).astype(int).tolist()
    texts = [tokens.decode(ids[start : start + BLOCK]) for start in starts]
    decomposed = sum(len(sequence) for text in texts for sequence in decomposed_sequences(text))
    return decomposed / max(1, sum(map(len, texts)))


def _goes_on(character: str) -> bool:
    """Return whether ``character`` may be part of a character with the one before it."""
    return unicodedata.combining(character) > 0 or "\u1160" <= character <= "\u11ff"
