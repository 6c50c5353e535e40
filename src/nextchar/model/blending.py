"""Blending: the weights of a network and of counts, fitted on held-out text, never on text that was counted.

Newton's method minimises the bits of the held-out text, a convex function of the weights: first for one pair of weights
for all contexts, then for a pair for each length of context, which is held near the first pair by a penalty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.model.model_file import ModelFile, Provenance
from nextchar.model.scoring import Scorer
from nextchar.networks.architecture import Floats, Ids, Network
from nextchar.networks.blend import BlendNetwork
from nextchar.networks.engine import make_network
from nextchar.networks.kinds import blend_content, blend_networks
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_counts import NgramCounts
from nextchar.networks.ngram_pruning import prune
from nextchar.parallel import SERIAL, Executor

ORDER = 8
"""Most ids of context that are counted."""
COUNTED, COUNTED_PER_NGRAM, MAX_WHOLE = 16_000_000, 16, 8_000_000
"""Most ids of a text that are counted, or so many times as n-grams are kept; most of which n-grams that occur once are
counted too."""
STRETCHES = 64
"""Stretches of a longer text that are counted, evenly over all of it."""
MAX_NGRAMS, NGRAM_BYTES = 1_000_000, 4
"""Most n-grams that are kept unless a size is given, of shorter texts as many as the text has ids; and about the bytes
of a file that each takes."""
MIN_HELD_OUT = 256
"""Fewest held-out ids that weights can be fitted on."""
STREAMS, MIN_LENGTH, LOGITS = 64, 32, 1 << 21
"""Places of a text that are read side by side; the fewest ids at each, and about the most logits in all."""
WARM_UP = 32
"""Ids at each place that only give the state that the others are predicted from."""
STEPS, CLOSE = 6, 1e-3
"""Most steps of Newton's method, and the change of a weight below which it stops."""
HALVINGS = 12
"""Most times that a step is halved because it went too far."""
RIDGE = 1e-3
"""Added to the second derivatives, so that they can be divided by where both networks predict the same."""
PENALTY = 20.0
"""Nats for a difference of 1, squared and halved, between a weight and that of all contexts."""

Weights = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Read:
    """What was read of a text: N characters, each with what both networks predicted."""

    predictions: NDArray[np.float32]
    """Logits of the network and ln p of the counts: (2, N, V), each less its own largest."""
    chosen: NDArray[np.float32]
    """Those of the character that came: (2, N)."""
    lengths: NDArray[np.int64]
    """Length of the longest known context: (N,)."""

    def __getitem__(self, which: NDArray[Any]) -> _Read:
        return _Read(self.predictions[:, which], self.chosen[:, which], self.lengths[which])


def remember(ids: Ids, vocabulary_size: int, *, size: float | None = None, executor: Executor = SERIAL) -> NgramCounts:
    """Return the counts of a training text that a model file keeps.

    Args:
        ids: the text, shape (n,); may be memory-mapped.
        vocabulary_size: V.
        size: about the bytes that they take in the file; by default those of as many n-grams as the text has ids, at
            most `MAX_NGRAMS`.
        executor: computes in parallel.
    """
    most = _most_ngrams(len(ids), size)
    counted = spread(ids, most_counted(len(ids), size))
    counts = count_text(counted, vocabulary_size, ORDER, executor, drop_rare=len(counted) > MAX_WHOLE)
    return prune(counts, most)


def most_counted(characters: int, size: float | None) -> int:
    """Return how many ids of a text of ``characters`` are counted, at most, for a memory of ``size`` bytes."""
    return min(characters, max(COUNTED, COUNTED_PER_NGRAM * _most_ngrams(characters, size)))


def _most_ngrams(characters: int, size: float | None) -> int:
    return min(MAX_NGRAMS, characters) if size is None else int(size / NGRAM_BYTES)


