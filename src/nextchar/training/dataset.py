"""The ids to learn from and to validate on, and their vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

from nextchar.networks.architecture import Ids
from nextchar.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Dataset:
    """What a model is trained and scored on."""

    training: Ids
    """Ids to learn from, shape (n,), n at least 2; may be memory-mapped."""
    validation: Ids
    """Ids held out, shape (m,); where there are none, the last model is kept as the best."""
    vocabulary: Tokenizer
    start_id: int | None = None
    """Read before the first id that is scored, which is predicted too; None is the last id of ``training``."""

    @property
    def first_read(self) -> int:
        """The id that is read before the first one that is scored."""
        return int(self.training[-1]) if self.start_id is None else self.start_id

    def bits_per_character(self, ids: Ids, bits_per_id: float) -> float:
        """Return the bits per character of ``ids`` (t,), at least one, that cost ``bits_per_id`` in the mean, with what
        unknown characters cost beyond their ids."""
        characters = int(self.vocabulary.token_lengths(ids).sum())
        return bits_per_id * (len(ids) / characters) + float(self.vocabulary.unknown_cost(ids).sum()) / characters
