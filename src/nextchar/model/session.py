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

from nextchar.model.continuation import logits_of_begun, spellings_of
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

    def __init__(
        self, model: _Model, state: Any, logits: Floats, text: str = "", bits: float = 0.0, *, begun: str = ""
    ) -> None:
        """Use `LanguageModel.session`."""
        self._model, self._state, self._logits, self._bits = model, state, logits, bits
        self.text = text
        """What was pushed, after the prompt."""
        self.begun = begun
        """The end of the text that may be the beginning of a longer token, and is not read yet: "" but for models of
        words."""

    @classmethod
    def begin(
        cls, network: Network[Any], vocabulary: Tokenizer, prompt: str, as_trained: Callable[[str], str]
    ) -> Session:
        """Return the session after ``prompt``, which is read from the start of a text.

        Raises:
            UnknownCharacterError: it has unknown characters, and the vocabulary has no unknown symbol.
        """
        model = _Model(network, vocabulary, as_trained)
        start = np.array([[vocabulary.start_id]])
        logits, state = network.forward(start, network.initial_state(1))  # (1, 1, V)
        read = cls(model, state, logits[0, -1].copy()).push(prompt)
        return cls(model, read._state, read._logits, bits=-read._bits_of_begun, begun=read.begun)

    @property
    def bits(self) -> float:
        """Bits of `text` after the prompt: the sum of -log2 p of its characters, as if it ended here."""
        return self._bits + self._bits_of_begun

    @cached_property
    def _bits_of_begun(self) -> float:
        """Bits of what is `begun`, as if the text ended here."""
        return self._read(self.begun)[2]

    def __repr__(self) -> str:
        return f"<Session: {self.bits:.2f} bits for {self.text!r}>"

    @property
    def characters(self) -> tuple[str, ...]:
        """The characters that can come next, or other tokens: C of them, in the order of `log_probabilities`."""
        return self._model.characters

    def log_probabilities(self) -> NDArray[np.float64]:
        """Return ln p of each of `characters` to come next, shape (C,).

        What is missing from a sum of 1 is the probability of a character that the model does not know. Where something
        is `begun`, they are those of the tokens that begin with it or spell it, as `LanguageModel` draws them; ln p of
        the others is -inf.
        """
        model, logits = self._model, self._logits.astype(np.float64)
        if self.begun:
            spellings = spellings_of(model.network, model.vocabulary, self.begun, self._state)
            logits = logits_of_begun(model.vocabulary, self.begun, logits, spellings.values())
            logits[list(model.vocabulary.never_drawn)] = -np.inf
            return logits[model.drawn] - log_normaliser(logits)
        return logits[model.drawn] - log_normaliser(self._logits)

    def push(self, text: str, *, ends: bool = False) -> Session:
        """Return the session after ``text`` was read; this one stays as it is.

        Pushing a text in pieces gives the same as pushing it at once: where the tokens of a model are words, the last
        word is `begun` until it is known where it ends.

        Unknown characters are read as the unknown symbol and cost what they cost in `LanguageModel.evaluate`.

        Args:
            text: the text to read.
            ends: whether its last word ends with it: then nothing is `begun`, and any token may come next.

        Raises:
            UnknownCharacterError: there are some, and the vocabulary has no unknown symbol.
        """
        whole, tokens = self.begun + self._model.as_trained(text), self._model.vocabulary
        begun = "" if ends else whole[len(whole) - tokens.begun(whole) :]
        state, logits, bits = self._read(whole, begun)
        return Session(self._model, state, logits, self.text + text, self._bits + bits, begun=begun)

    @staticmethod
    def push_many(branches: Sequence[tuple[Session, str]], *, ends: bool = False) -> list[Session]:
        """Return the session after each of ``branches``, a session and a single character to push to it as `push` does.

        They are read side by side, which is much faster than one after another; the result is the same up to rounding.
        Sessions of one model may stand at different places; a longer text is read by itself.

        Raises:
            UnknownCharacterError: a character is unknown, and the vocabulary has no unknown symbol.
        """
        after: dict[int, Session] = {}
        batches: dict[Any, list[tuple[int, Ids, float]]] = {}
        for number, (session, text) in enumerate(branches):
            ids, bits = session._encode(session._model.as_trained(text))
            if len(ids) == 1 and not session.begun and (ends or not session._model.vocabulary.begun(text)):
                alike = id(session._model), str(map_states(np.shape, session._state))
                batches.setdefault(alike, []).append((number, ids, bits))
            else:
                after[number] = session.push(text, ends=ends)
        for batch in batches.values():
            sessions = [branches[number][0] for number, _, _ in batch]
            read = Session._read_one(sessions, np.stack([ids for _, ids, _ in batch]))
            for (number, _, extra), (state, logits, bits) in zip(batch, read, strict=True):
                session, text = branches[number]
                after[number] = Session(
                    session._model, state, logits, session.text + text, session._bits + bits + extra
                )
        return [after[number] for number in range(len(branches))]

    def _encode(self, text: str) -> tuple[Ids, float]:
        """Return the ids of ``text`` (T,), and the bits that its unknown characters cost in addition."""
        ids = self._model.vocabulary.encode(text).astype(np.intp)
        return ids, float(self._model.vocabulary.unknown_cost(ids).sum())

    def _read(self, text: str, begun: str = "") -> tuple[Any, Floats, float]:
        """Return the state and the logits (V,) after ``text`` but for its end that is ``begun``, and what it costs."""
        ids, bits = self._encode(text)
        if begun:  # encoded together: what is before a word may be cut in another way where nothing follows it
            last, bits_of_last = self._encode(begun)
            ids, bits = ids[: len(ids) - len(last)], bits - bits_of_last
        if len(ids) == 0:
            return self._state, self._logits, 0.0
        logits, state = self._model.network.forward(ids[None], self._state)  # (1, T, V)
        predicting = np.concatenate([self._logits[None], logits[0, :-1]])  # (T, V)
        return state, logits[0, -1].copy(), bits - float(log2_softmax(predicting, ids).sum())

    @staticmethod
    def _read_one(sessions: Sequence[Session], ids: Ids) -> list[tuple[Any, Floats, float]]:
        """Read ``ids`` (B, 1) after ``sessions``; return the state, the logits (V,) and the bits of each."""
        network = sessions[0]._model.network
        bits: Scores = -log2_softmax(np.stack([session._logits for session in sessions]), ids[:, 0])  # (B,)
        logits, state = network.forward(ids, join_states([session._state for session in sessions]))  # (B, 1, V)
        rows = [slice(number, number + 1) for number in range(len(sessions))]
        return [(state_rows(state, row), logits[row.start, 0], float(bits[row.start])) for row in rows]
