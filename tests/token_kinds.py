"""Tokens of every kind, of a given text."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nextchar.settings import TokenKind
from nextchar.text.byte_tokenizer import ByteTokenizer
from nextchar.text.jamo import JamoTokenizer
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import CODE_POINTS, Counts, Vocabulary, code_points
from nextchar.text.word_tokenizer import WordTokenizer

TOKEN_KINDS: tuple[TokenKind, ...] = ("characters", "bytes", "jamo", "words")


def counts_of(text: str) -> Counts:
    """Return how often each code point occurs in ``text``, shape (0x110000,)."""
    return np.bincount(code_points(text), minlength=CODE_POINTS)


def jamo_of(text: str, min_count: int = 1) -> JamoTokenizer:
    """Return the jamo and other characters of ``text``."""
    return JamoTokenizer.from_counts(counts_of(text), min_count)


def words_in(text: str, size: int | None = None, min_count: int = 1) -> WordTokenizer:
    """Return the words, pieces and characters of ``text``."""
    return WordTokenizer.of_text([text], Vocabulary.from_counts(counts_of(text), min_count), size)


def tokens_of_every_kind(text: str) -> Mapping[TokenKind, Tokenizer]:
    """Return the tokens of ``text``, of each kind."""
    characters = Vocabulary.from_counts(counts_of(text))
    return {"characters": characters, "bytes": ByteTokenizer(), "jamo": jamo_of(text), "words": words_in(text)}
