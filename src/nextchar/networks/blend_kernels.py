"""The loops of the compiled blend, in numba."""

# The decorator is untyped, as numba's are.
# pyright: reportUntypedFunctionDecorator=false, reportUnknownMemberType=false

from __future__ import annotations

from typing import NamedTuple

from nextchar.networks.compilation import compiled
from nextchar.networks.kernels import LOOP, Array, Draw, Memory, Packed, advance, draw_id, predict
from nextchar.networks.ngram_kernels import Tables, fill_log, fill_probabilities, read_id


class Counted(NamedTuple):
    """What was counted, and where some texts are in it."""

    tables: Tables
    weights: Array
    """u and v for each length of context: (order + 1, 2), float32."""
    contexts: Array
    """Number of the last 0, 1, ... ids of each text, or -1; changed as it is read: (B, order + 1)."""
    room: Array
    """Room for a number of each id: (V,), float32."""


@compiled(**LOOP)
def blend(counted: Counted, row: int, token: int, logits: Array) -> None:
    """Read ``token`` after the text ``row``; change ``logits`` (P,) from those of the network to those of the blend."""
    contexts, room = counted.contexts[row], counted.room
    read_id(counted.tables, contexts, token)
    longest = fill_probabilities(counted.tables, contexts, room)
    fill_log(room)
    u, v = counted.weights[longest, 0], counted.weights[longest, 1]
    for j in range(len(room)):
        logits[j] = u * logits[j] + v * room[j]


@compiled(**LOOP)
def blend_rows(counted: Counted, ids: Array, logits: Array) -> None:
    """Read the next of ``ids`` (B,); change ``logits`` (B, P) like `blend`."""
    for row in range(len(ids)):
        blend(counted, row, ids[row], logits[row])


@compiled(**LOOP)
def write_ids(  # noqa: PLR0917 (numba takes no keywords)
    packed: Packed, memory: Memory, counted: Counted, logits: Array, draw: Draw, uniforms: Array, ids: Array
) -> None:
    """Draw ``ids`` (T,) from ``logits`` (P,), one for each of ``uniforms`` (T,), and read each back; ``logits`` become
    those after the last id."""
    for step in range(len(ids)):
        token = draw_id(logits, draw, uniforms[step])
        ids[step] = token
        predict(advance(token, packed, memory), packed, memory, logits)
        blend(counted, 0, token, logits)
