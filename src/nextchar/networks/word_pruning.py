"""Pruning counts of words: which to keep, by what each is worth (`nextchar.networks.ngram_pruning`).

A count after the word before is worth what it adds to the beginning of the word alone, one after the beginning of the
word what it adds to nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.ngram_network import Lookup
from nextchar.networks.ngram_pruning import raise_to_needed
from nextchar.networks.word_counts import WordCounts


def prune_words(words: WordCounts, most: int) -> WordCounts:
    """Return ``words`` with at most ``most`` counts, those that are worth most."""
    if len(words) <= most:
        return words
    worth = _worth(words)
    dropped = len(words) - most
    kept = worth > np.partition(worth[1:], dropped - 1)[dropped - 1]
    kept[0] = True
    return replace(words, tree=words.tree.only(kept))


def _worth(words: WordCounts) -> NDArray[np.float64]:
    """Return what each count is worth in nats, or the longer ones that need it if that is more: (N,)."""
    tree, lookup = words.tree, Lookup(words.tree)
    contexts, nodes, even = tree.contexts, len(tree.ids), 1 / tree.vocabulary_size
    shares, rests = tree.shares.astype(np.float64), tree.rests.astype(np.float64)
    links = np.full(nodes, -1)  # of those after a word before: the node of the beginning of the word alone
    shorter = np.full(nodes, even)  # the probability of the last id of each after the shorter context
    for length in range(1, len(tree.starts) - 1):
        level = np.arange(tree.starts[length], tree.starts[length + 1], dtype=np.int64)
        before = links[contexts[level]]
        after_word = level[before >= 0]
        before = before[before >= 0]
        found = lookup.find(before, tree.ids[after_word])
        links[after_word] = found
        shorter[after_word] = np.where(found >= 0, shares[found], 0) + rests[before] * even
        ends = (length > 1) & (links[level] < 0) & (tree.ids[level] == words.separator)
        links[level[ends]] = 0
    own = shares + rests[contexts] * shorter
    worth = tree.counts.astype(np.float64) * (np.log(own) - np.log((rests[contexts] + shares) * shorter))
    raise_to_needed(tree, worth)
    return worth
