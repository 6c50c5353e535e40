"""A network that learns from what it reads: a network beside counts, reading along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol, runtime_checkable

import numpy as np

from nextchar.networks.architecture import Floats, Ids, Network
from nextchar.networks.reading_along import ReadingAlong


@runtime_checkable
class ReadsOutputs(Protocol):
    """A network that gives the outputs of its last layer, which its logits are computed from."""

    def read_outputs(self, ids: Ids, state: Any) -> tuple[Floats, Floats, Any]:
        """Read ``ids`` (T,) on from ``state``; return the logits (T, V), the outputs (T, H), and the state after."""
        ...


class NoNetwork:
    """A `Network` that predicts nothing, for a model that only counts."""

    context_length: int | None = 0

    def __init__(self, vocabulary_size: int) -> None:
        self.vocabulary_size = vocabulary_size

    def initial_state(self, batch: int) -> Ids:
        """Return the state of ``batch`` texts, which is empty: (B, 0)."""
        return np.empty((batch, 0), np.intp)

    def forward(self, ids: Ids, state: Ids) -> tuple[Floats, Ids]:
        """Return zeros for ``ids`` (B, T): (B, T, V)."""
        return np.zeros((*ids.shape, self.vocabulary_size), np.float32), state


@dataclass
class _Text:
    """A text, what was learned from it, and the state of the network at its end."""

    along: ReadingAlong
    state: Any
    ids: list[int] = field(default_factory=list[int])
    lock: Lock = field(default_factory=Lock)


TextState = tuple[_Text, int]
"""A text, and how many of its ids have been read: only at its end, nothing has to be read again."""


class AdaptiveNetwork:
    """A `Network` of one text, whose predictions depend on all that was read before, also by what was learned from it.

    A state stands for the beginning of a text. Where two texts go on from the same state, the second is read again from
    its beginning, so neither learns from the other.
    """

    context_length: int | None = None
    """The state depends on all ids before it."""

    def __init__(self, network: Network[Any], begin: Callable[[int], ReadingAlong], learned: int | None = None) -> None:
        """Prepare to read.

        Args:
            network: without counts; stays as it is.
            begin: makes what is learned from a text, nothing yet, given the number of outputs of the last layer.
            learned: ids from the beginning of a text that are learned from; None is all.
        """
        self._network, self._begin, self._learned = network, begin, learned
        self.vocabulary_size = network.vocabulary_size
        self._outputs = self._read_outputs(np.zeros(1, np.intp), network.initial_state(1))[1].shape[1]

    def initial_state(self, batch: int) -> TextState:
        """Return the state before anything is read.

        Raises:
            ValueError: ``batch`` is not 1.
        """
        if batch != 1:
            raise ValueError(f"one text at a time is read along, not {batch}")
        return self._new_text(), 0

    def forward(self, ids: Ids, state: TextState) -> tuple[Floats, TextState]:
        """Read ``ids`` (1, T) on from ``state``; return ln p of the next id after each (1, T, V), and the state."""
        text, read = state
        new = ids[0].tolist()
        with text.lock:
            if read == len(text.ids):
                return self._read(text, new)[None], (text, read + len(new))
        again = self._new_text()
        self._read(again, text.ids[:read])
        return self._read(again, new)[None], (again, read + len(new))

    def _new_text(self) -> _Text:
        return _Text(self._begin(self._outputs), self._network.initial_state(1))

    def _read(self, text: _Text, ids: list[int]) -> Floats:
        """Read ``ids`` (T) on in ``text``; return ln p of the next id after each (T, V)."""
        read = np.array(ids, np.intp)
        logits, hidden, text.state = self._read_outputs(read, text.state)
        learned = len(ids) if self._learned is None else max(0, min(len(ids), self._learned - len(text.ids)))
        text.ids += ids
        parts = [
            text.along.read(read[part], logits[part], hidden[part], learning=learning)
            for part, learning in ((slice(0, learned), True), (slice(learned, None), False))
        ]
        return np.concatenate(parts)

    def _read_outputs(self, ids: Ids, state: Any) -> tuple[Floats, Floats, Any]:
        """Return logits (T, V), outputs (T, H) and the state after ``ids`` (T,). H is 0 for a network that gives no
        outputs, as one that reads a window for each prediction."""
        if isinstance(self._network, ReadsOutputs):
            return self._network.read_outputs(ids, state)
        logits, after = self._network.forward(ids[None], state)  # (1, T, V)
        return logits[0], np.zeros((len(ids), 0), np.float32), after
