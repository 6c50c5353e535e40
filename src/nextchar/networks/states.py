"""What a network remembers of the texts it has read: one array, or a tuple of such states, never changed once made.

The first axis of every array are the texts side by side, so that the states of some texts can be taken, joined,
compared and exchanged without knowing what is in them: that only their network knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

AnyState = NDArray[Any] | tuple[Any, ...]
"""An array (B, ...), or a tuple of states."""

S = TypeVar("S", bound=AnyState)

Rows = slice | NDArray[np.intp]
"""Some of the texts."""

SAME = 1e-5
"""Difference of two states, as a share of them or of 1, below which one is as good as the other."""


def map_states(function: Callable[..., Any], *states: Any) -> Any:
    """Return the state made of ``function`` of the arrays that are in the same place of each of ``states``."""
    first = states[0]
    if isinstance(first, np.ndarray):
        return function(*states)
    parts = [map_states(function, *parts) for parts in zip(*states, strict=True)]
    return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)  # a named tuple keeps its type


def state_rows(state: S, rows: Rows) -> S:
    """Return the state of some of the texts."""

    def take(array: NDArray[Any]) -> NDArray[Any]:
        return array[rows]

    return map_states(take, state)


def join_states(states: Sequence[S]) -> S:
    """Return the state of all texts of ``states``, at least one, side by side."""
    return map_states(lambda *arrays: np.concatenate(arrays), *states)


def with_rows(state: S, rows: NDArray[np.intp], new: S) -> S:
    """Return ``state`` with ``rows`` of it exchanged for those of ``new``."""

    def exchange(old: NDArray[Any], instead: NDArray[Any]) -> NDArray[Any]:
        changed = old.copy()
        changed[rows] = instead
        return changed

    return map_states(exchange, state, new)


def differing_rows(state: S, other: S) -> NDArray[np.intp]:
    """Return for which texts two states are not the same, but for rounding."""
    differ = np.zeros(0, np.bool_)

    def compare(mine: NDArray[Any], theirs: NDArray[Any]) -> None:
        nonlocal differ
        far = np.abs(mine - theirs) > SAME * np.maximum(1, np.abs(theirs))
        rows = far.reshape(len(far), -1).sum(-1) > 0  # (B,)
        differ = rows | differ if len(differ) else rows

    map_states(compare, state, other)
    return np.flatnonzero(differ)
