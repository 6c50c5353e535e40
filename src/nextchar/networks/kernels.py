"""The inner loops of the compiled network, in numba: compiled once, kept on disk, and run without Python's lock.

The weights of all layers lie in one flat array, and so do their h and their c, so that one compiled loop serves every
architecture. Equations and gate order are those of `nextchar.networks.architecture`; the rows of i, f and o are halved
as in the NumPy network.
"""

# The decorator is untyped, as numba's are.
# pyright: reportUntypedFunctionDecorator=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from nextchar.networks.compilation import compiled

Array = Any
"""A NumPy array; a docstring beside each gives its content."""

UNROLLED, TILE = 8, 512
"""Rows of a matrix that `add_eight` multiplies at once, and columns of them that stay in the first-level cache."""

# NumPy's division never raises: Python's, which may, would keep the compiler from vectorising a loop.
_EXACT: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
# Sums may be reordered and fused with products; infinities and NaN keep their meaning.
LOOP: dict[str, Any] = {**_EXACT, "fastmath": {"contract", "reassoc", "nsz", "arcp"}}

_ZERO, _HALF, _LIMIT = np.float32(0.0), np.float32(0.5), np.float32(7.90531110763549805)
# tanh(x) = x p(x²) / q(x²) for |x| below the limit, where float32 has reached 1: Eigen, MathFunctionsImpl.h. It has no
# branches, so that the compiler computes sixteen at once; the error is a few units in the last place.
_P1, _P3, _P5, _P7 = (
    np.float32(value)
    for value in (4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08)
)
_P9, _P11, _P13 = (np.float32(value) for value in (-8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16))
_ONE, _LOG2E, _SMALLEST = np.float32(1.0), np.float32(1.4426950408889634), np.float32(-87.0)
_LN2, _E3, _E4, _E5, _E6 = (np.float32(value) for value in (0.6931471805599453, 1 / 6, 1 / 24, 1 / 120, 1 / 720))
_Q0, _Q2, _Q4, _Q6 = (
    np.float32(value)
    for value in (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)
)


class Packed(NamedTuple):
    """A network's weights."""

    table: Array
    """Input products of the first layer for each id, bias added: (V, 4H)."""
    layers: Array
    """For each layer, flat: input weights (H below, 4H) in all but the first, hidden weights (H, 4H); float32 or
    int8."""
    scales: Array
    """What the sums of the products of each layer are multiplied by, flat: (4H) each; ones where weights are
    float32."""
    biases: Array
    """Of all layers, flat: (4H) each."""
    sizes: Array
    """H of each layer: (L,)."""
    output_weight: Array
    """(H, P), where P is V rounded up to fill whole registers; float32 or int8."""
    output_scale: Array
    """(P,)"""
    output_bias: Array
    """(P,)"""


class Memory(NamedTuple):
    """The state of one text, changed as it is read, and room to work in."""

    h: Array
    """Of all layers, one after another."""
    c: Array
    gates: Array
    """Room for the gates of the largest layer."""


class Draw(NamedTuple):
    """How ids are drawn."""

    temperature: float
    allowed: Array
    """Whether each id may be drawn after one of each class: (C, V)."""
    classes: Array
    """The class of each id: (V,)."""
    last: Array
    """The class of the id before, of each text: (B,), changed as ids are drawn."""
    powers: Array
    """Room for a number of each id: (V,)."""


@compiled(**LOOP, inline="always")
def tanh(x: Any) -> Any:
    x = min(max(x, -_LIMIT), _LIMIT)
    y = x * x
    p = _P1 + y * (_P3 + y * (_P5 + y * (_P7 + y * (_P9 + y * (_P11 + y * _P13)))))
    q = _Q0 + y * (_Q2 + y * (_Q4 + y * _Q6))
    return x * p / q


@compiled(**LOOP)
def sum_powers(values: Array, peak: float, room: Array, powers: Array) -> Any:
    """Return the sum of e^(v - ``peak``) over ``values`` (N,), float32 of at most ``peak``, without a branch: with n
    the whole number nearest to x / ln 2, e^x = 2^n e^(x - n ln 2), up to 2e-7 of the sum. ``room`` (N,), float32, and
    ``powers`` (N,), int32, are overwritten."""
    for j in range(len(values)):
        x = max(values[j] - peak, _SMALLEST)
        n = np.int32(x * _LOG2E - _HALF)  # x is not positive: rounded to the nearest
        r = x - np.float32(n) * _LN2
        room[j] = _ONE + r * (_ONE + r * (_HALF + r * (_E3 + r * (_E4 + r * (_E5 + r * _E6)))))
        powers[j] = (n + np.int32(127)) << np.int32(23)
    scales, total = powers.view(np.float32), _ZERO
    for j in range(len(values)):
        total += room[j] * scales[j]
    return total


