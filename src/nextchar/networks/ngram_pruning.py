"""Pruning: which n-grams to keep.

`prune` drops what is worth least: an n-gram h c that occurs n times is worth

    n (ln p(c | h) - ln p'(c | h))

where p' is the probability without its own entry, whose share goes to the context h' with one id less. An n-gram that
longer ones need stays with them. What was dropped still counts in the total of its context, so that the probabilities
of the others stay as they are and all sum to one. Source of the idea: Stolcke, "Entropy-based pruning of backoff
language models" (1998).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.engine import can_compile
from nextchar.networks.ngram_counts import NgramCounts

MAX_RARE = 5
"""Most ids of the n-grams that occur once and are kept by `without_rare`."""


def prune(counts: NgramCounts, most: int) -> NgramCounts:
    """Return ``counts`` with at most ``most`` n-grams, those that are worth most; single ids always stay."""
    singles = int(counts.starts[2])  # the first node of two ids
    dropped = len(counts.ids) - singles - max(0, most - (singles - 1))
    if dropped <= 0:
        return counts
    worth = _compiled_worth(counts) if can_compile() else _numpy_worth(counts)
    kept = worth > np.partition(worth[singles:], dropped - 1)[dropped - 1]
    kept[:singles] = True
    return counts.only(kept)


def without_rare(counts: NgramCounts) -> NgramCounts:
    """Return ``counts`` without the n-grams of more than `MAX_RARE` ids that occur once, as far as counts tell: the one
    at the beginning of the text was not counted after another id."""
    kept = _occurrences(counts) > 1
    kept[: counts.starts[min(MAX_RARE, counts.order + 1) + 1]] = True
    return counts.only(kept)


def _occurrences(counts: NgramCounts) -> NDArray[np.float64]:
    """Return how often each node occurs, at least: (N,)."""
    if can_compile():
        from nextchar.networks.counting_kernels import count_occurrences

        occurrences = np.empty(len(counts.ids))
        count_occurrences(counts.firsts, counts.counts, counts.lost, occurrences)
        return occurrences
    contexts, starts = counts.contexts, counts.starts
    occurrences = counts.counts.astype(np.float64)
    for k in range(counts.order, 0, -1):
        level, children = slice(starts[k], starts[k + 1]), slice(starts[k + 1], starts[k + 2])
        of_children = np.bincount(
            contexts[children] - level.start, weights=occurrences[children], minlength=level.stop - level.start
        )
        # Pruned n-grams occurred at least as often as their counts say, and this one at least as often as its own.
        occurrences[level] = np.maximum(of_children + counts.lost[level], occurrences[level])
    return occurrences


def _compiled_worth(counts: NgramCounts) -> NDArray[np.float64]:
    """Return what each node is worth, or the longer n-grams that need it if that is more: (N,)."""
    from nextchar.networks import counting_kernels as kernels

    firsts, ids, numbers, lost = counts.firsts, counts.ids, counts.counts, counts.lost
    worth, size = _occurrences(counts), counts.vocabulary_size
    kernels.weigh_ngrams(firsts, ids, numbers, lost, counts.discounts, counts.starts, size, worth)
    kernels.keep_needed(firsts, worth)
    return worth


def _numpy_worth(counts: NgramCounts) -> NDArray[np.float64]:
    """Return the same without compiled loops."""
    contexts, occurrences = counts.contexts, _occurrences(counts)
    probabilities, shorter = _probabilities(counts)
    own, rest = counts.shares.astype(np.float64), counts.rests.astype(np.float64)[contexts]
    worth = occurrences * (np.log(probabilities) - np.log((rest + own) * shorter))
    worth[0] = np.inf
    raise_to_needed(counts, worth)
    return worth


def raise_to_needed(counts: NgramCounts, worth: NDArray[np.float64]) -> None:
    """Raise the ``worth`` (N,) of each n-gram but node 0 to that of the longer ones that need it."""
    for k in range(counts.order, 0, -1):
        children = slice(counts.starts[k + 1], counts.starts[k + 2])
        np.maximum.at(worth, counts.contexts[children], worth[children])


def _probabilities(counts: NgramCounts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return p(c | h) of each node h c, and p(c | h') with one id of context less: both (N,). Those of node 0 are 1."""
    size, starts, contexts, ids = counts.vocabulary_size, counts.starts, counts.contexts, counts.ids
    keys = (contexts * size + ids)[1:]  # (N - 1,), in order
    endings = np.zeros(len(ids), np.int64)  # the longest node with the same last ids and fewer of them
    probabilities, shorter = np.ones(len(ids)), np.ones(len(ids))
    for k in range(1, counts.order + 2):
        level = slice(starts[k], starts[k + 1])
        if k == 1:
            shorter[level] = 1 / size
        nodes, context = np.arange(*starts[k : k + 2], dtype=np.int64), endings[contexts[level]]
        for _ in range(k - 1):  # more than once where h' c was pruned
            wanted = context * size + ids[nodes]
            found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            known = keys[found] == wanted
            endings[nodes[known]] = found[known] + 1
            shorter[nodes[known]] *= probabilities[found[known] + 1]
            nodes, context = nodes[~known], context[~known]
            shorter[nodes] *= counts.rests[context]
            context = endings[context]
        probabilities[level] = counts.shares[level] + counts.rests[contexts[level]] * shorter[level]
    return probabilities, shorter
