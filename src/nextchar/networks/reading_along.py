"""Reading along: a model that learns from a text as it reads it, in some microseconds for a character.

What predicts the next id:

- the network, twice, with the weights of its output layer as they have learned from the text so far: one copy learns
  slowly and forgets little, the other learns fast. The rest of the network stays as it is;
- the counts of the training text, which go on counting (`nextchar.networks.growing_counts`), and those of its words on
  top of them;
- counts of the text read alone;
- the id that came after the last ids where they were read before, if it is six ids or more that came again.

The logits and ln p of these are added up with weights, and softmax of the sum gives the probabilities. The weights
follow their gradient from one id to the next.

Each id is predicted before anything is learned from it, so that no prediction depends on what comes after.

Sources: cache models, Kuhn and De Mori (1990); dynamic evaluation, Krause et al. (2018); mixing by gradient, and
matches, Mahoney, "Adaptive weighing of context models for lossless data compression" (2005). Figures: docs/memory.md.
"""

from __future__ import annotations

import numpy as np

from nextchar.networks import reading_kernels as kernels
from nextchar.networks.architecture import Floats, Ids
from nextchar.networks.blend import TextCounts
from nextchar.networks.growing_counts import GrowingCounts, grown_words, no_counts

ORDER = 8
"""Most ids of context of the text read, where the training text was not counted."""
RATES = (0.1, 2.0)
"""How far the copies of the output layer go on an id, as a share of what would correct its error in this place."""
FORGOTTEN = (1e-5, 3e-4)
"""What they forget of it with each id after that."""
WITHOUT_COUNTS = (1.0, 0.0)
"""Weights of network and counts where the training text was not counted."""
COUNTS_ALONE = (0.3, 1.0)
"""The same where there is no network: what its output layer learns from zeros is how often each id comes."""
READ_WEIGHT = 0.1
"""First weight of the counts of the text read."""
MATCH_WEIGHT = 0.3
"""What is first added to the logit of the id after a match."""
PAST = 1 << 20
"""Ids read that are kept to find matches in."""
BLOCK = 4096
"""Ids for which room is made at once."""


class ReadingAlong:
    """What was learned from a text so far. It changes with each id, so it belongs to one text."""

    def __init__(
        self, vocabulary_size: int, hidden: int, counts: TextCounts | None = None, weights: Floats | None = None
    ) -> None:
        """Begin a text.

        Args:
            vocabulary_size: V.
            hidden: H, the outputs of the network's last layer; 0 if they are not given.
            counts: of the training text.
            weights: of network and counts, as in `nextchar.networks.blend`.
        """
        if counts is None:
            counts = TextCounts(no_counts(vocabulary_size, ORDER))
        if weights is None:
            weights = np.tile(np.array(WITHOUT_COUNTS, np.float32), (counts.ngrams.order + 1, 1))
        ngrams, words = counts
        copies, parts = len(RATES), weights.shape[1]
        predictors = copies + parts
        base = np.empty((len(weights), predictors))
        base[:, :copies] = weights[:, :1] / copies
        base[:, copies], base[:, copies + 1] = weights[:, 1], READ_WEIGHT
        base[:, copies + 2 :] = weights[:, 2:]
        self._grown = GrowingCounts(ngrams)
        self._counted = GrowingCounts(no_counts(vocabulary_size, ngrams.order, ngrams.discounts))
        self._words = grown_words(words, vocabulary_size)
        self._kinds = np.zeros(0, np.uint8) if words is None else words.kinds
        self._separator = 0 if words is None else words.separator
        self._before: Floats | None = None
        """Outputs of the network at the last prediction; None before the first."""
        self._past = kernels.Past(np.zeros(PAST, np.int32), np.zeros(PAST, np.int32), np.zeros(3, np.int64))
        self._outputs = kernels.Outputs(
            weights=np.zeros((copies, vocabulary_size, hidden), np.float32),
            biases=np.zeros((copies, vocabulary_size), np.float32),
            rates=np.array(RATES, np.float32),
            kept=1 - np.array(FORGOTTEN, np.float32),
        )
        self._mixture = kernels.Mixture(
            predictions=np.zeros((predictors, vocabulary_size), np.float32),
            base=base,
            learned=np.zeros(predictors),
            matched=np.append(0.0, np.full(kernels.LENGTHS - 1, MATCH_WEIGHT)),
            log_p=np.zeros(vocabulary_size),
            p=np.zeros(vocabulary_size),
        )

    def read(self, ids: Ids, logits: Floats, hidden: Floats, *, learning: bool = True) -> Floats:
        """Read ``ids`` (T,) one after another; return ln p of the next id after each, shape (T, V).

        Nothing is learned from the first id of the text, which nothing has predicted.

        Args:
            ids: shape (T,).
            logits: of the network after each, shape (T, V).
            hidden: outputs of its last layer there, shape (T, H).
            learning: whether to learn from them.
        """
        read, log_p = np.asarray(ids, np.int64), np.empty(logits.shape, np.float32)
        first = 0
        while first < len(read):
            begun = self._before is not None
            block = slice(first, first + BLOCK if begun else 1)
            self._grown.make_room(BLOCK)
            self._counted.make_room(BLOCK)
            self._words.make_room(BLOCK if len(self._kinds) else 0)
            reader = kernels.Reader(
                grown=self._grown.tree,
                read=self._counted.tree,
                words=self._words.tree,
                kinds=self._kinds,
                separator=self._separator,
                past=self._past,
                outputs=self._outputs,
                mixture=self._mixture,
            )
            before = hidden[first] if self._before is None else self._before
            kernels.read_ids(
                reader, read[block], before, logits[block], hidden[block], begun and learning, log_p[block]
            )
            first = min(block.stop, len(read))
            self._before = hidden[first - 1].copy()
        return log_p
