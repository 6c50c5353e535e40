"""The n-grams of a text and their counts, in flat arrays that a model file stores as they are.

The n-grams form a tree: the children of a context are the ids that came after it. Node 0 is the context without ids;
then come all n-grams of one id, of two, and so on up to ``order`` + 1, each length in the order of (context, id). So
the children of a context have numbers in a row, and those of the next context follow: the number of children of each is
enough to find them, and the last id of an n-gram is enough to know it.

A count is the number of times that an n-gram of ``order`` + 1 ids occurs. For a shorter one it is the number of
different ids before it (`nextchar.networks.ngram_network` says why).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.architecture import Floats

MAX_BYTE = 255
"""Stands, in a file, for numbers from here on, which follow in an array of their own."""
PACKED = ("counts", "children", "lost")
"""Names of the arrays that are stored in bytes."""
MAX_NUMBER = np.iinfo(np.int32).max
"""The largest count."""

Numbers = NDArray[np.int64]
Int32s = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class NgramCounts:
    """The counts of a text: N nodes, of which the first C are contexts."""

    vocabulary_size: int
    """V."""
    order: int
    """Most ids of context."""
    firsts: Int32s
    """Number of the first child of each context, and the end of the last one's children: (C + 1,)."""
    ids: Int32s
    """The last id of each node: (N,); that of node 0 means nothing."""
    counts: Int32s
    """(N,)"""
    lost: Int32s
    """Counts of children that were pruned, for each context: (C,)."""
    discounts: Floats
    """What comes off counts of 1, of 2, and of 3 or more after contexts of 0, 1, ... ids: (order + 1, 3)."""

    @cached_property
    def starts(self) -> Numbers:
        """Number of the first node of 0, 1, ... ``order`` + 1 ids, and N: (order + 3,)."""
        starts = [0, 1]
        for _ in range(self.order):
            starts.append(int(self.firsts[starts[-1]]))
        return np.array([*starts, len(self.ids)])

    @cached_property
    def contexts(self) -> Numbers:
        """Number of the context of each node, shape (N,); 0 for node 0."""
        return np.concatenate([[0], np.repeat(np.arange(len(self.firsts) - 1), np.diff(self.firsts))])

    @cached_property
    def totals(self) -> Numbers:
        """Sum of the counts of each context's children, the pruned ones included: (C,)."""
        return self._sums(self.counts).astype(np.int64) + self.lost

    @cached_property
    def shares(self) -> Floats:
        """(n - D(n)) / total of each node, the part of its probability that its own count gives: (N,)."""
        totals = self.totals[self.contexts]  # (N,)
        kept = self.counts - self._discounts
        shares = np.divide(kept, totals, out=np.zeros(len(kept)), where=totals > 0)
        shares[0] = 0
        return shares.astype(np.float32)

    @cached_property
    def rests(self) -> Floats:
        """The probability that each context leaves to the next shorter one: (C,)."""
        left = self._sums(self._discounts) + self.lost
        return np.divide(left, self.totals, out=np.ones(len(left)), where=self.totals > 0).astype(np.float32)

    @cached_property
    def without_context(self) -> Floats:
        """The probability of each id after nothing, shape (V,)."""
        probabilities = np.full(self.vocabulary_size, self.rests[0] / self.vocabulary_size, np.float32)
        singles = slice(1, self.firsts[1])
        probabilities[self.ids[singles]] += self.shares[singles]
        return probabilities

    @cached_property
    def _discounts(self) -> NDArray[np.float64]:
        """What comes off the count of each node: (N,)."""
        lengths = np.repeat(np.arange(-1, self.order + 1), np.diff(self.starts))  # (N,), of the contexts
        table = np.concatenate([np.zeros((self.order + 1, 1)), self.discounts], axis=1)  # (order + 1, 4)
        return np.where(lengths < 0, 0, table[lengths, np.minimum(self.counts, 3)])

    def _sums(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return the sum of ``values`` (N,) over the children of each context, shape (C,)."""
        sums = np.bincount(self.contexts[1:], weights=values[1:], minlength=len(self.firsts) - 1)
        return sums.astype(np.float64)  # they are whole numbers where there are no values

    def only(self, kept: NDArray[np.bool_]) -> NgramCounts:
        """Return the counts with the nodes ``kept`` (N,) only, which include node 0 and the context of each."""
        children = self._sums_of_children(kept)  # (C,)
        lost = self.lost + self._sums_of_children(np.where(kept, 0, self.counts))
        kept_contexts = kept[: len(self.lost)]
        return replace(
            self,
            firsts=np.cumsum(np.concatenate([[1], children[kept_contexts]]), dtype=np.int32),
            ids=self.ids[kept],
            counts=self.counts[kept],
            # A context without children is as good as unseen.
            lost=np.where(children > 0, lost, 0)[kept_contexts].astype(np.int32),
        )

    def _sums_of_children(self, values: NDArray[np.integer | np.bool_]) -> Numbers:
        """Return the sum of whole ``values`` (N,) over the children of each context, shape (C,)."""
        return np.diff(np.cumsum(values, dtype=np.int64)[self.firsts - 1])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of a model file; numbers take a byte each where they are below `MAX_BYTE`."""
        small = np.min_scalar_type(self.vocabulary_size - 1)
        return {
            "ids": self.ids[1:].astype(small),
            "discounts": self.discounts,
            **_packed("counts", self.counts[1:]),
            **_packed("children", np.diff(self.firsts)),
            **_packed("lost", self.lost),
        }

    @classmethod
    def from_arrays(
        cls, vocabulary_size: int, order: int, arrays: Mapping[str, NDArray[Any]], *, min_count: int = 1
    ) -> NgramCounts:
        """Return what `to_arrays` stored; ``min_count`` is the smallest count there may be.

        Raises:
            ValueError: the arrays do not fit each other; the message completes "the file is damaged: ...".
        """
        if set(arrays) != {"ids", "discounts", *(f"{large}{n}" for n in PACKED for large in ("", "large_"))}:
            raise ValueError("its tensors do not fit its architecture")
        children, lost = _unpacked("children", arrays), _unpacked("lost", arrays)
        counts = np.concatenate([[0], _unpacked("counts", arrays)])
        ids = np.concatenate([[0], arrays["ids"]]).astype(np.int32)
        firsts = 1 + np.concatenate([[0], np.cumsum(children)])
        discounts = arrays["discounts"].astype(np.float32)
        if (
            len(children) < 1
            or len(children) != len(lost)
            or len(ids) != len(counts)
            or firsts[-1] != len(ids)
            or discounts.shape != (order + 1, 3)
            or ids.max(initial=0) >= vocabulary_size
            or counts[1:].min(initial=1) < min_count
            or not ((discounts > 0) & (discounts <= [1, 2, 3])).all()
        ):
            raise ValueError("its counts do not fit each other")
        firsts, counts, lost = (array.astype(np.int32) for array in (firsts, counts, lost))
        found = cls(vocabulary_size, order, firsts, ids, counts, lost, discounts)
        if not found._is_in_order():
            raise ValueError("its n-grams are out of order")
        return found

    def _is_in_order(self) -> bool:
        """Return whether the lengths of the n-grams fit the numbers of children, and the children of each context are
        in the order of their ids, each once."""
        contexts, level = len(self.firsts) - 1, slice(0, 1)
        for _ in range(self.order):
            if level.stop > contexts:
                return False
            level = slice(level.stop, int(self.firsts[level.stop]))
        keys = self.contexts * self.vocabulary_size + self.ids  # (N,)
        return level.stop == contexts and bool((np.diff(keys[1:]) > 0).all())


def _packed(name: str, values: Int32s) -> dict[str, NDArray[Any]]:
    large = values[values >= MAX_BYTE]
    return {name: np.minimum(values, MAX_BYTE).astype(np.uint8), f"large_{name}": large.astype(np.uint32)}


def _unpacked(name: str, arrays: Mapping[str, NDArray[Any]]) -> Numbers:
    values, large = arrays[name].astype(np.int64), arrays[f"large_{name}"]
    escaped = np.flatnonzero(values == MAX_BYTE)
    if len(escaped) != len(large) or large.max(initial=0) > MAX_NUMBER:
        raise ValueError("its counts do not fit each other")
    values[escaped] = large
    return values
