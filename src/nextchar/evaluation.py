"""Scoring: how many bits a network needs for each id of a text, for any Network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.architecture import Ids, Network

CHUNK = 4096
"""Ids read at once; memory is in proportion to it, the result is not changed by it."""


class Scorer:
    """Scores a text piece by piece, the state carried from one to the next, each id predicted once from all before
    it."""

    def __init__(self, network: Network[Any], start: int) -> None:
        """Begin a text; ``start`` is the id read before its first one, so that this is predicted too."""
        self._network = network
        self._state = network.initial_state(1)
        self._before = start

    def score(self, ids: Ids) -> NDArray[np.float64]:
        """Return log2 p of each of the next ``ids`` (T,), shape (T,)."""
        scores = [self._score_chunk(ids[first : first + CHUNK]) for first in range(0, len(ids), CHUNK)]
        return np.concatenate(scores) if scores else np.empty(0)

    def _score_chunk(self, ids: Ids) -> NDArray[np.float64]:
        targets = np.asarray(ids, np.intp)  # (T,)
        inputs = np.concatenate([[self._before], targets[:-1]])  # (T,)
        logits, self._state = self._network.forward(inputs[None], self._state)  # (1, T, V)
        self._before = int(targets[-1])
        return log2_softmax(logits[0], targets)


def log2_softmax(logits: NDArray[np.floating], targets: Ids) -> NDArray[np.float64]:
    """Return log2 of the probability that ``logits`` (T, V) give to ``targets`` (T,), shape (T,)."""
    peak = logits.max(-1)  # (T,)
    total = np.exp(logits - peak[:, None]).sum(-1, dtype=np.float64)  # (T,)
    chosen = np.take_along_axis(logits, targets[:, None], -1)[:, 0]  # (T,)
    return (chosen.astype(np.float64) - peak - np.log(total)) / np.log(2)


def bits_per_id(network: Network[Any], ids: Ids, start: int) -> float:
    """Return the mean of -log2 p over ``ids`` (T,), at least one, the state carried through the whole of it."""
    return -float(Scorer(network, start).score(ids).mean())


def parallel_bits_per_id(network: Network[Any], ids: Ids, start: int, streams: int, warm_up: int) -> float:
    """Return nearly what `bits_per_id` returns, several times sooner, by reading ``streams`` parts side by side.

    Each part is read from ``warm_up`` ids before its first counted one, from the zero state. Every id is counted once;
    what differs is what a state that began at the text's first id would still remember from further back.
    """
    length = -(-len(ids) // streams)  # ids counted in a part
    padded = np.full(warm_up + streams * length + 1, start, np.intp)
    padded[warm_up + 1 : warm_up + 1 + len(ids)] = ids
    offsets = np.arange(streams)[:, None] * length  # (B, 1)
    state = network.initial_state(streams)
    total, step = 0.0, max(1, CHUNK // streams)
    for first in range(0, warm_up + length, step):
        columns = offsets + np.arange(first, min(first + step, warm_up + length))  # (B, T)
        logits, state = network.forward(padded[columns], state)  # (B, T, V)
        counted = (columns >= offsets + warm_up) & (columns < warm_up + len(ids))
        total -= float(log2_softmax(logits[counted], padded[columns + 1][counted]).sum())
    return total / len(ids)
