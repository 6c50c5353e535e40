"""The ids to learn from and to validate on, and their vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextchar.networks.architecture import Ids
from nextchar.text.vocabulary import UNKNOWN_ID, Vocabulary


@dataclass(frozen=True)
class Dataset:
    """What a model is trained and scored on."""

    training: Ids
    """Ids to learn from, shape (n,), n at least 2; may be memory-mapped."""
    validation: Ids
    """Ids held out, shape (m,); where there are none, the last model is kept as the best."""
    vocabulary: Vocabulary
    start_id: int | None = None
    """Read before the first id that is scored, which is predicted too; None is the last id of ``training``."""

    @property
    def first_read(self) -> int:
        """The id that is read before the first one that is scored."""
        return int(self.training[-1]) if self.start_id is None else self.start_id

    def unknown_bits(self, ids: Ids) -> float:
        """Return the bits by which characters outside the vocabulary cost more than their id, a mean over ``ids`` (t,),
        at least one."""
        return -self.vocabulary.unseen_log2_probability * np.count_nonzero(ids == UNKNOWN_ID) / len(ids)
