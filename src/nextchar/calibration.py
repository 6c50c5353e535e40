"""How sure of itself a network is, fitted on text that it has not learned from."""

from __future__ import annotations

from typing import Any

import numpy as np

from nextchar.architecture import Ids, Network, Parameters

STREAMS, LENGTH = 32, 1024
"""Places of the text that are read for it, and ids at each, at most."""
LEAST, LOGITS = 64, 1 << 23
"""Fewer ids are read at each, but no less than so many, where all of them would have more logits."""
AT_ONCE = 32
"""Ids read at once; memory is in proportion to it."""
COOLEST, HOTTEST = 0.5, 2.0
"""Temperatures that are believed; a text of a few characters could ask for any."""


def fit_temperature(network: Network[Any], ids: Ids) -> float:
    """Return the softmax temperature at which ``network`` needs the fewest bits for ``ids`` (T,), T at least 2.

    One number is fitted, by one step of Newton's method on 1 / temperature, from 1. So little can be learned from the
    text in that way that the bits on it stay honest: 1 / 2T nats too few, on average. Above 1: the network is surer
    than it should be, as most become that see a text many times.

    Source: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (2017).
    """
    length = min(LENGTH, max(LEAST, LOGITS // (STREAMS * network.vocabulary_size)))
    rows = min(STREAMS, max(1, len(ids) // length))
    apart = len(ids) // rows
    read = np.stack([ids[first : first + min(apart, length)] for first in range(0, rows * apart, apart)])  # (B, t)
    state, slope, curvature = network.initial_state(rows), 0.0, 0.0
    for first in range(0, read.shape[1] - 1, AT_ONCE):
        targets = read[:, 1 + first : 1 + first + AT_ONCE].astype(np.intp)  # (B, s)
        logits, state = network.forward(read[:, first : first + targets.shape[1]].astype(np.intp), state)  # (B, s, V)
        centred = logits - logits.max(-1, keepdims=True)  # (B, s, V)
        weights = np.exp(centred)  # (B, s, V)
        weights /= weights.sum(-1, keepdims=True)
        mean = (weights * centred).sum(-1)  # (B, s)
        chosen = np.take_along_axis(centred, targets[..., None], -1)[..., 0]  # (B, s)
        slope += float((mean - chosen).sum(dtype=np.float64))
        curvature += float(((weights * centred**2).sum(-1) - mean**2).sum(dtype=np.float64))
    if curvature <= 0:
        return 1.0
    return 1 / min(1 / COOLEST, max(1 / HOTTEST, 1 - slope / curvature))


def at_temperature(parameters: Parameters, temperature: float) -> Parameters:
    """Return the ``parameters`` of the network whose logits are those of these, divided by ``temperature``."""
    scaled = {name: parameters[name] / np.float32(temperature) for name in ("output.weight", "output.bias")}
    return {**parameters, **scaled}
