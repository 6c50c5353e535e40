"""How many bits per character a model needs for stretches of text like its own, and how much that varies.

The mean over a stretch of n characters varies for two reasons: characters differ, which evens out over n, and stretches
differ in what they are about, which does not:

    variance(n) = variance of a character / n + variance of a stretch
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

LENGTHS = (32, 64, 128, 256, 512, 1024, 2048)
"""Characters of the stretches that are compared."""
MIN_STRETCHES = 4
"""Fewest stretches of a length whose variance says anything."""
MIN_CHARACTERS = LENGTHS[0] * MIN_STRETCHES
"""Fewest characters that a spread can be measured on."""

MIN_OF_STRETCHES = 0.1
"""Standard deviation of a stretch that is assumed at least: other texts of an author differ more than the end of one.
Measured on four books: 0.02, 0.07, 0.14 and 0.16 (docs/measurements/2026-11-28-who.md)."""


class Spread(BaseModel):
    """The bits per character of held-out stretches: their mean, and how far they lie apart."""

    model_config = ConfigDict(frozen=True, extra="allow")

    mean: float = Field(ge=0, allow_inf_nan=False)
    """Bits per character."""
    of_characters: float = Field(ge=0, allow_inf_nan=False)
    """Standard deviation of a character, as it counts in a stretch of many."""
    of_stretches: float = Field(ge=0, allow_inf_nan=False)
    """Standard deviation of a stretch, however long it is."""
    characters: int = Field(ge=1)
    """Held-out characters that this was measured on."""

    @classmethod
    def of(cls, bits: NDArray[np.float64]) -> Spread | None:
        """Return the spread of ``bits``, those of each character of a held-out text (T,); None for a text shorter than
        `MIN_CHARACTERS`."""
        if len(bits) < MIN_CHARACTERS:
            return None
        lengths = [length for length in LENGTHS if len(bits) // length >= MIN_STRETCHES]
        stretches = [bits[: len(bits) // n * n].reshape(-1, n).mean(1) for n in lengths]
        variances = np.array([means.var(ddof=1) for means in stretches])  # (N,)
        # A variance is known to a share of itself that shrinks with the number of stretches it comes from.
        weights = np.sqrt([len(means) for means in stretches]) / np.maximum(variances, 1e-12)
        inverse = 1 / np.array(lengths)
        of_character, of_stretch = _non_negative_fit(inverse, variances, weights)
        return cls(
            mean=float(bits.mean()),
            of_characters=float(np.sqrt(of_character)),
            of_stretches=float(np.sqrt(of_stretch)),
            characters=len(bits),
        )

    def deviations(self, bits_per_character: float, characters: int) -> float:
        """Return how many standard deviations above the mean a text of ``characters``, at least 1, lies."""
        of_stretches = max(self.of_stretches, MIN_OF_STRETCHES)
        return (bits_per_character - self.mean) / math.hypot(self.of_characters / math.sqrt(characters), of_stretches)


def _non_negative_fit(
    inverse: NDArray[np.float64], variances: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Return a and b, neither negative, for which a ``inverse`` + b is nearest to ``variances``: (N,) each."""
    terms = np.stack([inverse, np.ones(len(inverse))], 1) * weights[:, None]  # (N, 2)
    a, b = np.linalg.lstsq(terms, variances * weights)[0].tolist()
    if a >= 0 and b >= 0 and len(inverse) > 1:
        return a, b
    only_a, only_b = (float(term @ (variances * weights) / (term @ term)) for term in terms.T)
    return (only_a, 0.0) if b < 0 or len(inverse) == 1 else (0.0, only_b)
