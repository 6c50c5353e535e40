"""The loops of predicting from counts, in numba."""

# The decorator is untyped, as numba's are.
# pyright: reportUntypedFunctionDecorator=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from nextchar.networks.compilation import compiled
from nextchar.networks.kernels import Array, Draw, draw_id

_EXACT: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
_LOOP: dict[str, Any] = {**_EXACT, "fastmath": {"contract", "reassoc", "nsz", "arcp"}}

_ZERO, _ONE, _TWO, _LOG2 = np.float32(0.0), np.float32(1.0), np.float32(2.0), np.float32(0.6931471805599453)
_ROOT = np.float32(1.4142135623730951)
_L1, _L3, _L5, _L7 = (np.float32(2 / n) for n in (1, 3, 5, 7))
_BIAS, _MANTISSA = np.int32(127), np.int32(0x7FFFFF)


class Tables(NamedTuple):
    """What `nextchar.networks.ngram_network.NgramNetwork` knows, as flat arrays; node 0 stands for no ids."""

    firsts: Array
    """Number of the first child of each of C contexts, and of the last context's last child plus one: (C + 1,)."""
    ids: Array
    """The last id of each of N n-grams, in order among the children of a context: (N,)."""
    shares: Array
    """What the counts of each n-gram add to its probability: (N,)."""
    rests: Array
    """The probability that each context leaves to the next shorter one: (C,)."""
    dense: Array
    """The probability of each id without context, and after each context of one id, where these are few: (1 + S, V),
    or (1, V)."""
    nodes: Array
    """The number of the n-gram of the same contexts and each id, or -1: (1 + S, V), or (1, V)."""


@compiled(**_EXACT, forceinline=True)
def find_child(firsts: Array, ids: Array, context: int, token: int) -> int:
    """Return the number of the n-gram of ``context`` and the id ``token``, or -1.

    A binary search whose steps a processor need not guess: nobody knows where the next id will be.
    """
    if context < 0 or context >= len(firsts) - 1:
        return -1
    low, size = firsts[context], firsts[context + 1] - firsts[context]
    if size == 0:
        return -1
    while size > 1:
        half = size >> 1
        low = low + half if ids[low + half] <= token else low
        size -= half
    return low if ids[low] == token else -1


@compiled(**_EXACT, forceinline=True)
def read_id(tables: Tables, contexts: Array, token: int) -> None:
    """Change ``contexts`` (order + 1,), the numbers of the last 0, 1, ... ids or -1, to those after ``token``."""
    shortest = min(len(tables.nodes), 2)  # found in a table up to here
    for k in range(len(contexts) - 1, shortest, -1):
        contexts[k] = find_child(tables.firsts, tables.ids, contexts[k - 1], token)
    if shortest == 2 and len(contexts) > 2:
        contexts[2] = tables.nodes[contexts[1], token] if contexts[1] >= 0 else -1
    contexts[1] = tables.nodes[0, token]


@compiled(**_LOOP)
def fill_log(values: Array) -> None:
    """Change ``values`` (N,), float32 above 0, to their natural logarithms, without a branch: with the mantissa m in
    [√½, √2) and s = (m - 1) / (m + 1), ln m = 2 (s + s³/3 + s⁵/5 + s⁷/7), up to 2e-7."""
    bits = values.view(np.int32)
    for j in range(len(values)):
        exponent = (bits[j] >> np.int32(23)) - _BIAS
        bits[j] = (bits[j] & _MANTISSA) | np.int32(0x3F800000)  # m in [1, 2)
        m = values[j]
        high = m > _ROOT
        m = m * np.float32(0.5) if high else m
        power = np.float32(exponent) + (_ONE if high else _ZERO)
        s = (m - _ONE) / (m + _ONE)
        q = s * s
        values[j] = power * _LOG2 + s * (_L1 + q * (_L3 + q * (_L5 + q * _L7)))