@compiled(**LOOP)
def log2_of(logits: Array, target: int, room: Array, powers: Array) -> float:
    """Return log2 of the probability of the id ``target`` in softmax(``logits`` (V,)); ``room`` and ``powers`` as for
    `sum_powers`."""
    peak = logits[0]
    for j in range(len(logits)):
        peak = max(peak, logits[j])
    total = sum_powers(logits, peak, room, powers)
    return (np.float64(logits[target] - peak) - math.log(total)) / math.log(2.0)


@compiled(**LOOP)
def score_targets(logits: Array, size: int, targets: Array, scores: Array) -> None:
    """Fill ``scores`` (B, T), float64, with log2 p of ``targets`` (B, T) among the first ``size`` of ``logits``
    (T, B, P)."""
    room, powers = np.empty(size, np.float32), np.empty(size, np.int32)
    for step in range(len(logits)):
        for row in range(logits.shape[1]):
            scores[row, step] = log2_of(logits[step, row, :size], targets[row, step], room, powers)


@compiled(**LOOP)
def add_product(vector: Array, matrix: Array, out: Array) -> None:
    """Add ``vector`` (K,) @ ``matrix`` (K, N), float32 or int8, to ``out`` (N,)."""
    whole, columns = len(matrix) // UNROLLED * UNROLLED, slice(0, len(out))
    for k in range(0, whole, UNROLLED):
        add_eight(vector, k, matrix, columns, out)
    for k in range(whole, len(matrix)):
        add_one(vector, k, matrix, columns, out)


@compiled(**LOOP)
def multiply_few(vectors: Array, matrix: Array, out: Array) -> None:
    """Fill ``out`` (B, N) with ``vectors`` (B, K) @ ``matrix`` (K, N), float32, B small. Each part of the matrix serves
    all vectors while it is in the first-level cache."""
    whole = len(matrix) // UNROLLED * UNROLLED
    out[:] = _ZERO
    for first in range(0, out.shape[1], TILE):
        columns = slice(first, first + TILE)
        for k in range(0, whole, UNROLLED):
            for row in range(len(vectors)):
                add_eight(vectors[row], k, matrix, columns, out[row, columns])
        for k in range(whole, len(matrix)):
            for row in range(len(vectors)):
                add_one(vectors[row], k, matrix, columns, out[row, columns])


@compiled(**LOOP, inline="always")
def add_eight(vector: Array, k: int, matrix: Array, columns: Any, out: Array) -> None:
    """Add the products of eight numbers of ``vector`` (K,), from ``k`` on, with ``columns`` of their rows of
    ``matrix`` (K, N) to ``out`` (n,): so many at a time spare most visits to ``out``."""
    a0, a1, a2, a3 = vector[k], vector[k + 1], vector[k + 2], vector[k + 3]
    a4, a5, a6, a7 = vector[k + 4], vector[k + 5], vector[k + 6], vector[k + 7]
    r0, r1, r2, r3 = matrix[k, columns], matrix[k + 1, columns], matrix[k + 2, columns], matrix[k + 3, columns]
    r4, r5, r6, r7 = matrix[k + 4, columns], matrix[k + 5, columns], matrix[k + 6, columns], matrix[k + 7, columns]
    for j in range(len(out)):
        out[j] += (
            (a0 * np.float32(r0[j]) + a1 * np.float32(r1[j]))
            + (a2 * np.float32(r2[j]) + a3 * np.float32(r3[j]))
            + (a4 * np.float32(r4[j]) + a5 * np.float32(r5[j]))
            + (a6 * np.float32(r6[j]) + a7 * np.float32(r7[j]))
        )


@compiled(**LOOP, inline="always")
def add_one(vector: Array, k: int, matrix: Array, columns: Any, out: Array) -> None:
    """Add the product of the number ``k`` of ``vector`` (K,) with ``columns`` of its row of ``matrix`` (K, N) to
    ``out`` (n,)."""
    a, row = vector[k], matrix[k, columns]
    for j in range(len(out)):
        out[j] += a * np.float32(row[j])


@compiled(**LOOP)
def scale_and_add(values: Array, scale: Array, start: Array) -> None:
    """Change ``values`` (N,) to ``start`` (N,) + ``scale`` (N,) * ``values``."""
    for j in range(len(values)):
        values[j] = start[j] + scale[j] * values[j]


@compiled(**LOOP)
def update_cell(gates: Array, h: Array, c: Array) -> None:
    """Take one step from the input products of the four ``gates`` (4H,): changes ``h`` (H,) and ``c`` (H,)."""
    size = len(h)
    i, f, g, o = gates[:size], gates[size : 2 * size], gates[2 * size : 3 * size], gates[3 * size : 4 * size]
    for j in range(size):
        cell = (tanh(f[j]) * _HALF + _HALF) * c[j] + (tanh(i[j]) * _HALF + _HALF) * tanh(g[j])
        c[j] = cell
        h[j] = (tanh(o[j]) * _HALF + _HALF) * tanh(cell)


