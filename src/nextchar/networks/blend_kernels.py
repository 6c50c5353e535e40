"""The loops of the compiled blend, in numba."""

# The decorator is untyped, as numba's are.
# pyright: reportUntypedFunctionDecorator=false, reportUnknownMemberType=false

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nextchar.networks.compilation import compiled
from nextchar.networks.kernels import LOOP, Array, Draw, Memory, Packed, advance, draw_id, log2_of, predict
from nextchar.networks.ngram_kernels import Tables, fill_log, fill_probabilities, read_id
from nextchar.networks.word_kernels import Words, fill_words, read_word


class Counted(NamedTuple):
    """What was counted, and where some texts are in it."""

    tables: Tables
    words: Words
    weights: Array
    """u, v and w for each situation: (S, 3), float32; of words there is nothing to weigh where none were counted."""
    contexts: Array
    """Number of the last 0, 1, ... ids of each text, or -1; changed as it is read: (B, order + 1)."""
    places: Array
    """Where each text is in the counts of words; changed as it is read: (B, 3)."""
    room: Array
    """Room for two numbers of each id: (2, V), float32."""


@compiled(**LOOP, forceinline=True)
def blend(counted: Counted, row: int, token: int, logits: Array) -> None:
    """Read ``token`` after the text ``row``; change ``logits`` (P,) from those of the network to those of the blend."""
    contexts, p, q = counted.contexts[row], counted.room[0], counted.room[1]
    read_id(counted.tables, contexts, token)
    situation = fill_probabilities(counted.tables, contexts, p)
    if len(counted.words.kinds) == 0:
        fill_log(p)
        u, v = counted.weights[situation, 0], counted.weights[situation, 1]
        for j in range(len(p)):
            logits[j] = u * logits[j] + v * p[j]
        return
    read_word(counted.words, counted.places[row], token)
    situation += len(contexts) * fill_words(counted.words, counted.places[row], p, q)
    fill_log(p)
    fill_log(q)
    u, v, w = counted.weights[situation, 0], counted.weights[situation, 1], counted.weights[situation, 2]
    for j in range(len(p)):
        logits[j] = u * logits[j] + v * p[j] + w * q[j]


@compiled(**LOOP)
def blend_rows(counted: Counted, ids: Array, logits: Array) -> None:
    """Read the next of ``ids`` (B,); change ``logits`` (B, P) like `blend`."""
    for row in range(len(ids)):
        blend(counted, row, ids[row], logits[row])


@compiled(**LOOP)
def score_ids(counted: Counted, ids: Array, logits: Array, targets: Array, scores: Array) -> None:
    """Read ``ids`` (B, T) after the texts; fill ``scores`` (B, T), float64, with log2 p of ``targets`` (B, T), given
    ``logits`` (T, B, P) of the network, which become those of the blend.

    All probabilities are needed for one: the mixed ones have to add up to one.
    """
    size = counted.room.shape[1]
    room, powers = np.empty(size, np.float32), np.empty(size, np.int32)
    for row in range(len(ids)):
        for step in range(ids.shape[1]):
            mixed = logits[step, row, :size]
            blend(counted, row, ids[row, step], mixed)
            scores[row, step] = log2_of(mixed, targets[row, step], room, powers)


@compiled(**LOOP)
def write_ids(  # noqa: PLR0917 (numba takes no keywords)
    packed: Packed, memory: Memory, counted: Counted, logits: Array, draw: Draw, uniforms: Array, ids: Array
) -> None:
    """Draw ``ids`` (T,) from ``logits`` (P,), one for each of ``uniforms`` (T,), and read each back; ``logits`` become
    those after the last id."""
    for step in range(len(ids)):
        token = draw_id(logits, draw, 0, uniforms[step])
        ids[step] = token
        predict(advance(token, packed, memory), packed, memory, logits)
        blend(counted, 0, token, logits)
