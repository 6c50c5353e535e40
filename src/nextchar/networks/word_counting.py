"""Counting the words of a text."""

from __future__ import annotations

import numpy as np

from nextchar.networks.architecture import Ids
from nextchar.networks.engine import can_compile
from nextchar.networks.ngram_counts import Numbers
from nextchar.networks.word_counts import BELONGS, MAX_LENGTH, Kinds, WordCounts, separator_of, tree_of

BLOCK = 1 << 16
"""Ids for which room is made at once."""


def count_words(ids: Ids, kinds: Kinds) -> WordCounts:
    """Count what came after the beginnings of words in a text, with compiled loops where numba works.

    Args:
        ids: the text, shape (n,).
        kinds: the kind of each id: (V,).
    """
    counted = _compiled_counts if can_compile() else _python_counts
    return WordCounts(tree_of(*counted(ids, kinds), len(kinds)), kinds)


def _compiled_counts(ids: Ids, kinds: Kinds) -> tuple[Numbers, Numbers, Numbers]:
    """Return the context, the last id and the count of each node, shape (N,) each; the context comes first."""
    from nextchar.networks import word_kernels as kernels
    from nextchar.networks.growing_counts import grown_words

    grown, separator = grown_words(None, len(kinds)), separator_of(kinds)
    for first in range(0, len(ids), BLOCK):
        grown.make_room(BLOCK)
        block = np.ascontiguousarray(ids[first : first + BLOCK], np.int64)
        kernels.count_words(grown.tree, kinds, separator, block)
    tree, nodes = grown.tree, grown.nodes
    parents = np.zeros(nodes, np.int64)
    kernels.find_parents(tree, parents)
    last = np.concatenate([[0], tree.new_ids[: nodes - 1]])
    return parents, last.astype(np.int64), tree.counts[:nodes].astype(np.int64)


def _python_counts(ids: Ids, kinds: Kinds) -> tuple[Numbers, Numbers, Numbers]:
    """Return the same without compiled loops."""
    separator, belongs = separator_of(kinds), (kinds == BELONGS).tolist()
    numbers: dict[tuple[int, int], int] = {}
    parents, last, counts, lengths = [0], [0], [0], [0]

    def node(context: int | None, token: int) -> int | None:
        """Return the node of ``context`` and ``token``, new if need be; None where a context is too long."""
        if context is None or lengths[context] == MAX_LENGTH:
            return None
        number = numbers.setdefault((context, token), len(last))
        if number == len(last):
            parents.append(context)
            last.append(token)
            counts.append(0)
            lengths.append(lengths[context] + 1)
        return number

    first: int | None = 0
    second: int | None = None
    in_word = False
    for token in ids.tolist():
        after = [node(context, token) for context in (first, second)]
        for number in after:
            if number is not None:
                counts[number] += 1
        if belongs[token]:
            (first, second), in_word = after, True
        elif in_word:
            first, second, in_word = 0, node(first, separator), False
    return np.array(parents), np.array(last), np.array(counts)
