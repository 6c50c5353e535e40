"""Log-probabilities of the characters of a text, with the most probable alternatives in each place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.model.sampling import log_normaliser
from nextchar.networks.architecture import Floats, Ids, Network
from nextchar.text.tokenizer import Tokenizer


@dataclass(frozen=True, eq=False)
class TokenLogprobs:
    """How probable each of some characters was, given those before it."""

    log_probabilities: NDArray[np.float64]
    """ln p of each character, shape (T,)."""
    alternatives: NDArray[np.intp]
    """The most probable ids in its place, the most probable first, shape (T, K)."""
    alternative_log_probabilities: NDArray[np.float64]
    """ln p of each alternative, shape (T, K)."""


class LogprobReader:
    """Reads a text piece by piece; gives ln p of each character, and of the most probable ones in its place."""

    def __init__(
        self,
        network: Network[Any],
        vocabulary: Tokenizer,
        alternatives: int,
        logits: Floats | None = None,
        state: Any = None,
    ) -> None:
        """Begin a text after what led to ``logits`` and ``state``; where they are None, nothing predicts its first id.

        Args:
            network: reads the text.
            vocabulary: what its ids stand for.
            alternatives: K, the alternatives given in each place; fewer where fewer can be drawn.
            logits: of the first character, shape (V,).
            state: of the network before the text.
        """
        self._network, self.vocabulary = network, vocabulary
        self._count = min(alternatives, vocabulary.size - len(vocabulary.never_drawn))
        nothing = np.empty((0, network.vocabulary_size), np.float32)
        self._logits = nothing if logits is None else logits[None]  # (0 or 1, V)
        self._state = network.initial_state(1) if state is None else state

    @classmethod
    def after_start(cls, network: Network[Any], vocabulary: Tokenizer, alternatives: int) -> LogprobReader:
        """Begin a text that is scored on its own: its first character is predicted from the vocabulary's start id."""
        logits, state = network.forward(np.array([[vocabulary.start_id]]), network.initial_state(1))  # (1, 1, V)
        return cls(network, vocabulary, alternatives, logits[0, 0], state)

    def read(self, ids: Ids) -> TokenLogprobs:
        """Read the next ``ids`` (T,), at least one; an id that nothing predicts is left out of what is returned."""
        ids = np.asarray(ids, np.intp)
        following, self._state = self._network.forward(ids[None], self._state)  # (1, T, V)
        logits = np.concatenate([self._logits, following[0, :-1]])  # (T, V), or (T - 1, V) where nothing predicts
        self._logits = following[0, -1:].copy()
        return self._logprobs(logits, ids[len(ids) - len(logits) :])

    def _logprobs(self, logits: Floats, ids: NDArray[np.intp]) -> TokenLogprobs:
        log_p = logits.astype(np.float64) - log_normaliser(logits)[:, None]  # (T, V)
        chosen = np.take_along_axis(log_p, ids[:, None], -1)[:, 0]  # (T,)
        log_p[:, list(self.vocabulary.never_drawn)] = -np.inf
        # K is less than V, but for a model without an unknown symbol whose characters are all wanted.
        best = np.argpartition(-log_p, min(self._count, log_p.shape[1] - 1), -1)[:, : self._count]  # (T, K)
        probable = np.take_along_axis(log_p, best, -1)  # (T, K)
        order = np.lexsort((best, -probable), axis=-1)
        return TokenLogprobs(
            chosen - np.log(2) * self.vocabulary.unknown_cost(ids),
            np.take_along_axis(best, order, -1),
            np.take_along_axis(probable, order, -1),
        )
