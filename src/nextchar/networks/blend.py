"""A blend: a network that has learned a text, and counts that remember it.

With z(c) the logits of the network, p(c) the probabilities of the n-gram network, and k the length of the longest
context after which something was counted,

    logits(c) = u[k] z(c) + v[k] ln p(c)

A network generalises, counts remember: each is right where the other is not. The weights u and v depend on nothing but
the text before the predicted character, so the probabilities sum to one. They are fitted on held-out text
(`nextchar.model.blending`).

Source: log-linear interpolation, Klakow (1998); with neural networks: Mikolov et al. (2011), who mix linearly, which
is worse here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.architecture import Floats, Ids, Network
from nextchar.networks.ngram_counts import Numbers
from nextchar.networks.ngram_network import CountedNetwork

BlendState = tuple[Any, Numbers]
"""The state of the network, and the last ids read, shape (B, order)."""


class BlendNetwork:
    """A `Network` that blends another one with counts."""

    context_length: int | None = None
    """The state of the network depends on all ids before it."""

    def __init__(self, network: Network[Any], ngrams: CountedNetwork, weights: Floats) -> None:
        """Blend two networks of the same vocabulary.

        Args:
            network: the network that has learned.
            ngrams: the network that has counted.
            weights: u and v for each length of context, shape (order + 1, 2).
        """
        self.network, self.ngrams, self.weights = network, ngrams, weights
        self.vocabulary_size = network.vocabulary_size

    def initial_state(self, batch: int) -> BlendState:
        """Return the state of ``batch`` texts before anything is read."""
        return self.network.initial_state(batch), self.ngrams.initial_state(batch)

    def forward(self, ids: Ids, state: BlendState) -> tuple[Floats, BlendState]:
        """Read ``ids`` (B, T) on from ``state``; return the logits (B, T, V) and the state after."""
        logits, log_p, longest, after = self.read(ids, state)
        return self.mix(logits, log_p, longest), after

    def mix(self, logits: Floats, log_p: Floats, longest: NDArray[np.int64]) -> Floats:
        """Return the logits (..., V) of the blend from those of the network and ln p of the counts, both (..., V), and
        the length of the longest known context (...)."""
        weights = self.weights[longest]  # (..., 2)
        mixed = weights[..., :1] * logits + weights[..., 1:] * log_p  # (..., V)
        return mixed.astype(np.float32, copy=False)

    def read(self, ids: Ids, state: BlendState) -> tuple[Floats, Floats, NDArray[np.int64], BlendState]:
        """Read ``ids`` (B, T); return the logits of the network and ln p of the counts, both (B, T, V), the length of
        the longest known context (B, T), and the state after."""
        logits, network_state = self.network.forward(ids, state[0])
        log_p, longest, last = self.ngrams.read(ids, state[1])
        return logits, log_p, longest, (network_state, last)
