"""The effect of temperature on one prediction, by hand-worked numbers."""

from __future__ import annotations

import numpy as np
import pytest

from nextchar.networks.architecture import Ids, State
from nextchar.report.temperature_effect import MIN_READ, temperature_effect


class Scripted:
    """Predicts p of the row at each position, whatever it reads."""

    context_length = None

    def __init__(self, rows: list[list[float]]) -> None:
        self.rows = np.array(rows)

    @property
    def vocabulary_size(self) -> int:
        return self.rows.shape[1]

    def initial_state(self, batch: int) -> State:
        return State((), ())

    def forward(self, ids: Ids, state: State) -> tuple[np.ndarray, State]:
        return np.log(self.rows[None, : ids.shape[1]]).astype(np.float32), state


def test_probabilities_are_powers_scaled_back() -> None:
    effect = temperature_effect(Scripted([[0.2, 0.5, 0.3]]), np.array([0]), [0, 0.5, 1], shown=2)
    assert effect.ids.tolist() == [1, 2]
    assert effect.read == 1
    np.testing.assert_allclose(effect.probabilities, [[1, 0], [25 / 38, 9 / 38], [0.5, 0.3]], rtol=1e-6, atol=1e-12)
    assert effect.entropies[0] == 0
    assert effect.entropies[2] == pytest.approx(1.4855, abs=1e-4)


def test_what_cannot_be_drawn_has_no_share() -> None:
    effect = temperature_effect(Scripted([[0.8, 0.1, 0.1]]), np.array([0]), [1], forbidden=(0,))
    assert effect.ids.tolist() == [1, 2]
    np.testing.assert_allclose(effect.probabilities, [[0.5, 0.5]])


def test_a_middling_prediction_is_chosen_once_enough_is_read() -> None:
    certain, open_ = [0.93] + [0.01] * 7, [0.3, 0.3, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05]
    rows = [open_, *[certain] * (MIN_READ + 1), open_, certain]
    assert temperature_effect(Scripted(rows), np.zeros(len(rows), int), [1]).read == MIN_READ + 3
    assert temperature_effect(Scripted(rows), np.zeros(1, int), [1]).read == 1
