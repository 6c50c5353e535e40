"""The loops of training on windows: one step of many windows forward, storing what the step back needs, and back.

Gates have the order and scale of `nextchar.networks.architecture`: i, f, g, o, not halved.
"""

# The decorator is untyped, as numba's are.
# pyright: reportUntypedFunctionDecorator=false

from __future__ import annotations

from typing import Any

import numpy as np

from nextchar.networks.compilation import compiled
from nextchar.networks.kernels import LOOP, tanh

Array = Any
"""A NumPy array of float32 unless a docstring says otherwise; it also gives the shape."""

_HALF, _ONE = np.float32(0.5), np.float32(1.0)


@compiled(**LOOP)
def look_up(ids: Array, table: Array, out: Array) -> None:
    """Fill ``out`` (B, 4H) with the rows of ``table`` (V, 4H) at ``ids`` (B,), integers."""
    for row in range(len(ids)):
        out[row] = table[ids[row]]


@compiled(**LOOP)
def step_forward(gates: Array, before: Array, cell: Array, hidden: Array) -> None:
    """Take one step: ``gates`` (B, 4H) change from sums to activations; ``cell`` (B, H), which follows ``before``, and
    ``hidden`` (B, H) are filled."""
    size = hidden.shape[1]
    for row in range(len(hidden)):
        i, f = gates[row, :size], gates[row, size : 2 * size]
        g, o = gates[row, 2 * size : 3 * size], gates[row, 3 * size :]
        old, c, h = before[row], cell[row], hidden[row]
        for j in range(size):
            i[j] = tanh(i[j] * _HALF) * _HALF + _HALF
            f[j] = tanh(f[j] * _HALF) * _HALF + _HALF
            g[j] = tanh(g[j])
            o[j] = tanh(o[j] * _HALF) * _HALF + _HALF
            c[j] = f[j] * old[j] + i[j] * g[j]
            h[j] = o[j] * tanh(c[j])


@compiled(**LOOP)
def step_back(gates: Array, before: Array, cell: Array, to_hidden: Array, to_cell: Array) -> None:
    """Take one step back: ``gates`` (B, 4H) change from activations to the gradients of their sums, by the gradients of
    ``hidden``, ``to_hidden`` (B, H), and of ``cell``, ``to_cell`` (B, H), which changes to that of ``before``."""
    size = cell.shape[1]
    for row in range(len(cell)):
        i, f = gates[row, :size], gates[row, size : 2 * size]
        g, o = gates[row, 2 * size : 3 * size], gates[row, 3 * size :]
        old, c, to_h, to_c = before[row], cell[row], to_hidden[row], to_cell[row]
        for j in range(size):
            t = tanh(c[j])
            through = to_c[j] + to_h[j] * o[j] * (_ONE - t * t)
            to_c[j] = through * f[j]
            o[j] = to_h[j] * t * o[j] * (_ONE - o[j])
            f[j] = through * old[j] * f[j] * (_ONE - f[j])
            to_i, to_g = through * g[j], through * i[j]
            i[j] = to_i * i[j] * (_ONE - i[j])
            g[j] = to_g * (_ONE - g[j] * g[j])


@compiled(**LOOP)
def add_rows(ids: Array, rows: Array, table: Array) -> None:
    """Add each of ``rows`` (N, 4H) to the row of ``table`` (V, 4H) at its one of ``ids`` (N,), integers."""
    for number in range(len(ids)):
        into, row = table[ids[number]], rows[number]
        for j in range(len(into)):
            into[j] += row[j]
