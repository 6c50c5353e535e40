"""Scoring: how many bits a network needs for each id of a text, for any Network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nextchar.architecture import Ids, Network

CHUNK = 4096
"""Ids read at once; memory is in proportion to it, the result is not changed by it."""


def log2_probabilities(network: Network, ids: Ids, start: int, chunk: int = CHUNK) -> Iterator[NDArray[np.float64]]:
    """Yield log2 p of each id of ``ids`` (T,) given all before it, in chunks of shape (at most ``chunk``,).

    ``start`` is the id read before the first one, so that every id is predicted and counted exactly once. The state is
    carried from one chunk to the next.
    """
    state = network.initial_state(1)
    before = start
    for first in range(0, len(ids), chunk):
        targets = np.asarray(ids[first : first + chunk], np.intp)  # (T,)
        inputs = np.concatenate([[before], targets[:-1]])  # (T,)
        logits, state = network.forward(inputs[None], state)  # (1, T, V)
        yield log2_softmax(logits[0], targets)
        before = int(targets[-1])


def log2_softmax(logits: NDArray[np.floating], targets: Ids) -> NDArray[np.float64]:
    """Return log2 of the probability that ``logits`` (T, V) give to ``targets`` (T,), shape (T,)."""
    peak = logits.max(-1)  # (T,)
    total = np.exp(logits - peak[:, None]).sum(-1, dtype=np.float64)  # (T,)
    chosen = np.take_along_axis(logits, targets[:, None], -1)[:, 0]  # (T,)
    return (chosen.astype(np.float64) - peak - np.log(total)) / np.log(2)


def bits_per_id(network: Network, ids: Ids, start: int) -> float:
    """Return the mean of -log2 p over ``ids`` (T,), at least one, the state carried through the whole of it."""
    return -sum(float(part.sum()) for part in log2_probabilities(network, ids, start)) / len(ids)


def parallel_bits_per_id(network: Network, ids: Ids, start: int, streams: int, warm_up: int) -> float:
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
