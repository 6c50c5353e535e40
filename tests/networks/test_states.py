"""States of texts side by side: taken, joined, exchanged, compared."""

from typing import Any

import numpy as np
import pytest

from nextchar.networks.architecture import State
from nextchar.networks.states import differing_rows, join_states, state_rows, with_rows


def lstm_state(*values: float) -> State:
    """Return the state of a text for each value."""
    array = np.array(values, np.float32)[:, None]  # (B, 1)
    return State((array, 2 * array), (-array, array + 1))


def blend_state(*values: float) -> tuple[Any, ...]:
    return (lstm_state(*values), np.array(values)[:, None])


def flat(state: Any) -> list[Any]:
    return state.tolist() if isinstance(state, np.ndarray) else [flat(part) for part in state]


@pytest.mark.parametrize("make", [lstm_state, blend_state])
def test_texts_are_taken_joined_and_exchanged(make: Any) -> None:
    state = make(1, 2, 3)
    assert flat(state_rows(state, slice(0, 2))) == flat(make(1, 2))
    assert flat(state_rows(state, np.array([2, 0]))) == flat(make(3, 1))
    assert flat(join_states([make(1), make(2, 3)])) == flat(state)
    assert flat(with_rows(state, np.array([1]), make(7))) == flat(make(1, 7, 3))
    assert flat(state) == flat(make(1, 2, 3)), "no state is changed"
    assert type(state_rows(state, slice(0, 1))) is type(state)


@pytest.mark.parametrize("make", [lstm_state, blend_state])
def test_states_differ_by_text_and_not_by_rounding(make: Any) -> None:
    assert differing_rows(make(1, 2, 3), make(1, 2.5, 3)).tolist() == [1]
    assert differing_rows(make(1, 2, 3), make(1, 2 + 1e-6, 3)).tolist() == []
