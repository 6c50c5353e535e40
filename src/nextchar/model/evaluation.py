"""How well a model predicts a text, by one or several scorers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from nextchar.errors import TextError
from nextchar.model.scoring import ScoresIds, character_scores
from nextchar.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Evaluation:
    """How well a model predicts a text.

    >>> import nextchar
    >>> tiny = {"steps": 100, "hidden": 16, "layers": 1, "streams": 8, "learning_rate": 0.03}
    >>> model = nextchar.train(text="so it goes. " * 100, quiet=True, **tiny)
    >>> evaluation = model.evaluate("so it goes! so it goes. ")
    >>> evaluation.characters, evaluation.unknown_characters
    (24, 1)
    >>> evaluation.bits_per_character < 4
    True
    """

    bits_per_character: float
    """Mean of -log2 p over every character, each predicted once from all before it."""
    characters: int
    unknown_characters: int
    """Characters outside the vocabulary; they share the unknown symbol's probability, spread over the rest of
    Unicode."""
    adaptive_bits_per_character: float | None = None
    """The same mean if the model learns from the text as it scores it; None unless asked for."""
    network_bits_per_character: float | None = None
    """That of the network alone; None unless asked for, or where the model is one network."""
    counts_bits_per_character: float | None = None
    """That of the counts alone; None like the network's."""
    lines: int = 0
    """Line ends in the text."""
    tokens: int = 0
    """Tokens in the text."""


def score_pieces(scorers: Mapping[str, ScoresIds], pieces: Iterable[str], vocabulary: Tokenizer) -> Evaluation:
    """Return the scores of a text, by the names of the fields that each scorer gives.

    Args:
        scorers: at the beginning of a text, at least that of ``bits_per_character``.
        pieces: of the text, as the model reads it.
        vocabulary: of the model.

    Raises:
        TextError: the text is empty.
    """
    bits, characters, unknown, lines, tokens = dict.fromkeys(scorers, 0.0), 0, 0, 0, 0
    for piece in pieces:
        ids = vocabulary.encode(piece)
        for name, scorer in scorers.items():
            bits[name] -= float(character_scores(scorer, ids, vocabulary).sum())
        characters += len(piece)
        tokens += len(ids)
        lines += piece.count("\n")
        unknown += int(np.count_nonzero(vocabulary.unknown_in(piece)))
    if characters == 0:
        raise TextError("An empty text cannot be scored: give at least one character.")
    means = {name: total / characters for name, total in bits.items()}
    return Evaluation(characters=characters, unknown_characters=unknown, lines=lines, tokens=tokens, **means)
