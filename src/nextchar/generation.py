"""Writing: the loop that draws an id, feeds it back and draws again, for any Network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nextchar.architecture import Ids, Network
from nextchar.sampling import draw, next_distribution
from nextchar.settings import SamplingSettings


def generate_ids(
    network: Network[Any],
    prompt: Ids,
    settings: SamplingSettings,
    random: np.random.Generator,
    forbidden: tuple[int, ...] = (),
) -> Iterator[int]:
    """Yield ids that go on from ``prompt``, each as soon as it is drawn, for as long as they are asked for.

    Args:
        network: predicts the next id.
        prompt: ids read first, shape (T,), at least one.
        settings: how to draw; ``length``, ``stop`` and ``seed`` are left to the caller.
        random: one uniform number is taken from it for each id.
        forbidden: ids that are never drawn.
    """
    logits, state = network.forward(np.asarray(prompt)[None], network.initial_state(1))  # (1, T, V)
    while True:
        drawn = draw(next_distribution(logits[0, -1], settings, forbidden), random.random())
        yield drawn
        logits, state = network.forward(np.array([[drawn]]), state)  # (1, 1, V)
