"""A model's place in a text: what may come next and how probable it is, for beam search and other searches.

A session never changes. Reading on gives a new one, so a branch costs nothing: keep the old session and push another
character to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.model.sampling import log_normaliser
from nextchar.model.scoring import Scores, log2_softmax
from nextchar.networks.architecture import Floats, Ids, Network
from nextchar.networks.states import join_states, map_states, state_rows
from nextchar.text.tokenizer import Tokenizer


@dataclass(frozen=True, eq=False)
class _Model:
    """What the sessions of a model share."""

    network: Network[Any]
    vocabulary: Tokenizer
    as_trained: Callable[[str], str]
    """Returns a text as the model reads it."""

    @cached_property
    def drawn(self) -> NDArray[np.intp]:
        """Ids of the characters that can come next, shape (C,)."""
        return np.setdiff1d(np.arange(self.vocabulary.size), self.vocabulary.never_drawn)

    @cached_property
    def characters(self) -> tuple[str, ...]:
        """These characters: C of them."""
        return tuple(self.vocabulary.token_texts(self.drawn))


class Session:
    """A model's place in a text. `LanguageModel.session` begins one.

    >>> import nextchar
    >>> tiny = {"steps": 100, "hidden": 16, "layers": 1, "streams": 8, "learning_rate": 0.03}
    >>> model = nextchar.train(text="so it goes. " * 100, quiet=True, **tiny)
    >>> session = model.session("so it g")
    >>> session.characters[session.log_probabilities().argmax()]
    'o'
    >>> likely, unlikely = session.push("oes"), session.push("ets")
    >>> likely.bits < unlikely.bits, session.text, likely.text
    (True, '', 'oes')

    A beam search for the most probable four characters, with three beams:

    >>> import math
    >>> beams = [model.session("so it ")]
    >>> for _ in range(4):
    ...     branches = [
    ...         (beam.bits - log_p / math.log(2), beam, character)
    ...         for beam in beams
    ...         for log_p, character in zip(beam.log_probabilities(), beam.characters)
    ...     ]
    ...     best = sorted(branches, key=lambda branch: branch[0])[:3]
    ...     beams = nextchar.Session.push_many([(beam, character) for _, beam, character in best])
    >>> beams[0].text
    'goes'
    """

    def __init__(self, model: _Model, state: Any, logits: Floats, text: str = "", bits: float = 0.0) -> None:
        """Use `LanguageModel.session`."""
        self._model, self._state, self._logits = model, state, logits
        self.text = text
        """What was pushed, after the prompt."""
        self.bits = bits
        """Bits of ``text`` after the prompt: the sum of -log2 p of its characters."""

    @classmethod
    def begin(
        cls, network: Network[Any], vocabulary: Tokenizer, prompt: str, as_trained: Callable[[str], str]
    ) -> Session:
        """Return the session after ``prompt``, which is read from the start of a text.

        Raises:
            UnknownCharacterError: it has unknown characters, and the vocabulary has no unknown symbol.
        """
        model = _Model(network, vocabulary, as_trained)
        ids = np.concatenate([[vocabulary.start_id], vocabulary.encode(as_trained(prompt))]).astype(np.intp)
        logits, state = network.forward(ids[None], network.initial_state(1))  # (1, T, V)
        return cls(model, state, logits[0, -1].copy())

    def __repr__(self) -> str:
        return f"<Session: {self.bits:.2f} bits for {self.text!r}>"

    @property
    def characters(self) -> tuple[str, ...]:
        """The characters that can come next: C of them, in the order of `log_probabilities`."""
        return self._model.characters

    def log_probabilities(self) -> NDArray[np.float64]:
        """Return ln p of each of `characters` to come next, shape (C,).

        What is missing from a sum of 1 is the probability of a character that the model does not know.
        """
        return self._logits[self._model.drawn].astype(np.float64) - log_normaliser(self._logits)

    def push(self, text: str) -> Session:
        """Return the session after ``text`` was read; this one stays as it is.

        Unknown characters are read as the unknown symbol and cost what they cost in `LanguageModel.evaluate`.

        Raises:
            UnknownCharacterError: there are some, and the vocabulary has no unknown symbol.
        """
        if not text:
            return self
        ids, bits = self._encode(text)
        logits, state = self._model.network.forward(ids[None], self._state)  # (1, T, V)
        predicting = np.concatenate([self._logits[None], logits[0, :-1]])  # (T, V)
        bits -= float(log2_softmax(predicting, ids).sum())
        return Session(self._model, state, logits[0, -1].copy(), self.text + text, self.bits + bits)

    @staticmethod
    def push_many(branches: Sequence[tuple[Session, str]]) -> list[Session]:
        """Return the session after each of ``branches``, a session and a single character to push to it.

        They are read side by side, which is much faster than one after another; the result is the same up to rounding.
        Sessions of one model may stand at different places; a longer text is read by itself.

        Raises:
            UnknownCharacterError: a character is unknown, and the vocabulary has no unknown symbol.
        """
        after: dict[int, Session] = {}
        batches: dict[Any, list[tuple[int, Ids, float]]] = {}
        for number, (session, text) in enumerate(branches):
            ids, bits = session._encode(text)
            if len(ids) == 1:
                alike = id(session._model), str(map_states(np.shape, session._state))
                batches.setdefault(alike, []).append((number, ids, bits))
            else:
                after[number] = session.push(text)
        for batch in batches.values():
            sessions = [branches[number][0] for number, _, _ in batch]
            read = Session._read_one(sessions, np.stack([ids for _, ids, _ in batch]))
            for (number, _, extra), (state, logits, bits) in zip(batch, read, strict=True):
                session, text = branches[number]
                after[number] = Session(session._model, state, logits, session.text + text, session.bits + bits + extra)
        return [after[number] for number in range(len(branches))]

    def _encode(self, text: str) -> tuple[Ids, float]:
        """Return the ids of ``text`` (T,), and the bits that its unknown characters cost in addition."""
        ids = self._model.vocabulary.encode(self._model.as_trained(text)).astype(np.intp)
        return ids, float(self._model.vocabulary.unknown_cost(ids).sum())

    @staticmethod
    def _read_one(sessions: Sequence[Session], ids: Ids) -> list[tuple[Any, Floats, float]]:
        """Read ``ids`` (B, 1) after ``sessions``; return the state, the logits (V,) and the bits of each."""
        network = sessions[0]._model.network
        bits: Scores = -log2_softmax(np.stack([session._logits for session in sessions]), ids[:, 0])  # (B,)
        logits, state = network.forward(ids, join_states([session._state for session in sessions]))  # (B, 1, V)
        rows = [slice(number, number + 1) for number in range(len(sessions))]
        return [(state_rows(state, row), logits[row.start, 0], float(bits[row.start])) for row in rows]
