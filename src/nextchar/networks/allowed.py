"""Which ids may be drawn, after which others, in a form that compiled loops read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.architecture import Floats


class Allowed(NamedTuple):
    """Which ids may be drawn next in B texts. What may come depends on the class, of C, of the id before."""

    rows: NDArray[np.bool_]
    """Whether an id may be drawn after one of each class, shape (C, V)."""
    classes: NDArray[np.uint8]
    """The class of each id, shape (V,)."""
    last: NDArray[np.int64]
    """The class of the id before, of each text: (B,). It changes as ids are drawn."""

    @classmethod
    def always(cls, mask: NDArray[np.bool_], batch: int) -> Allowed:
        """Return that the ids of ``mask`` (V,) may be drawn in each of ``batch`` texts, whatever is before."""
        return cls(mask[None], np.zeros(len(mask), np.uint8), np.zeros(batch, np.int64))

    def where(self, mask: NDArray[np.bool_]) -> Allowed:
        """Return the same without the ids that ``mask`` (V,) leaves out."""
        return self._replace(rows=self.rows & mask)

    def masked(self, logits: Floats) -> Floats:
        """Return ``logits`` (B, V), -inf where an id may not be drawn."""
        return np.where(self.rows[self.last], logits, -np.inf)

    def read(self, ids: NDArray[np.intp]) -> None:
        """Take note of the next id of each text, (B,)."""
        self.last[:] = self.classes[ids]
