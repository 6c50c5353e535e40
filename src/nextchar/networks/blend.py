"""A blend: a network that has learned a text, and counts that remember it.

With z(c) the logits of the network, p(c) the probabilities from n-grams, q(c) those from words on top of them, and s
the situation, which is what was known,

    logits(c) = u[s] z(c) + v[s] ln p(c) + w[s] ln q(c)

The situation is the length of the longest context after which something was counted, and, where words were counted,
whether the beginning of the word and the word before it are known. A network generalises, counts remember: each is
right where the other is not. The weights u, v and w depend on nothing but the text before the predicted character, so
the probabilities sum to one. They are fitted on held-out text (`nextchar.model.blending`).

Source: log-linear interpolation, Klakow (1998); with neural networks: Mikolov et al. (2011), who mix linearly, which
is worse here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.architecture import Floats, Ids, Network
from nextchar.networks.lines import LineNetwork
from nextchar.networks.ngram_counts import NgramCounts
from nextchar.networks.ngram_network import CountedNetwork
from nextchar.networks.word_counts import SITUATIONS, WordCounts
from nextchar.networks.word_network import WordNetwork

BlendState = tuple[Any, ...]
"""The state of the network, the last ids read (B, order), and the places in the counts of words, if there are any."""


class TextCounts(NamedTuple):
    """What was counted in a text."""

    ngrams: NgramCounts
    words: WordCounts | None = None
    """None where there are no words."""

    def weights_shape(self) -> tuple[int, int]:
        """Return the shape of the weights of a blend with these counts."""
        return weights_shape(self.ngrams.order, has_words=self.words is not None)


def weights_shape(order: int, *, has_words: bool) -> tuple[int, int]:
    """Return the number of situations S, and of the predictors of a blend.

    With words, the situation is the length of the longest context, plus ``order`` + 1 times what is known of words.
    """
    return ((order + 1) * SITUATIONS, 3) if has_words else (order + 1, 2)


class Reading(NamedTuple):
    """What the parts of a blend predict after each id."""

    predictions: tuple[Floats, ...]
    """Logits of the network, ln p of the n-grams, and ln p of the words if there are any: (B, T, V) each."""
    situations: NDArray[np.int64]
    """(B, T)"""
    state: BlendState
    """The state after the last id."""


class BlendNetwork:
    """A `Network` that blends another one with counts."""

    context_length: int | None = None
    """The state of the network depends on all ids before it."""

    def __init__(
        self, network: Network[Any], ngrams: CountedNetwork, weights: Floats, words: WordNetwork | None = None
    ) -> None:
        """Blend networks of the same vocabulary.

        Args:
            network: the network that has learned.
            ngrams: the network that has counted.
            weights: u, v and, with words, w for each situation: `weights_shape`.
            words: what was counted of words.
        """
        self.network, self.ngrams, self.words, self.weights = network, ngrams, words, weights
        self.vocabulary_size = network.vocabulary_size

    def with_weights(self, weights: Floats) -> BlendNetwork:
        """Return the same blend with other ``weights``."""
        return type(self)(self.network, self.ngrams, weights, self.words)

    def initial_state(self, batch: int) -> BlendState:
        """Return the state of ``batch`` texts before anything is read."""
        state = self.network.initial_state(batch), self.ngrams.initial_state(batch)
        return state if self.words is None else (*state, self.words.initial_state(batch))

    def forward(self, ids: Ids, state: BlendState) -> tuple[Floats, BlendState]:
        """Read ``ids`` (B, T) on from ``state``; return the logits (B, T, V) and the state after."""
        predictions, situations, after = self.read(ids, state)
        weights = self.weights[situations]  # (B, T, 2 or 3)
        mixed = weights[..., :1] * predictions[0]  # (B, T, V)
        for part, predicted in enumerate(predictions[1:], 1):
            mixed += weights[..., part, None] * predicted
        return mixed.astype(np.float32, copy=False), after

    def read(self, ids: Ids, state: BlendState) -> Reading:
        """Read ``ids`` (B, T) on from ``state``; return what each part predicts."""
        logits, network_state = self.network.forward(ids, state[0])
        log_p, longest, last = self.ngrams.read(ids, state[1])
        if self.words is None:
            return Reading((logits, log_p), longest, (network_state, last))
        log_q, known, places = self.words.read(ids, state[2], log_p)
        situations = longest + (self.ngrams.order + 1) * known
        return Reading((logits, log_p, log_q), situations, (network_state, last, places))


class LineBlend(LineNetwork):
    """A blend that begins each line anew, with what fitting its weights needs."""

    within: BlendNetwork

    @property
    def network(self) -> LineNetwork:
        """The network that has learned."""
        return LineNetwork(self.within.network, self.line_end)

    @property
    def ngrams(self) -> LineNetwork:
        """The network that has counted."""
        return LineNetwork(self.within.ngrams, self.line_end)

    @property
    def weights(self) -> Floats:
        """Those of the blend."""
        return self.within.weights

    def with_weights(self, weights: Floats) -> LineBlend:
        """Return the same blend with other ``weights``."""
        return LineBlend(self.within.with_weights(weights), self.line_end)

    def read(self, ids: Ids, state: Any) -> Reading:
        """Read like `BlendNetwork.read`."""
        readings: list[Reading] = [*self.read_lines(self.within.read, ids, state)]
        predictions = zip(*(reading.predictions for reading in readings), strict=True)
        return Reading(
            tuple(np.concatenate(part, axis=1) for part in predictions),
            np.concatenate([reading.situations for reading in readings], axis=1),
            readings[-1].state,
        )
