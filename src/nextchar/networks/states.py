"""The state of a network after reading: an array, or a tuple of states, never changed once it exists.

The first axis of every array is that of the texts side by side. So the states of some texts can be selected, joined,
compared and replaced without knowing what they mean, which only their network knows.
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
"""Relative difference (absolute below 1) up to which two states count as the same."""


def map_states(function: Callable[..., Any], *states: Any) -> Any:
    """Return the state whose arrays are ``function`` of the corresponding arrays of ``states``."""
    first = states[0]
    if isinstance(first, np.ndarray):
        return function(*states)
    parts = [map_states(function, *parts) for parts in zip(*states, strict=True)]
    return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)  # a named tuple keeps its type


def state_rows(state: S, rows: Rows) -> S:
    """Return the state of the texts at ``rows``."""

    def take(array: NDArray[Any]) -> NDArray[Any]:
        return array[rows]

    return map_states(take, state)


def join_states(states: Sequence[S]) -> S:
    """Return the state of all texts of ``states``, at least one, side by side."""
    return map_states(lambda *arrays: np.concatenate(arrays), *states)


def with_rows(state: S, rows: NDArray[np.intp], new: S) -> S:
    """Return ``state`` with its ``rows`` replaced by those of ``new``."""

    def exchange(old: NDArray[Any], instead: NDArray[Any]) -> NDArray[Any]:
        changed = old.copy()
        changed[rows] = instead
        return changed

    return map_states(exchange, state, new)


def differing_rows(state: S, other: S) -> NDArray[np.intp]:
    """Return the texts whose states differ by more than rounding."""
    differ = np.zeros(0, np.bool_)

    def compare(mine: NDArray[Any], theirs: NDArray[Any]) -> None:
        nonlocal differ
        far = np.abs(mine - theirs) > SAME * np.maximum(1, np.abs(theirs))
        rows = far.reshape(len(far), -1).sum(-1) > 0  # (B,)
        differ = rows | differ if len(differ) else rows

    map_states(compare, state, other)
    return np.flatnonzero(differ)
