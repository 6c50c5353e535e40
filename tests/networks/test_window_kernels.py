"""The loops of training on windows: hand-worked steps, and a check of the gradients."""

import numpy as np
import pytest

from nextchar.networks import window_kernels

BATCH, HIDDEN = 3, 4


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def forward(sums: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the activations (B, 4H), the cell (B, H) and the output (B, H) of a step."""
    gates, cell, hidden = sums.copy(), np.empty_like(before), np.empty_like(before)
    window_kernels.step_forward(gates, before, cell, hidden)
    return gates, cell, hidden


def test_a_step_follows_the_equations() -> None:
    sums, before = normal(BATCH, 4 * HIDDEN), normal(BATCH, HIDDEN, seed=1)
    gates, cell, hidden = forward(sums, before)
    i, f, g, o = np.split(sums.astype(np.float64), 4, axis=1)
    expected = sigmoid(f) * before + sigmoid(i) * np.tanh(g)
    np.testing.assert_allclose(gates, np.concatenate([sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)], 1), atol=1e-6)
    np.testing.assert_allclose(cell, expected, atol=1e-6)
    np.testing.assert_allclose(hidden, sigmoid(o) * np.tanh(expected), atol=1e-6)


def test_a_step_back_gives_the_gradients() -> None:
    """The loss is the sum of hidden and cell, each weighted; differences are wide, because the loops are of float32."""
    sums, before = normal(BATCH, 4 * HIDDEN), normal(BATCH, HIDDEN, seed=1)
    to_hidden, to_cell = normal(BATCH, HIDDEN, seed=2), normal(BATCH, HIDDEN, seed=3)

    def loss() -> float:
        _, cell, hidden = forward(sums, before)
        return float((to_hidden * hidden).sum(dtype=np.float64) + (to_cell * cell).sum(dtype=np.float64))

    gates, cell, _ = forward(sums, before)
    to_before = to_cell.copy()
    window_kernels.step_back(gates, before, cell, to_hidden, to_before)
    for values, gradients in ((sums, gates), (before, to_before)):
        for index in np.ndindex(values.shape):
            kept, sides = values[index], []
            for step in (0.01, -0.01):
                values[index] = kept + step
                sides.append(loss())
            values[index] = kept
            assert gradients[index] == pytest.approx((sides[0] - sides[1]) / 0.02, abs=1e-3)


def test_rows_are_looked_up_and_added_where_they_belong() -> None:
    ids, table = np.array([2, 0, 2]), normal(3, 8)
    rows = np.empty((3, 8), np.float32)
    window_kernels.look_up(ids, table, rows)
    np.testing.assert_array_equal(rows, table[ids])
    total = np.zeros_like(table)
    window_kernels.add_rows(ids, rows, total)
    np.testing.assert_array_equal(total, [table[0], np.zeros(8), 2 * table[2]])
