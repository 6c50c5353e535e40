"""The n-gram network with compiled loops, about ten times as fast as in NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextchar.networks import ngram_kernels as kernels
from nextchar.networks.allowed import Allowed
from nextchar.networks.architecture import Floats, Ids
from nextchar.networks.kernels import Draw
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_counts import Int32s, NgramCounts, Numbers
from nextchar.networks.ngram_network import UNREAD, CountedNetwork

MAX_DENSE = 1 << 16
"""Most probabilities after single ids that are kept ready: they should fit a core's own cache."""


class CompiledNgramNetwork(CountedNetwork):
    """An n-gram network whose loops are compiled; the same as `NgramNetwork` up to rounding.

    Safe to use from several threads: no call changes the network.
    """

    def __init__(self, counts: NgramCounts, before: int = UNREAD) -> None:
        """Prepare to predict from ``counts``, whole or pruned, with the id ``before`` as all ids before a text."""
        super().__init__(counts, before)
        dense, nodes = _short_contexts(counts)
        self.tables = kernels.Tables(counts.firsts, counts.ids, counts.shares, counts.rests, dense, nodes)

    def read(self, ids: Ids, state: Numbers) -> tuple[Floats, Numbers, Numbers]:
        """Read ``ids`` (B, T), as `CountedNetwork.read` says."""
        ids = np.ascontiguousarray(ids, np.int64)
        log_p = np.empty((*ids.shape, self.vocabulary_size), np.float32)
        longest = np.empty(ids.shape, np.int64)
        for row, contexts in enumerate(self.contexts(state)):
            kernels.read_ids(self.tables, ids[row], contexts, log_p[row], longest[row])
        return log_p, longest, self.state_after(state, ids)

    def score(self, ids: Ids, targets: Ids, state: Numbers) -> tuple[NDArray[np.float64], Numbers]:
        """Read ``ids`` (B, T) after ``state``; return log2 p of ``targets`` (B, T) and the last ids: no other
        probability is computed."""
        ids, targets = np.ascontiguousarray(ids, np.int64), np.ascontiguousarray(targets, np.int64)
        scores = np.empty(ids.shape)
        kernels.score_ids(self.tables, ids, targets, self.contexts(state), scores)
        return scores, self.state_after(state, ids)

    def state_after(self, state: Numbers, ids: Ids) -> Numbers:
        """Return the last ids of each text after ``state`` and ``ids`` (B, T)."""
        return np.concatenate([state, np.asarray(ids, np.int64)], axis=1)[:, ids.shape[1] :]

    def write(
        self,
        logits: Floats,
        state: Numbers,
        temperature: float,
        allowed: Allowed,
        uniforms: NDArray[np.float64],
    ) -> tuple[Numbers, Floats, Numbers]:
        """Draw an id for each of ``uniforms`` (T, B) and read it back, like `CompiledNetwork.write`."""
        draw = Draw(float(temperature), *allowed, np.empty(self.vocabulary_size))
        last, ids = np.array(logits, np.float32), np.empty(uniforms.shape, np.int64)
        for row, contexts in enumerate(self.contexts(state)):
            kernels.write_ids(self.tables, contexts, last[row], draw, row, uniforms[:, row], ids[:, row])
        return ids, last, self.state_after(state, ids.T)

    def contexts(self, state: Numbers) -> NDArray[np.int64]:
        """Return the number of the last 0, 1, ... ids of each text, or -1 where they never came: (B, order + 1)."""
        contexts = np.full((len(state), self.order + 1), UNREAD)
        contexts[:, 0] = 0
        kernels.find_contexts(self.tables, state, contexts)
        return contexts


def _short_contexts(counts: NgramCounts) -> tuple[Floats, Int32s]:
    """Return the probability of each id without context and, if they are few, after each single id, and the number of
    the n-gram of the same contexts and each id, or -1: (R, V) each."""
    size, without = counts.vocabulary_size, counts.without_context
    children = slice(counts.firsts[0], counts.firsts[1])
    singles = children.stop - children.start
    rows = 1 if singles * size > MAX_DENSE else 1 + singles
    nodes = np.full((rows, size), UNREAD, np.int32)
    ngrams = slice(1, counts.starts[2 if rows == 1 else 3])
    nodes[counts.contexts[ngrams], counts.ids[ngrams]] = np.arange(ngrams.start, ngrams.stop)
    dense = np.tile(without, (rows, 1))
    if rows > 1:
        dense[1:] *= counts.rests[children, None]
        pairs = slice(counts.starts[2], counts.starts[3])
        dense[counts.contexts[pairs], counts.ids[pairs]] += counts.shares[pairs]
    return dense, nodes


def compile_kernels() -> None:
    """Load every loop, or compile it, on a machine's first use."""
    network = CompiledNgramNetwork(count_text(np.array([0, 1]), 2, 1))
    logits, state = network.forward(np.zeros((1, 1), np.int64), network.initial_state(1))
    network.write(logits[:, 0], state, 1.0, Allowed.always(np.ones(2, np.bool_), 1), np.zeros((1, 1)))
    network.score(np.zeros((1, 1), np.int64), np.zeros((1, 1), np.int64), state)
