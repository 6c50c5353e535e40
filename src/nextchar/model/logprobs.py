"""Log-probabilities of the tokens of a text, or of its characters where they have several, with the most probable
alternatives in each place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.model.continuation import CHUNK
from nextchar.model.sampling import log_normaliser
from nextchar.model.scoring import LOGITS
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


@dataclass(frozen=True, eq=False)
class PieceLogprobs:
    """How probable each of P pieces of a text was, given those before it.

    A piece is a token; but a character that is spelled with several ids is one piece.
    """

    texts: list[str]
    """The text of each piece, to display it."""
    lengths: NDArray[np.intp]
    """The number of characters of each piece, shape (P,)."""
    log_probabilities: NDArray[np.float64]
    """ln p of each piece, shape (P,); NaN where nothing predicts it, at the beginning of a prompt."""
    unknown: NDArray[np.bool_]
    """Whether the model does not know it, shape (P,)."""
    first_ids: NDArray[np.intp]
    """The first id of each piece, shape (P,)."""
    alternatives: NDArray[np.intp]
    """The most probable first ids in its place, the most probable first, shape (P, K)."""
    alternative_log_probabilities: NDArray[np.float64]
    """ln p of each alternative, shape (P, K)."""


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
        self._held = ""

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

    def read_text(self, text: str, *, ends: bool = True) -> Iterator[PieceLogprobs]:
        """Read the next ``text`` and yield the log-probabilities of its pieces, some hundred at a time.

        If the text does not end here, its last word is held back, where more letters may make it another token.
        """
        text, tokens = self._held + text, self.vocabulary
        self._held = "" if ends else text[len(text) - tokens.begun(text) :]
        # Encoded together: what is before a word may be cut in another way where nothing follows it.
        ids, texts = tokens.encode(text).astype(np.intp), tokens.split(text)
        whole = len(ids) - len(tokens.encode(self._held))
        ids, texts = ids[:whole], texts[:whole]
        starts = np.array([number for number, piece in enumerate(texts) if piece], np.intp)  # (P,)
        step = max(1, min(CHUNK, LOGITS // tokens.size))
        for first in range(0, len(starts), step):
            some = starts[first : first + step]
            end = starts[first + step] if first + step < len(starts) else len(ids)
            shown = [tokens.displayed(texts[int(start)]) for start in some]
            yield self._pieces(ids[some[0] : end], shown, some - some[0])

    def _pieces(self, ids: NDArray[np.intp], texts: list[str], starts: NDArray[np.intp]) -> PieceLogprobs:
        """Read the next ``ids`` (T,), of the pieces that begin at ``starts`` (P,) among them."""
        logprobs = self.read(ids)
        missing = len(ids) - len(logprobs.log_probabilities)  # 1 where nothing predicts the first id, else 0
        shape = (missing, logprobs.alternatives.shape[1])
        log_p = np.concatenate([np.full(missing, np.nan), logprobs.log_probabilities])  # (T,)
        others = np.concatenate([np.zeros(shape, np.intp), logprobs.alternatives])[starts]  # (P, K)
        shares = np.concatenate([np.full(shape, np.nan), logprobs.alternative_log_probabilities])[starts]
        unknown = np.logical_or.reduceat(self.vocabulary.unknown_cost(ids) > 0, starts)
        lengths = self.vocabulary.token_lengths(ids)[starts]
        return PieceLogprobs(texts, lengths, np.add.reduceat(log_p, starts), unknown, ids[starts], others, shares)

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
