"""What temperature does to one real prediction, for any Network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextchar.architecture import Ids, Network
from nextchar.sampling import Distribution, next_distribution
from nextchar.settings import SamplingSettings

MIDDLING = 2.5
"""Bits of entropy at temperature 1 where the effect shows best: about six characters are likely, none is certain."""
LEAST_READ = 8
"""Ids read before the prediction chosen, where there are as many: before that a network knows too little of the text."""


@dataclass(frozen=True)
class TemperatureEffect:
    """One predicted distribution at several temperatures."""

    read: int
    """Ids of the context read before the prediction."""
    ids: NDArray[np.intp]
    """The ids most probable at temperature 1, most probable first, shape (K,)."""
    temperatures: tuple[float, ...]
    probabilities: Distribution
    """Of each of ``ids`` at each temperature, shape (N, K)."""
    entropies: NDArray[np.float64]
    """Of the whole distribution at each temperature, in bits, shape (N,)."""


def temperature_effect(
    network: Network,
    context: Ids,
    temperatures: Sequence[float],
    *,
    shown: int = 12,
    forbidden: tuple[int, ...] = (),
) -> TemperatureEffect:
    """Return the effect of ``temperatures`` on the prediction after the part of ``context`` where it shows best.

    Args:
        network: predicts.
        context: ids read, shape (T,), at least one; the prediction is the one after the first ``read`` of them.
        temperatures: at least one, 0 or more each.
        shown: K, or fewer where fewer can be drawn.
        forbidden: ids that are never drawn.
    """
    logits, _ = network.forward(np.asarray(context)[None], network.initial_state(1))  # (1, T, V)
    entropies = entropy(_at(logits[0], 1.0, forbidden))  # (T,)
    first = min(LEAST_READ, len(context)) - 1
    position = first + int(np.abs(entropies[first:] - MIDDLING).argmin())
    chosen = logits[0, position]  # (V,)
    order = np.argsort(-_at(chosen, 1.0, forbidden), kind="stable")
    ids = order[~np.isin(order, forbidden)][:shown]  # (K,)
    distributions = np.stack([_at(chosen, temperature, forbidden) for temperature in temperatures])  # (N, V)
    return TemperatureEffect(
        read=position + 1,
        ids=ids,
        temperatures=tuple(temperatures),
        probabilities=distributions[:, ids],
        entropies=entropy(distributions),
    )


def entropy(distribution: Distribution) -> NDArray[np.float64]:
    """Return the sum of -p log2 p over the last axis of ``distribution`` (..., V), in bits.

    Source: Shannon, "A mathematical theory of communication" (1948), section 6.
    """
    # 0 log 0 is 0, as its limit is.
    return -(distribution * np.log2(np.where(distribution > 0, distribution, 1.0))).sum(-1) + 0.0


def _at(logits: NDArray[np.floating], temperature: float, forbidden: tuple[int, ...]) -> Distribution:
    return next_distribution(logits, SamplingSettings(temperature=temperature), forbidden)
