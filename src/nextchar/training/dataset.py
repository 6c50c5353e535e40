"""A text to learn from and one to be scored on, as ids, with what the ids stand for."""

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

    def unknown_bits(self, ids: Ids) -> float:
        """Return the bits by which characters outside the vocabulary cost more than their id, a mean over ``ids`` (t,),
        at least one."""
        return -self.vocabulary.unseen_log2_probability * np.count_nonzero(ids == UNKNOWN_ID) / len(ids)
