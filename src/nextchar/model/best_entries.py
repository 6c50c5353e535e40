"""The most probable entries of a list, in order: best-first search over their prefixes.

A prefix is at least as probable as every entry that starts with it. So the most probable of all prefixes not yet looked
at decides: if it is a whole entry, no other one can be more probable; if not, it is replaced by those one id longer. A
prefix stands in the queue with its next best id alone; the others follow one by one.

Where several sequences of ids spell the same entry, that counts which the entry is read as: its bits are its score.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.model.list_constraints import ListConstraints, Position
from nextchar.model.list_drawing import NATS, read_starts
from nextchar.model.sampling import log_normaliser
from nextchar.networks.architecture import Floats, Network
from nextchar.networks.states import join_states, state_rows

MAX_BYTES = 1 << 29
"""Memory of the prefixes that have been looked at."""
BATCH = 256
"""Prefixes read side by side: the most probable ones, some of which would never have been needed."""
OBJECTS = 500
"""Bytes of a prefix besides its arrays, roughly."""


@dataclass(frozen=True, eq=False)
class _Prefix:
    """A prefix that has been read."""

    ids: tuple[int, ...]
    position: Position
    state: Any
    """State after it, of one text."""
    following: NDArray[np.intp]
    """The ids allowed after it, the most probable first, shape (N,)."""
    bits: NDArray[np.float64]
    """-log2 p of the prefix with each of them, shape (N,)."""


_Candidate = tuple[float, int, _Prefix, int]
"""The bits of a prefix, a number that decides between equals, and the prefix as another one with an id after it, by
its place in ``following``."""


class BestEntries:
    """Searches for the most probable entries."""

    def __init__(self, network: Network[Any], constraints: ListConstraints, max_bytes: int = MAX_BYTES) -> None:
        """Prepare to search; nothing is read yet."""
        self.is_full = False
        """Whether the search ended because its memory was full."""
        self._network, self._constraints, self._bytes_left = network, constraints, max_bytes
        self._queue: list[_Candidate] = []
        self._whole: list[_Candidate] = []
        self._numbers = count()

    def steps(self) -> Iterator[list[tuple[str, float]]]:
        """Yield after each step of work the entries found, as texts and their bits, the most probable first."""
        for start in read_starts(self._network, self._constraints):
            self._add([start.ids], [start.position], start.logits[None], start.state, np.array([start.bits]))
        while (self._queue or self._whole) and not self.is_full:
            for prefixes in self._pop_batch():
                self._read(prefixes)
            yield list(self._ready())

    def _pop_batch(self) -> list[list[_Candidate]]:
        """Take the most probable candidates from the queue, and return those to read, of as many ids together."""
        batch: list[_Candidate] = []
        while self._queue and len(batch) < BATCH:
            candidate = heapq.heappop(self._queue)
            _, _, prefix, place = candidate
            self._push(prefix, place + 1)
            if prefix.following[place] == self._constraints.line_end:
                heapq.heappush(self._whole, candidate)
            else:
                batch.append(candidate)

        def length(candidate: _Candidate) -> int:
            return len(candidate[2].ids)

        return [list(group) for _, group in groupby(sorted(batch, key=length), length)]

    def _read(self, candidates: Sequence[_Candidate]) -> None:
        """Read the last id of ``candidates`` (B), which have as many ids."""
        last = [int(prefix.following[place]) for _, _, prefix, place in candidates]
        state = join_states([prefix.state for _, _, prefix, _ in candidates])
        logits, state = self._network.forward(np.array(last)[:, None], state)  # (B, 1, V)
        before = [(prefix, id_) for (_, _, prefix, _), id_ in zip(candidates, last, strict=True)]
        ids = [(*prefix.ids, id_) for prefix, id_ in before]
        positions = [self._constraints.after(prefix.position, id_) for prefix, id_ in before]
        self._add(ids, positions, logits[:, 0], state, np.array([bits for bits, *_ in candidates]))

    def _add(
        self,
        ids: Sequence[tuple[int, ...]],
        positions: Sequence[Position],
        logits: Floats,
        state: Any,
        bits: NDArray[np.float64],
    ) -> None:
        """Add prefixes with as many ids that have been read: their ``logits`` (B, V), ``state`` and ``bits`` (B,)."""
        costs = bits[:, None] + (log_normaliser(logits)[:, None] - logits) / NATS  # (B, V)
        for row, position in enumerate(positions):
            allowed = np.flatnonzero(self._constraints.allowed(position))  # (N,)
            order = allowed[np.argsort(costs[row, allowed], kind="stable")]  # (N,)
            own = state_rows(state, np.array([row]))
            self._push(_Prefix(ids[row], position, own, order, costs[row, order]), 0)
            self._bytes_left -= OBJECTS + 16 * len(allowed)
        self._bytes_left -= _size(state)
        self.is_full = self._bytes_left < 0

    def _push(self, prefix: _Prefix, place: int) -> None:
        if place < len(prefix.following):
            heapq.heappush(self._queue, (float(prefix.bits[place]), next(self._numbers), prefix, place))

    def _ready(self) -> Iterator[tuple[str, float]]:
        """Yield the whole entries than which nothing in the queue can be more probable."""
        while self._whole and (not self._queue or self._whole[0][0] <= self._queue[0][0]):
            bits, _, prefix, _ = heapq.heappop(self._whole)
            text = self._constraints.text(prefix.ids)
            if text is not None:
                yield text, bits


def _size(state: Any) -> int:
    """Return the bytes of ``state``."""
    if isinstance(state, np.ndarray):
        return state.nbytes
    return sum(map(_size, state))
