"""The loops of counts that grow, in numba."""

# The decorator is untyped, as numba's are.
# pyright: reportUntypedFunctionDecorator=false, reportUnknownMemberType=false

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nextchar.networks.compilation import compiled
from nextchar.networks.kernels import LOOP, Array
from nextchar.networks.ngram_kernels import find_child

NONE = -1
"""No node."""
USED = 0
"""Index of the number of nodes in `Growing.numbers`."""
_ZERO = np.float32(0.0)


class Growing(NamedTuple):
    """A tree of n-grams that grows: the N nodes of a text counted before, which keep their numbers, and new ones.

    Arrays but the first two have room for M nodes; the values of n-grams of full length, which have no children, stay
    unused.
    """

    firsts: Array
    """Number of the first old child of each of the C old contexts, and the end of the last one's: (C + 1,)."""
    ids: Array
    """The last id of each old node: (N,)."""
    new_ids: Array
    """The last id of each new node: (M - N,)."""
    siblings: Array
    """The new node with the same context that was made before each new one, or 0: (M - N,)."""
    latest: Array
    """The new child of each node that was made last, or 0: (M,)."""
    counts: Array
    """(M,), int32"""
    totals: Array
    """Sum of the counts of each node's children, pruned ones included: (M,), int32."""
    left: Array
    """What the discounts take off those, pruned ones included: (M,), float64."""
    discounts: Array
    """What comes off a count of 0, 1, 2, and 3 or more after contexts of 0, 1, ... ids: (order + 1, 4), float64."""
    contexts: Array
    """Number of the last 0, 1, ... ids read, or `NONE`: (order + 1,)."""
    numbers: Array
    """The number of nodes: (1,)."""


@compiled(**LOOP, forceinline=True)
def add_children(tree: Growing, k: int, context: int, rest: float, out: Array) -> float:
    """Add to ``out`` (V,) what the counts after ``context``, which has ``k`` ids, give of the probability ``rest``;
    return what they leave to the next shorter one."""
    scale, discounts, old = rest / tree.totals[context], tree.discounts[k], len(tree.ids)
    if context < len(tree.firsts) - 1:
        for child in range(tree.firsts[context], tree.firsts[context + 1]):
            count = tree.counts[child]
            out[tree.ids[child]] += np.float32(scale * (count - discounts[min(count, 3)]))
    child = tree.latest[context]
    while child > 0:
        count = tree.counts[child]
        out[tree.new_ids[child - old]] += np.float32(scale * (count - discounts[min(count, 3)]))
        child = tree.siblings[child - old]
    return scale * tree.left[context]


@compiled(**LOOP)
def fill_grown(tree: Growing, out: Array) -> None:
    """Fill ``out`` (V,), float32, with the probability of each id after what was read."""
    out[:] = _ZERO
    rest = 1.0
    for k in range(len(tree.contexts) - 1, -1, -1):
        context = tree.contexts[k]
        if context >= 0 and tree.totals[context] > 0:
            rest = add_children(tree, k, context, rest, out)
    share = np.float32(rest / len(out))
    for token in range(len(out)):
        out[token] += share


@compiled(**LOOP, forceinline=True)
def find_node(tree: Growing, context: int, token: int) -> int:
    """Return the number of the n-gram of ``context`` and the id ``token``, or `NONE`."""
    child = find_child(tree.firsts, tree.ids, context, token)
    if child >= 0:
        return child
    old, child = len(tree.ids), tree.latest[context]
    while child > 0 and tree.new_ids[child - old] != token:
        child = tree.siblings[child - old]
    return child if child > 0 else NONE


@compiled(**LOOP, forceinline=True)
def add_node(tree: Growing, context: int, token: int) -> int:
    """Add the n-gram of ``context`` and the id ``token``, which is new; return its number, or `NONE` where there is no
    room."""
    child, old = tree.numbers[USED], len(tree.ids)
    if child == len(tree.counts):
        return NONE
    tree.numbers[USED] += 1
    tree.new_ids[child - old] = token
    tree.siblings[child - old] = tree.latest[context]
    tree.latest[context] = child
    return child


@compiled(**LOOP, forceinline=True)
def count_node(tree: Growing, k: int, context: int, child: int) -> None:
    """Count ``child`` once more after ``context``, which has ``k`` ids."""
    count = tree.counts[child]
    tree.left[context] += tree.discounts[k, min(count + 1, 3)] - tree.discounts[k, min(count, 3)]
    tree.counts[child] += 1
    tree.totals[context] += 1


@compiled(**LOOP)
def read_and_count(tree: Growing, token: int, counting: bool) -> None:
    """Read the id ``token``, and count it if ``counting``.

    It counts after the longest context, and after each shorter one as long as it is new after the longer, which is what
    Kneser-Ney counts. Where there is no room, an n-gram is not added.
    """
    for k in range(len(tree.contexts) - 1, -1, -1):
        context, child = tree.contexts[k], NONE
        if context >= 0:
            child = find_node(tree, context, token)
            if counting:
                new = child < 0
                if new:
                    child = add_node(tree, context, token)
                if child >= 0:
                    count_node(tree, k, context, child)
                counting = new
        if k + 1 < len(tree.contexts):
            tree.contexts[k + 1] = child
    tree.contexts[0] = 0
