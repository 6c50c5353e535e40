"""Calibration: how sure of itself a network should be, fitted on held-out text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nextchar.networks.architecture import Floats, Ids, Network, Parameters
from nextchar.parallel import SERIAL, Executor

STREAMS, LENGTH = 32, 256
"""Most places of the text that are read, and most ids at each."""
MIN_LENGTH, LOGITS = 64, 1 << 23
"""Fewer ids are read at each place, down to `MIN_LENGTH`, where there would be more logits than this in all."""
AT_ONCE = 32
"""Ids read at once at each place."""
STEPS, CLOSE = 4, 0.003
"""Most steps of Newton's method, and the change below which it stops. One step is not enough where a network is much
too sure: it gives 1.24 where 1.19 is best, 0.01 bits worse."""
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.5, 2.0
"""Temperatures that are accepted: a text of a few characters could fit any."""


def fit_temperature(network: Network[Any], ids: Ids, executor: Executor = SERIAL) -> float:
    """Return the softmax temperature at which ``network`` needs the fewest bits for ``ids`` (T,), T at least 2.

    Newton's method fits 1 / temperature, starting at 1. One number learns so little from the text that the bits
    measured on it stay honest: 1 / 2T nats too few on average. Above 1 the network is surer than it should be, as most
    are that have seen a text many times.

    Source: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (2017).
    """
    length = min(LENGTH, max(MIN_LENGTH, LOGITS // (STREAMS * network.vocabulary_size)))
    rows = min(STREAMS, max(1, len(ids) // length))
    apart = len(ids) // rows
    read = np.stack([ids[first : first + min(apart, length)] for first in range(0, rows * apart, apart)])  # (B, t)
    shards = executor.map_shards(lambda shard: list(_read(network, read[shard])), rows)
    seen = [piece for pieces in shards for piece in pieces]
    inverse = 1.0
    for _ in range(STEPS):
        slopes, curvatures = zip(*(_derivatives(inverse, *piece) for piece in seen), strict=True)
        if sum(curvatures) <= 0:
            break
        before, inverse = (
            inverse,
            min(1 / MIN_TEMPERATURE, max(1 / MAX_TEMPERATURE, inverse - sum(slopes) / sum(curvatures))),
        )
        if abs(inverse - before) < CLOSE:
            break
    return 1 / inverse


def _read(network: Network[Any], ids: Ids) -> Iterator[tuple[Floats, Floats]]:
    """Read ``ids`` (B, T); yield in pieces the logits (B, s, V) of each id but the first, less the largest, and the
    logit of the id itself (B, s). The first piece is left out if there are others: it gives their state."""
    state = network.initial_state(len(ids))
    for first in range(0, ids.shape[1] - 1, AT_ONCE):
        targets = ids[:, 1 + first : 1 + first + AT_ONCE].astype(np.intp)  # (B, s)
        logits, state = network.forward(ids[:, first : first + targets.shape[1]].astype(np.intp), state)  # (B, s, V)
        if first or ids.shape[1] <= 1 + AT_ONCE:
            centred = logits - logits.max(-1, keepdims=True)  # (B, s, V)
            yield centred, np.take_along_axis(centred, targets[..., None], -1)[..., 0]


def _derivatives(inverse: float, logits: Floats, chosen: Floats) -> tuple[float, float]:
    """Return the first and second derivative of the nats of the ids with respect to the inverse temperature.

    Args:
        inverse: 1 / temperature.
        logits: (B, s, V), the largest of each position 0.
        chosen: (B, s), those of the ids themselves.
    """
    weights = np.exp(np.float32(inverse) * logits)  # (B, s, V)
    weights /= weights.sum(-1, keepdims=True)
    mean = (weights * logits).sum(-1)  # (B, s)
    curvature = (weights * logits**2).sum(-1) - mean**2  # (B, s)
    return float((mean - chosen).sum(dtype=np.float64)), float(curvature.sum(dtype=np.float64))


def at_temperature(parameters: Parameters, temperature: float) -> Parameters:
    """Return ``parameters`` changed so that the logits of their network are divided by ``temperature``."""
    scaled = {name: parameters[name] / np.float32(temperature) for name in ("output.weight", "output.bias")}
    return {**parameters, **scaled}
