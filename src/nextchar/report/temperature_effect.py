"""The effect of temperature on one real prediction, for any Network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.model.sampling import Distribution, entropy, softmax
from nextchar.networks.architecture import Ids, Network

MIDDLING = 2.5
"""Entropy in bits at temperature 1 that shows the effect best: a few characters are likely, none is certain."""
MIN_READ = 8
"""Fewest ids read before the chosen prediction, if the context has as many: with fewer, predictions are poor."""


@dataclass(frozen=True, eq=False)
class TemperatureEffect:
    """One predicted distribution at several temperatures."""

    read: int
    """Ids of the context read before the prediction."""
    ids: NDArray[np.intp]
    """The most probable ids at temperature 1, in order, shape (K,)."""
    temperatures: tuple[float, ...]
    probabilities: Distribution
    """The probability of each of ``ids`` at each temperature, shape (N, K)."""
    entropies: NDArray[np.float64]
    """The entropy of the whole distribution at each temperature, in bits, shape (N,)."""


def temperature_effect(
    network: Network[Any],
    context: Ids,
    temperatures: Sequence[float],
    *,
    shown: int = 12,
    forbidden: tuple[int, ...] = (),
) -> TemperatureEffect:
    """Return the effect of ``temperatures`` on the prediction in ``context`` that shows it best.

    Args:
        network: the network that predicts.
        context: ids, shape (T,), at least one; the prediction is the one after the first ``read`` of them.
        temperatures: at least one, 0 or more each.
        shown: K, or fewer if fewer ids can be drawn.
        forbidden: ids that are never drawn.
    """
    read, _ = network.forward(np.asarray(context)[None], network.initial_state(1))  # (1, T, V)
    logits = read[0].astype(np.float64)  # (T, V)
    logits[:, list(forbidden)] = -np.inf
    entropies = entropy(softmax(logits))  # (T,)
    first = min(MIN_READ, len(context)) - 1
    position = first + int(np.abs(entropies[first:] - MIDDLING).argmin())
    chosen = logits[position]  # (V,)
    order = np.argsort(-chosen, kind="stable")
    ids = order[~np.isin(order, forbidden)][:shown]  # (K,)
    distributions = np.stack([softmax(chosen, temperature) for temperature in temperatures])  # (N, V)
    return TemperatureEffect(
        read=position + 1,
        ids=ids,
        temperatures=tuple(temperatures),
        probabilities=distributions[:, ids],
        entropies=entropy(distributions),
    )