def spread(ids: Ids, size: int) -> Ids:
    """Return ``size`` of ``ids`` (n,), or slightly fewer, in `STRETCHES` from all over them; all if there are no
    more."""
    if len(ids) <= size:
        return np.asarray(ids)
    length = size // STRETCHES
    starts = np.linspace(0, len(ids) - length, STRETCHES).astype(np.int64)
    return np.concatenate([ids[start : start + length] for start in starts])


def with_memory(file: ModelFile, counts: NgramCounts, held_out: Ids, executor: Executor = SERIAL) -> ModelFile:
    """Return ``file``, a model that is one LSTM, blended with ``counts`` of its training text.

    Args:
        file: the model; its bits per character become those of the network alone.
        counts: of the text it was trained on.
        held_out: ids that were neither trained on nor counted, at least `MIN_HELD_OUT`.
        executor: computes in parallel.
    """
    architecture, parameters = file.lstm_for("A memory")
    blend = blend_evenly(make_network(architecture, parameters, compiled=True), counts, compiled=True)
    tokens = file.vocabulary
    bits = honest_bits(blend, held_out, tokens.start_id, executor).sum() + tokens.unknown_cost(held_out).sum()
    provenance = file.provenance.model_copy(
        update={
            "validation_bits_per_character": float(bits / tokens.token_lengths(held_out).sum()),
            "network_bits_per_character": file.provenance.validation_bits_per_character,
        }
    )
    weights = fit_weights(blend, held_out, executor)
    header, arrays = blend_content(architecture, parameters, counts, weights)
    return ModelFile(header, tokens, arrays, provenance)


def with_bits(provenance: Provenance, blended: Provenance) -> Provenance:
    """Return the ``provenance`` of a network with the score of its blend, which is in ``blended``."""
    return provenance.model_copy(
        update={
            "validation_bits_per_character": blended.validation_bits_per_character,
            "network_bits_per_character": provenance.validation_bits_per_character,
        }
    )


def blend_evenly(network: Network[Any], counts: NgramCounts, *, compiled: bool = False) -> BlendNetwork:
    """Return ``network`` blended with ``counts``, both with the weight 1/2: near the best, and without a fit.

    Args:
        network: compiled or not, as it should be used.
        counts: of its training text.
        compiled: use compiled loops for the counts.
    """
    return blend_networks(network, counts, np.full((counts.order + 1, 2), 0.5, np.float32), compiled=compiled)


def fit_weights(blend: BlendNetwork, ids: Ids, executor: Executor = SERIAL) -> Floats:
    """Return the weights of ``blend`` with which it needs the fewest bits for ``ids`` (T,), T at least 2.

    Args:
        blend: the networks; their weights do not matter.
        ids: held-out text.
        executor: computes places of the text in parallel.

    Returns:
        The weights, shape (order + 1, 2).
    """
    return _fit(_read(blend, ids, executor), len(blend.weights)).astype(np.float32)


def honest_bits(blend: BlendNetwork, ids: Ids, start: int, executor: Executor = SERIAL) -> NDArray[np.float64]:
    """Return -log2 p of each of ``ids`` (T,), T at least 4, shape (T,), with weights that were not fitted on it: those
    for the first half of the text are fitted on the second half, and the other way round.

    Args:
        blend: the networks; their weights do not matter.
        ids: held-out text.
        start: the id read before it.
        executor: computes in parallel.
    """
    middle = len(ids) // 2
    first, second = ids[:middle], ids[middle:]
    scorer = Scorer(_with(blend, fit_weights(blend, second, executor)), start, executor)
    scores = [scorer.score(first)]
    scorer.network = _with(blend, fit_weights(blend, first, executor))
    scores.append(scorer.score(second))
    return -np.concatenate(scores)


def _with(blend: BlendNetwork, weights: Floats) -> BlendNetwork:
    return BlendNetwork(blend.network, blend.ngrams, weights)


