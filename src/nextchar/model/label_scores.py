"""What the entries of each label of a list need, given the label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextchar.text.labels import split_label


class LabelScore(NamedTuple):
    """What the entries of a label need."""

    entries: int
    characters: int
    """Those after the label, line ends included."""
    bits: float

    @property
    def bits_per_character(self) -> float:
        """Their mean bits of a character."""
        return self.bits / self.characters


def scores_by_label(lines: Sequence[str], surprises: NDArray[np.float64]) -> dict[str, LabelScore]:
    """Return the score of each label, the most frequent first.

    Args:
        lines: each with its label, without their ends.
        surprises: -log2 p of each character of them and of their line ends, shape (T,).
    """
    scores, end = dict[str, LabelScore](), 0
    for line in lines:
        label, entry = split_label(line)
        end += len(line) + 1
        known = scores.get(label, LabelScore(0, 0, 0.0))
        bits = float(surprises[end - len(entry) - 1 : end].sum())
        scores[label] = LabelScore(known.entries + 1, known.characters + len(entry) + 1, known.bits + bits)
    return dict(sorted(scores.items(), key=lambda item: -item[1].entries))