@compiled(**_LOOP, forceinline=True)
def fill_probabilities(tables: Tables, contexts: Array, out: Array) -> int:
    """Fill ``out`` (V,), float32, with the probability of each id after ``contexts`` (order + 1,); return the length of
    the longest of them after which something came."""
    out[:] = _ZERO
    left, longest = _ONE, 0
    for k in range(len(contexts) - 1, 0, -1):
        context = contexts[k]
        if context < 0:
            continue
        first, end = tables.firsts[context], tables.firsts[context + 1]
        if first == end:
            continue
        longest = max(longest, k)
        if k == 1 and len(tables.dense) > 1:
            break
        for child in range(first, end):
            out[tables.ids[child]] += left * tables.shares[child]
        left *= tables.rests[context]
    row = tables.dense[max(contexts[1], 0) if len(tables.dense) > 1 else 0]
    for token in range(len(out)):
        out[token] += left * row[token]
    return longest


@compiled(**_LOOP, forceinline=True)
def probability_of(tables: Tables, contexts: Array, token: int) -> float:
    """Return the probability of the id ``token`` after ``contexts`` (order + 1,), one of those that
    `fill_probabilities` gives."""
    probability, left = _ZERO, _ONE
    for k in range(len(contexts) - 1, 0, -1):
        context = contexts[k]
        if context < 0 or tables.firsts[context] == tables.firsts[context + 1]:
            continue
        if k == 1 and len(tables.dense) > 1:
            break
        child = find_child(tables.firsts, tables.ids, context, token)
        if child >= 0:
            probability += left * tables.shares[child]
        left *= tables.rests[context]
    return probability + left * tables.dense[max(contexts[1], 0) if len(tables.dense) > 1 else 0, token]


@compiled(**_EXACT)
def score_ids(tables: Tables, ids: Array, targets: Array, contexts: Array, scores: Array) -> None:
    """Read ``ids`` (B, T) after ``contexts`` (B, order + 1), which change; fill ``scores`` (B, T), float64, with log2 p
    of ``targets`` (B, T)."""
    for row in range(len(ids)):
        for step in range(ids.shape[1]):
            read_id(tables, contexts[row], ids[row, step])
            scores[row, step] = math.log2(probability_of(tables, contexts[row], targets[row, step]))


@compiled(**_EXACT)
def read_ids(tables: Tables, ids: Array, contexts: Array, out: Array, longest: Array) -> None:
    """Read ``ids`` (T,) after ``contexts`` (order + 1,), which changes; fill ``out`` (T, V) with ln p of the next id
    after each, and ``longest`` (T,) with the length of the longest context."""
    for step in range(len(ids)):
        read_id(tables, contexts, ids[step])
        longest[step] = fill_probabilities(tables, contexts, out[step])
        fill_log(out[step])


@compiled(**_EXACT)
def find_contexts(tables: Tables, before: Array, contexts: Array) -> None:
    """Fill ``contexts`` (B, order + 1), whose first column is 0 and the rest -1, from the last ids of B texts,
    ``before`` (B, order); -1 where nothing was read."""
    for row in range(len(before)):
        for token in before[row]:
            if token >= 0:
                read_id(tables, contexts[row], token)


@compiled(**_EXACT)
def write_ids(  # noqa: PLR0917 (numba takes no keywords)
    tables: Tables, contexts: Array, logits: Array, draw: Draw, row: int, uniforms: Array, ids: Array
) -> None:
    """Draw ``ids`` (T,) of text ``row`` from ``logits`` (V,), one for each of ``uniforms`` (T,), and read each after
    ``contexts`` (order + 1,), which change; ``logits`` become those after the last id."""
    for step in range(len(ids)):
        token = draw_id(logits, draw, row, uniforms[step])
        ids[step] = token
        read_id(tables, contexts, token)
        fill_probabilities(tables, contexts, logits)
        fill_log(logits)
