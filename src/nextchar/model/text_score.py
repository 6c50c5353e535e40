"""The score of a text among many, in short."""

from __future__ import annotations

from typing import NamedTuple

from nextchar.model.line_quantiles import LineQuantiles


class TextScore(NamedTuple):
    """The score of a text, in short; what a text without characters does not have is None."""

    bits: float
    """Sum of -log2 p of its characters."""
    bits_per_character: float | None
    characters: int
    surprise_column: int | None = None
    """Where its most surprising character is, from 1."""
    surprise_character: str | None = None
    """That character, as the model reads it."""
    surprise_bits: float | None = None
    """-log2 p of it."""
    odder_than: float | None = None
    """Share of the held-out lines of the model that have fewer bits a character, from 0 to 1; None where the model file
    has no scores of them."""


def text_score(text: str, bits: float, place: int, highest: float, quantiles: LineQuantiles | None) -> TextScore:
    """Return the score of ``text``.

    Args:
        text: as the model reads it.
        bits: of all of it.
        place: index of its most surprising character.
        highest: the bits of that.
        quantiles: of held-out lines, if the model has them.
    """
    if not text:
        return TextScore(bits, None, 0)
    mean = bits / len(text)
    odder_than = None if quantiles is None else quantiles.odder_than(mean)
    return TextScore(bits, mean, len(text), place + 1, text[place], highest, odder_than)
