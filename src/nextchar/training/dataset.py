"""The ids to learn from and to score on, and their vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nextchar.networks.architecture import Ids
from nextchar.text.tokenizer import Tokenizer

COUNTED = 1 << 20
"""Ids at the beginning of a text of which the characters are counted."""


@dataclass(frozen=True)
class Dataset:
    """What a model is trained and scored on."""

    training: Ids
    """Ids to learn from, shape (n,), n at least 2; may be memory-mapped."""
    validation: Ids
    """Ids held out, shape (m,); if there are none, the last model is kept as the best."""
    vocabulary: Tokenizer
    start_id: int | None = None
    """The id read before the first scored id, so that this is predicted too; None means the last id of ``training``."""

    @property
    def first_read(self) -> int:
        """The id that is read before the first scored id."""
        return int(self.training[-1]) if self.start_id is None else self.start_id

    @cached_property
    def characters_per_id(self) -> float:
        """Mean number of characters that an id of the training text stands for."""
        return float(self.vocabulary.token_lengths(np.asarray(self.training[:COUNTED])).mean())

    def count_characters(self, ids: Ids) -> int:
        """Return the number of characters that ``ids`` (t,) stand for."""
        return int(self.vocabulary.token_lengths(ids).sum())

    def bits_per_character(self, ids: Ids, bits_per_id: float) -> float:
        """Return the bits per character of ``ids`` (t,), at least one.

        Args:
            ids: the ids that were scored.
            bits_per_id: their mean cost, to which the extra cost of unknown characters is added.
        """
        characters = self.count_characters(ids)
        return bits_per_id * (len(ids) / characters) + float(self.vocabulary.unknown_cost(ids).sum()) / characters
