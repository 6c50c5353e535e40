"""A network that reads the last n characters from the zero state for each prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nextchar.networks.architecture import Architecture, Floats, Ids, Network, State
from nextchar.networks.lines import in_lines

GROUP = 512
"""Windows read side by side: memory is in proportion to it, and the result is the same."""


class ReadingNetwork(Network[State], Protocol):
    """A network that carries its state, and can also read windows from the zero state."""

    def read(self, ids: Ids) -> Floats:
        """Return the logits (B, V) after the last of ``ids`` (B, T), read from the zero state."""
        ...


class WindowedNetwork:
    """A `nextchar.networks.architecture.Network` whose state is the last n characters themselves."""

    def __init__(self, read: Callable[[Ids], Floats], context_length: int, vocabulary_size: int) -> None:
        """Prepare the network.

        Args:
            read: returns the logits (N, V) after the last of ``ids`` (N, T), read from the zero state.
            context_length: n, at least 1. At a text's beginning, where there are fewer ids, it reads those.
            vocabulary_size: V.
        """
        self._read, self.context_length = read, context_length
        self.vocabulary_size = vocabulary_size

    def initial_state(self, batch: int) -> Ids:
        """Return the ids read so far of ``batch`` texts: none, shape (B, 0)."""
        return np.empty((batch, 0), np.intp)

    def forward(self, ids: Ids, state: Ids) -> tuple[Floats, Ids]:
        """Read ``ids`` (B, T) after ``state``, the ids before; return the logits (B, T, V) and the last n ids."""
        known = np.concatenate([state, ids], axis=1)  # (B, K + T)
        (batch, new), total, length = ids.shape, known.shape[1], self.context_length
        logits = np.empty((batch, new, self.vocabulary_size), np.float32)  # (B, T, V)
        first_whole = max(0, min(new, length - 1 - state.shape[1]))
        for position in range(first_whole):
            logits[:, position] = self._read(known[:, : total - new + position + 1])  # (B, V)
        if first_whole < new:
            windows = sliding_window_view(known[:, -(new - first_whole) - length + 1 :], length, axis=1)
            logits[:, first_whole:] = self._read_groups(windows.reshape(-1, length)).reshape(batch, -1, logits.shape[2])
        return logits, known[:, -length:]

    def _read_groups(self, windows: Ids) -> Floats:
        """Return the logits (N, V) after each of ``windows`` (N, n)."""
        return np.concatenate([self._read(windows[n : n + GROUP]) for n in range(0, len(windows), GROUP)])


def as_trained(network: ReadingNetwork, architecture: Architecture) -> Network[Any]:
    """Return ``network``, which carries its state, as the one that ``architecture`` was trained as."""
    if architecture.context_length is None:
        return in_lines(network, architecture.line_end)
    return WindowedNetwork(network.read, architecture.context_length, architecture.vocabulary_size)