@compiled(**LOOP)
def update_cells(gates: Array, h: Array, c: Array) -> None:
    """Take one step of many texts from ``gates`` (B, 4H): changes ``h`` (B, H) and ``c`` (B, H)."""
    for row in range(len(h)):
        update_cell(gates[row], h[row], c[row])


@compiled(**LOOP)
def advance(token: int, packed: Packed, memory: Memory) -> int:
    """Read the id ``token``, which changes ``memory``; return where in its h that of the last layer begins."""
    at, state, below, weights = 0, 0, 0, packed.layers
    for layer in range(len(packed.sizes)):
        size = packed.sizes[layer]
        wide = 4 * size
        gates = memory.gates[:wide]
        gates[:] = _ZERO
        if layer > 0:
            inputs = packed.sizes[layer - 1]
            matrix = weights[at : at + inputs * wide].reshape(inputs, wide)
            add_product(memory.h[below : below + inputs], matrix, gates)
            at += inputs * wide
        h, c = memory.h[state : state + size], memory.c[state : state + size]
        add_product(h, weights[at : at + size * wide].reshape(size, wide), gates)
        at += size * wide
        start = packed.table[token] if layer == 0 else packed.biases[4 * state : 4 * state + wide]
        scale_and_add(gates, packed.scales[4 * state : 4 * state + wide], start)
        update_cell(gates, h, c)
        below = state
        state += size
    return below


@compiled(**LOOP)
def predict(top: int, packed: Packed, memory: Memory, logits: Array) -> None:
    """Fill ``logits`` (P,) from the h of the last layer, which begins at ``top``."""
    logits[:] = _ZERO
    add_product(memory.h[top:], packed.output_weight, logits)
    scale_and_add(logits, packed.output_scale, packed.output_bias)


@compiled(**LOOP)
def read_ids(ids: Array, packed: Packed, memory: Memory, logits: Array) -> None:
    """Read ``ids`` (T,) one after another; fill ``logits`` (T, P) or, where it has one row, that of the last."""
    unread = len(ids) - len(logits)
    for step in range(len(ids)):
        top = advance(ids[step], packed, memory)
        if step >= unread:
            predict(top, packed, memory, logits[step - unread])


@compiled(**LOOP)
def read_outputs(ids: Array, packed: Packed, memory: Memory, outputs: Array) -> None:
    """Read ``ids`` (T,) one after another; fill ``outputs`` (T, H) with the h of the last layer."""
    for step in range(len(ids)):
        outputs[step] = memory.h[advance(ids[step], packed, memory) :]


@compiled(**_EXACT)
def draw_id(logits: Array, draw: Draw, row: int, uniform: float) -> int:
    """Return the next id of text ``row``: the one that ``uniform``, in [0, 1), picks from softmax(``logits`` (P,) /
    temperature) among those allowed, by inverting its running sum; at temperature 0 the most probable."""
    temperature, allowed, powers = draw.temperature, draw.allowed[draw.last[row]], draw.powers
    best = -1
    for token in range(len(allowed)):
        if allowed[token] and (best < 0 or logits[token] > logits[best]):
            best = token
    if temperature == 0.0:
        draw.last[row] = draw.classes[best]
        return best
    peak, total = float(logits[best]), 0.0
    for token in range(len(allowed)):
        powers[token] = math.exp((float(logits[token]) - peak) / temperature) if allowed[token] else 0.0
        total += powers[token]
    target, running, last = uniform * total, 0.0, best
    for token in range(len(allowed)):
        if powers[token] > 0.0:
            running += powers[token]
            last = token
            if running > target:
                break
    draw.last[row] = draw.classes[last]
    return last


@compiled(**_EXACT)
def draw_rows(logits: Array, draw: Draw, uniforms: Array, ids: Array) -> None:
    """Draw ``ids`` (B,) from ``logits`` (B, P), one for each of ``uniforms`` (B,)."""
    for row in range(len(ids)):
        ids[row] = draw_id(logits[row], draw, row, uniforms[row])


@compiled(**LOOP)
def look_up_and_add(ids: Array, table: Array, out: Array) -> None:
    """Add to ``out`` (B, N) the rows of ``table`` (V, N) at ``ids`` (B,)."""
    for row in range(len(ids)):
        into, start = out[row], table[ids[row]]
        for j in range(len(into)):
            into[j] += start[j]


@compiled(**_EXACT)
def write_ids(  # noqa: PLR0917 (numba takes no keywords)
    packed: Packed, memory: Memory, logits: Array, draw: Draw, uniforms: Array, ids: Array
) -> None:
    """Draw ``ids`` (T,) from ``logits`` (P,), one for each of ``uniforms`` (T,), and read each back; ``logits`` become
    those after the last id."""
    for step in range(len(ids)):
        token = draw_id(logits, draw, 0, uniforms[step])
        ids[step] = token
        predict(advance(token, packed, memory), packed, memory, logits)