def _read(blend: BlendNetwork, ids: Ids, executor: Executor) -> _Read:
    """Read ``ids`` (T,) in up to `STREAMS` places."""
    length = max(MIN_LENGTH, LOGITS // (STREAMS * blend.vocabulary_size))
    rows = min(STREAMS, max(1, len(ids) // (MIN_LENGTH + WARM_UP)))
    apart = len(ids) // rows
    size = min(apart, WARM_UP + length)
    texts = np.stack([ids[first : first + size] for first in range(0, rows * apart, apart)]).astype(np.int64)
    skipped = WARM_UP if size > 2 * WARM_UP else 0

    def read(shard: slice) -> tuple[Floats, Floats, NDArray[np.int64]]:
        inputs = texts[shard, :-1]
        logits, log_p, lengths, _ = blend.read(inputs, blend.initial_state(len(inputs)))
        return logits[:, skipped:], log_p[:, skipped:], lengths[:, skipped:]

    pieces = executor.map_shards(read, rows)
    both = np.stack([np.concatenate([piece[part] for piece in pieces]) for part in (0, 1)])  # (2, B, t, V)
    both -= both.max(-1, keepdims=True)
    chosen = np.take_along_axis(both, texts[None, :, 1 + skipped :, None], -1)[..., 0]  # (2, B, t)
    lengths = np.concatenate([piece[2] for piece in pieces])
    return _Read(both.reshape(2, lengths.size, -1), chosen.reshape(2, -1), lengths.ravel())


def _fit(read: _Read, contexts: int) -> Weights:
    """Return the weights (``contexts``, 2) that fit what was read."""
    overall = _newton(read, np.array([0.5, 0.5]), 0.0)
    weights = np.tile(overall, (contexts, 1))
    for length in np.unique(read.lengths):
        weights[length] = _newton(read[read.lengths == length], overall, PENALTY)
    return weights


def _newton(read: _Read, start: Weights, penalty: float) -> Weights:
    """Return the pair of weights that minimises the nats of what was read, and ``penalty`` / 2 times the squared
    distance from ``start`` (2,)."""
    weights, change = start, np.zeros(2)
    nats, slopes, curvatures = _derivatives(read, start, start, penalty)
    for _ in range(STEPS):
        change = np.linalg.solve(curvatures, slopes)
        # Where the nats are far from a parabola, a whole step may go too far.
        for _ in range(HALVINGS):
            trial = _derivatives(read, weights - change, start, penalty)
            if trial[0] <= nats:
                break
            change /= 2
        else:
            break
        weights = weights - change
        nats, slopes, curvatures = trial
        if np.abs(change).max() < CLOSE:
            break
    return weights


def _derivatives(read: _Read, weights: Weights, start: Weights, penalty: float) -> tuple[float, Weights, Weights]:
    """Return the nats that `_newton` minimises, and their first derivatives (2,) and second ones (2, 2)."""
    x = read.predictions
    z = np.tensordot(weights.astype(np.float32), x, 1)  # (N, V)
    peak = z.max(-1)  # (N,)
    p = np.exp(z - peak[:, None])
    sums = p.sum(-1)  # (N,)
    p /= sums[:, None]
    mean = np.einsum("nv,inv->in", p, x)  # (2, N)
    distance = weights - start
    nats = (peak + np.log(sums) - weights @ read.chosen).sum(dtype=np.float64) + penalty / 2 * distance @ distance
    slopes = (mean - read.chosen).sum(-1, dtype=np.float64) + penalty * distance
    # The products of small deviations, not a small difference of large squares.
    deviations = [x[part] - mean[part][:, None] for part in (0, 1)]
    curvatures = (penalty + RIDGE) * np.eye(2)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        product = np.einsum("nv,nv,nv->n", p, deviations[i], deviations[j]).sum(dtype=np.float64)
        curvatures[i, j] += product
        if i != j:
            curvatures[j, i] += product
    return float(nats), slopes, curvatures
