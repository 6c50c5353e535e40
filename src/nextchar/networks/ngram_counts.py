"""The n-grams of a text and their counts, in flat arrays that a model file stores as they are.

The n-grams form a tree: the children of a context are the ids that came after it. Node 0 is the context without ids;
then come all n-grams of one id, of two, and so on up to ``order`` + 1, each length in the order of (context, id). So
the children of a context have numbers in a row, and those of the next context follow: the number of children of each is
enough to find them, and the last id of an n-gram is enough to know it.

A count is the number of times that an n-gram of ``order`` + 1 ids occurs. For a shorter one it is the number of
different ids before it (`nextchar.networks.ngram_network` says why).

`prune` drops what is worth least: an n-gram h c that occurs n times is worth

    n (ln p(c | h) - ln p'(c | h))

where p' is the probability without its own entry, whose share goes to the context h' with one id less. An n-gram that
longer ones need stays with them. What was dropped still counts in the total of its context, so that the probabilities
of the others stay as they are and all sum to one. Source of the idea: Stolcke, "Entropy-based pruning of backoff
language models" (1998).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.architecture import Floats, Ids
from nextchar.networks.engine import can_compile

MAX_BYTE = 255
"""Stands, in a file, for numbers from here on, which follow in an array of their own."""
PACKED = ("counts", "children", "lost")
"""Names of the arrays that are stored in bytes."""
FALLBACK = (0.5, 1.0, 1.5)
"""Discounts where there are too few counts to estimate them: those of the program KenLM."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NgramCounts:
    """The counts of a text: N nodes, of which the first C are contexts."""

    vocabulary_size: int
    """V."""
    order: int
    """Most ids of context."""
    firsts: Numbers
    """Number of the first child of each context, and the end of the last one's children: (C + 1,)."""
    ids: NDArray[np.int32]
    """The last id of each node: (N,); that of node 0 means nothing."""
    counts: Numbers
    """(N,)"""
    lost: Numbers
    """Counts of children that were pruned, for each context: (C,)."""
    discounts: Floats
    """What comes off counts of 1, of 2, and of 3 or more after contexts of 0, 1, ... ids: (order + 1, 3)."""

    @cached_property
    def starts(self) -> Numbers:
        """Number of the first node of 0, 1, ... ``order`` + 1 ids, and N: (order + 3,)."""
        starts = [0, 1]
        for _ in range(self.order):
            starts.append(int(self.firsts[starts[-1]]))
        return np.array([*starts, len(self.ids)])

    @cached_property
    def contexts(self) -> Numbers:
        """Number of the context of each node, shape (N,); 0 for node 0."""
        return np.concatenate([[0], np.repeat(np.arange(len(self.firsts) - 1), np.diff(self.firsts))])

    @cached_property
    def totals(self) -> Numbers:
        """Sum of the counts of each context's children, the pruned ones included: (C,)."""
        return self._sums(self.counts).astype(np.int64) + self.lost

    @cached_property
    def shares(self) -> Floats:
        """(n - D(n)) / total of each node, the part of its probability that its own count gives: (N,)."""
        totals = self.totals[self.contexts]  # (N,)
        kept = self.counts - self._discounts
        shares = np.divide(kept, totals, out=np.zeros(len(kept)), where=totals > 0)
        shares[0] = 0
        return shares.astype(np.float32)

    @cached_property
    def rests(self) -> Floats:
        """The probability that each context leaves to the next shorter one: (C,)."""
        left = self._sums(self._discounts) + self.lost
        return np.divide(left, self.totals, out=np.ones(len(left)), where=self.totals > 0).astype(np.float32)

    @cached_property
    def _discounts(self) -> NDArray[np.float64]:
        """What comes off the count of each node: (N,)."""
        lengths = np.repeat(np.arange(-1, self.order + 1), np.diff(self.starts))  # (N,), of the contexts
        table = np.concatenate([np.zeros((self.order + 1, 1)), self.discounts], axis=1)  # (order + 1, 4)
        return np.where(lengths < 0, 0, table[lengths, np.minimum(self.counts, 3)])

    def _sums(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return the sum of ``values`` (N,) over the children of each context, shape (C,)."""
        sums = np.bincount(self.contexts[1:], weights=values[1:], minlength=len(self.firsts) - 1)
        return sums.astype(np.float64)  # they are whole numbers where there are no values

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of a model file; numbers take a byte each where they are below `MAX_BYTE`."""
        small = np.min_scalar_type(self.vocabulary_size - 1)
        return {
            "ids": self.ids[1:].astype(small),
            "discounts": self.discounts,
            **_packed("counts", self.counts[1:]),
            **_packed("children", np.diff(self.firsts)),
            **_packed("lost", self.lost),
        }

    @classmethod
    def from_arrays(cls, vocabulary_size: int, order: int, arrays: Mapping[str, NDArray[Any]]) -> NgramCounts:
        """Return what `to_arrays` stored.

        Raises:
            ValueError: the arrays do not fit each other; the message completes "the file is damaged: ...".
        """
        if set(arrays) != {"ids", "discounts", *(f"{large}{n}" for n in PACKED for large in ("", "large_"))}:
            raise ValueError("its tensors do not fit its architecture")
        children, lost = _unpacked("children", arrays), _unpacked("lost", arrays)
        counts = np.concatenate([[0], _unpacked("counts", arrays)])
        ids = np.concatenate([[0], arrays["ids"]]).astype(np.int32)
        firsts = 1 + np.concatenate([[0], np.cumsum(children)])
        discounts = arrays["discounts"].astype(np.float32)
        if (
            len(children) < 1
            or len(children) != len(lost)
            or len(ids) != len(counts)
            or firsts[-1] != len(ids)
            or discounts.shape != (order + 1, 3)
            or ids.max(initial=0) >= vocabulary_size
            or counts[1:].min(initial=1) < 1
            or not ((discounts > 0) & (discounts <= [1, 2, 3])).all()
        ):
            raise ValueError("its counts do not fit each other")
        found = cls(vocabulary_size, order, firsts, ids, counts, lost, discounts)
        if not found._is_in_order():
            raise ValueError("its n-grams are out of order")
        return found

    def _is_in_order(self) -> bool:
        """Return whether the lengths of the n-grams fit the numbers of children, and the children of each context are
        in the order of their ids, each once."""
        contexts, level = len(self.firsts) - 1, slice(0, 1)
        for _ in range(self.order):
            if level.stop > contexts:
                return False
            level = slice(level.stop, int(self.firsts[level.stop]))
        keys = self.contexts * self.vocabulary_size + self.ids  # (N,)
        return level.stop == contexts and bool((np.diff(keys[1:]) > 0).all())


def count_text(ids: Ids, vocabulary_size: int, order: int) -> NgramCounts:
    """Count the n-grams of a text, with compiled loops where numba works.

    Args:
        ids: the text, shape (n,); a million take about 0.3 s compiled, one to two seconds in NumPy.
        vocabulary_size: V.
        order: most ids of context, at least 1.
    """
    text = np.asarray(ids)
    levels = _compiled_levels(text, order) if can_compile() else _numpy_levels(text, vocabulary_size, order)
    firsts: list[Numbers] = []
    child_ids: list[NDArray[np.int32]] = [np.zeros(1, np.int32)]
    counts: list[Numbers] = [np.zeros(1, np.int64)]
    end = 1
    for level_firsts, level_ids, level_counts in levels:
        firsts.append(level_firsts[:-1] + end)
        child_ids.append(level_ids)
        counts.append(level_counts)
        end += len(level_ids)
    discounts = np.array([estimate_discounts(level) for level in counts[1:]], np.float32)
    joined = np.concatenate([*firsts, [end]])
    return NgramCounts(
        vocabulary_size=vocabulary_size,
        order=order,
        firsts=joined,
        ids=np.concatenate(child_ids),
        counts=np.concatenate(counts),
        lost=np.zeros(len(joined) - 1, np.int64),
        discounts=discounts,
    )


_Level = tuple[Numbers, NDArray[np.int32], Numbers]
"""The children of all contexts of one length: number of the first child of each context, from 0 on, and the end
(C + 1,); their ids (N,) and counts (N,)."""


def _compiled_levels(ids: Ids, order: int) -> Iterator[_Level]:
    """Yield the level of 0, 1, ... ``order`` ids of context of the text ``ids`` (n,)."""
    from nextchar.networks.ngram_kernels import count_level, number_level

    text = np.ascontiguousarray(ids, np.int32)
    places = np.argsort(ids, kind="stable").astype(np.int32)
    numbers = np.zeros(len(text) + 1, np.int32)
    kept: tuple[Numbers, NDArray[np.int32]] | None = None
    counts, contexts = np.empty(0, np.int64), 1
    for k in range(order + 1):
        firsts, last = np.zeros(contexts + 1, np.int64), np.empty(contexts, np.int32)
        children = count_level(text, places, k, numbers, firsts, last)
        child_ids, counts = np.zeros(children, np.int32), np.zeros(children, np.int64)
        longer, before = np.zeros(len(text) + 1, np.int32), np.zeros(contexts, np.int64)
        number_level(text, places, k, numbers, firsts, last, longer, child_ids, counts, before)
        if kept is not None:
            before[numbers[: 1 if len(text) >= k else 0]] += 1  # the text's first n-gram has the beginning before it
            yield (*kept, before)
        kept, numbers, contexts = (firsts, child_ids), longer, children
    if kept is not None:
        yield (*kept, counts)


def _numpy_levels(ids: Ids, vocabulary_size: int, order: int) -> Iterator[_Level]:
    """Yield the same without compiled loops."""
    text = np.asarray(ids, np.int64)
    numbers = np.zeros(len(text) + 1, np.int64)  # of the k ids that end at each of the text, from the k-th on
    keys, counts, contexts = np.empty(0, np.int64), np.empty(0, np.int64), 1
    for k in range(order + 1):
        shorter, numbers_of_shorter, before_contexts = keys, numbers, contexts
        keys, counts, numbers, places = _number(numbers[:-1] * vocabulary_size + text[k:])
        if k > 0:
            # Each n-gram is an id before its own ending; the text's first one has the beginning before it.
            before = np.bincount(numbers_of_shorter[1:][places], minlength=len(shorter))
            before[numbers_of_shorter[:1]] += 1
            yield _level(shorter, before_contexts, vocabulary_size, before)
            contexts = len(shorter)
    yield _level(keys, contexts, vocabulary_size, counts)


def _level(keys: Numbers, contexts: int, vocabulary_size: int, counts: Numbers) -> _Level:
    context, ids = np.divmod(keys, vocabulary_size)
    children = np.bincount(context, minlength=contexts)
    return np.concatenate([[0], np.cumsum(children)]), ids.astype(np.int32), counts


def _number(keys: Numbers) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return the distinct of ``keys`` (n,) in order (G,), how often each occurs (G,), the index of each of ``keys``
    among them (n,), and one place where each occurs (G,)."""
    order = np.argsort(keys)
    in_order = keys[order]
    new = np.ones(len(keys), np.bool_)
    np.not_equal(in_order[1:], in_order[:-1], out=new[1:])
    firsts = np.flatnonzero(new)
    numbers = np.empty(len(keys), np.int64)
    numbers[order] = np.cumsum(new) - 1
    return in_order[firsts], np.diff(firsts, append=len(keys)), numbers, order[firsts]


def estimate_discounts(counts: Numbers) -> tuple[float, float, float]:
    """Return the discounts of counts of 1, of 2, and of 3 or more; each is above 0 and at most the count.

    With n_i the number of ``counts`` (G,) that are i, and Y = n_1 / (n_1 + 2 n_2),

        D(i) = i - (i + 1) Y n_{i+1} / n_i

    Source: Chen and Goodman (1999), equation 17, after Ney, Essen and Kneser (1994).
    """
    _, n1, n2, n3, n4 = np.bincount(np.minimum(counts, 5), minlength=6)[:5].tolist()
    if not (n1 and n2 and n3):
        return FALLBACK
    y = n1 / (n1 + 2 * n2)
    estimated = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    return estimated if min(estimated) > 0 else FALLBACK


def prune(counts: NgramCounts, most: int) -> NgramCounts:
    """Return ``counts`` with at most ``most`` n-grams, those that are worth most; single ids always stay."""
    singles = int(counts.starts[2])  # the first node of two ids
    dropped = len(counts.ids) - singles - max(0, most - (singles - 1))
    if dropped <= 0:
        return counts
    worth = _worth(counts)
    kept = worth > np.partition(worth[singles:], dropped - 1)[dropped - 1]
    kept[:singles] = True
    return _only(counts, kept)


def _worth(counts: NgramCounts) -> NDArray[np.float64]:
    """Return what each node is worth, or the longer n-grams that need it if that is more: (N,)."""
    contexts, starts = counts.contexts, counts.starts
    occurrences = counts.counts.astype(np.float64)
    for k in range(counts.order, 0, -1):
        level, children = slice(starts[k], starts[k + 1]), slice(starts[k + 1], starts[k + 2])
        of_children = np.bincount(
            contexts[children] - level.start, weights=occurrences[children], minlength=level.stop - level.start
        )
        # Pruned n-grams occurred at least as often as their counts say, and this one at least as often as its own.
        occurrences[level] = np.maximum(of_children + counts.lost[level], occurrences[level])
    probabilities, shorter = _probabilities(counts)
    own, rest = counts.shares.astype(np.float64), counts.rests.astype(np.float64)[contexts]
    worth = occurrences * (np.log(probabilities) - np.log((rest + own) * shorter))
    worth[0] = np.inf
    for k in range(counts.order, 0, -1):
        children = slice(starts[k + 1], starts[k + 2])
        np.maximum.at(worth, contexts[children], worth[children])
    return worth


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


def _only(counts: NgramCounts, kept: NDArray[np.bool_]) -> NgramCounts:
    """Return ``counts`` with the nodes ``kept`` (N,) only, which include node 0 and the context of each."""
    contexts = counts.contexts
    dropped = np.flatnonzero(~kept)
    lost = counts.lost + np.bincount(
        contexts[dropped], weights=counts.counts[dropped], minlength=len(counts.lost)
    ).astype(np.int64)
    children = np.bincount(contexts[1:][kept[1:]], minlength=len(counts.lost))  # (C,)
    kept_contexts = kept[: len(counts.lost)]
    firsts = 1 + np.concatenate([[0], np.cumsum(children[kept_contexts])])
    return replace(
        counts,
        firsts=firsts,
        ids=counts.ids[kept],
        counts=counts.counts[kept],
        lost=np.where(children > 0, lost, 0)[kept_contexts],  # a context without children is as good as unseen
    )


def _packed(name: str, values: Numbers) -> dict[str, NDArray[Any]]:
    large = values[values >= MAX_BYTE]
    return {name: np.minimum(values, MAX_BYTE).astype(np.uint8), f"large_{name}": large.astype(np.uint32)}


def _unpacked(name: str, arrays: Mapping[str, NDArray[Any]]) -> Numbers:
    values, large = arrays[name].astype(np.int64), arrays[f"large_{name}"]
    escaped = np.flatnonzero(values == MAX_BYTE)
    if len(escaped) != len(large):
        raise ValueError("its counts do not fit each other")
    values[escaped] = large
    return values
