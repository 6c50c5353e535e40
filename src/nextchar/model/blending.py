"""Blending: the weights of a network and of counts, fitted on held-out text, never on text that was counted.

Newton's method minimises the bits of the held-out text, a convex function of the weights: first for the same weights in
all situations, then for those of each situation, which are held near the first ones by a penalty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.model.model_file import ModelFile
from nextchar.model.provenance import Provenance
from nextchar.model.scoring import Scorer, over_characters
from nextchar.model.spread import Spread
from nextchar.networks.architecture import Floats, Ids, Network
from nextchar.networks.blend import BlendNetwork, LineBlend, Reading, TextCounts
from nextchar.networks.engine import make_network
from nextchar.networks.kinds import blend_content, blend_networks
from nextchar.networks.line_counting import count_lines
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_pruning import prune
from nextchar.networks.word_counting import count_words
from nextchar.networks.word_counts import Kinds
from nextchar.networks.word_pruning import prune_words
from nextchar.parallel import SERIAL, Executor, one_numpy_thread

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
WORD_SHARE = 0.2
"""Share of the memory for counts of words; unless a size is given they come on top of the n-grams."""
EVEN = {2: (0.5, 0.5), 3: (0.5, 0.3, 0.2)}
"""Weights of the parts of a blend, by their number: near the best, and without a fit."""
MIN_HELD_OUT = 256
"""Fewest held-out ids that weights can be fitted on."""
STREAMS, MIN_LENGTH, LOGITS = 64, 32, 1 << 21
"""Places of a text that are read side by side; the fewest ids at each, and about the most logits in all."""
WARM_UP = 32
"""Ids at each place that only give the state that the others are predicted from."""
STEPS, CLOSE = 6, 1e-3
"""Most steps of Newton's method, and the change of a weight below which it stops."""
BLOCK = 1 << 16
"""Logits of each part in a block, roughly: few enough to stay in the cache."""
HALVINGS = 12
"""Most times that a step is halved because it went too far."""
RIDGE = 1e-3
"""Added to the second derivatives, so that they can be divided by where both networks predict the same."""
PENALTY = 200.0
"""Nats for a difference of 1, squared and halved, between a weight and that of all contexts."""

Weights = NDArray[np.float64]
Blend = BlendNetwork | LineBlend


@dataclass(frozen=True, eq=False)
class _Read:
    """What was read of a text: N characters, each with what both networks predicted."""

    predictions: NDArray[np.float32]
    """Logits of the network and ln p of the counts: (P, N, V), each less its own largest."""
    chosen: NDArray[np.float32]
    """Those of the character that came: (P, N)."""
    situations: NDArray[np.int64]
    """(N,)"""

    def __getitem__(self, which: NDArray[Any]) -> _Read:
        return _Read(self.predictions[:, which], self.chosen[:, which], self.situations[which])


def remember(
    ids: Ids,
    vocabulary_size: int,
    *,
    kinds: Kinds | None = None,
    line_end: int | None = None,
    size: float | None = None,
    executor: Executor = SERIAL,
) -> TextCounts:
    """Return the counts of a training text that a model file keeps.

    Args:
        ids: the text, shape (n,); may be memory-mapped.
        vocabulary_size: V.
        kinds: the kind of each id, for counts of words; None for n-grams alone.
        line_end: the id of the line end if the text is a list, of which n-grams alone are counted; None if not.
        size: about the bytes that they take in the file; by default those of as many n-grams as the text has ids, at
            most `MAX_NGRAMS`, and of the words.
        executor: computes in parallel.
    """
    counted, most = spread(ids, most_counted(len(ids), size)), _most_ngrams(len(ids), size)
    drop_rare = len(counted) > MAX_WHOLE
    if line_end is not None:
        counts = count_lines(counted, vocabulary_size, ORDER, line_end, executor=executor, drop_rare=drop_rare)
        return TextCounts(prune(counts, most))
    ngrams = count_text(counted, vocabulary_size, ORDER, executor, drop_rare=drop_rare)
    words = None if kinds is None else count_words(counted, kinds)
    if words is not None and size is None:
        most += int(WORD_SHARE * most)
    kept = prune_both(TextCounts(ngrams, words), most)
    return kept if kept.words else TextCounts(kept.ngrams)


def prune_both(counts: TextCounts, most: int) -> TextCounts:
    """Return ``counts`` with at most ``most`` n-grams and counts of words together."""
    ngrams, words = counts
    if words is not None:
        words = prune_words(words, int(WORD_SHARE * most))
        most -= len(words)
    return TextCounts(prune(ngrams, most), words)


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


def with_memory(
    file: ModelFile,
    counts: TextCounts,
    held_out: Ids,
    executor: Executor = SERIAL,
    network: Network[Any] | None = None,
) -> ModelFile:
    """Return ``file``, a model that is one LSTM, blended with ``counts`` of its training text.

    Args:
        file: the model; its bits per character become those of the network alone.
        counts: of the text it was trained on.
        held_out: ids that were neither trained on nor counted, at least `MIN_HELD_OUT`.
        executor: computes in parallel.
        network: that of ``file``, to read with; by default one without torch.
    """
    architecture, parameters = file.lstm_for("A memory")
    network = network or make_network(architecture, parameters, compiled=True)
    blend = blend_evenly(network, counts, compiled=True)
    tokens = file.vocabulary
    bits = honest_bits(blend, held_out, tokens.start_id, executor) + tokens.unknown_cost(held_out)  # (T,)
    of_characters = over_characters(bits, held_out, tokens)  # (C,)
    provenance = file.provenance.model_copy(
        update={
            "validation_bits_per_character": float(bits.sum() / len(of_characters)),
            "held_out_spread": Spread.of(of_characters),
            "network_bits_per_character": file.provenance.validation_bits_per_character,
        }
    )
    weights = fit_weights(blend, held_out, executor)
    header, arrays = blend_content(architecture, parameters, counts, weights)
    return ModelFile(header, tokens, arrays, provenance)


def with_bits(provenance: Provenance, blended: Provenance) -> Provenance:
    """Return the ``provenance`` of a network with the scores of its blend, which are in ``blended``."""
    return provenance.model_copy(
        update={
            "validation_bits_per_character": blended.validation_bits_per_character,
            "held_out_spread": blended.held_out_spread,
            "network_bits_per_character": provenance.validation_bits_per_character,
        }
    )


def blend_evenly(network: Network[Any], counts: TextCounts, *, compiled: bool = False) -> Blend:
    """Return ``network`` blended with ``counts``, with the same weights in all situations, which are not fitted.

    Args:
        network: compiled or not, as it should be used.
        counts: of its training text.
        compiled: use compiled loops for the counts.
    """
    situations, parts = counts.weights_shape()
    weights = np.tile(np.array(EVEN[parts], np.float32), (situations, 1))
    return blend_networks(network, counts, weights, compiled=compiled)


def fit_weights(blend: Blend, ids: Ids, executor: Executor = SERIAL) -> Floats:
    """Return the weights of ``blend`` with which it needs the fewest bits for ``ids`` (T,), T at least 2.

    Args:
        blend: the networks; their weights do not matter.
        ids: held-out text.
        executor: computes places of the text in parallel.

    Returns:
        The weights: `nextchar.networks.blend.weights_shape`.
    """
    return _fit(_read(blend, ids, executor), blend.weights.shape).astype(np.float32)


def honest_bits(blend: Blend, ids: Ids, start: int, executor: Executor = SERIAL) -> NDArray[np.float64]:
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
    scorer = Scorer(blend.with_weights(fit_weights(blend, second, executor)), start, executor)
    scores = [scorer.score(first)]
    scorer.network = blend.with_weights(fit_weights(blend, first, executor))
    scores.append(scorer.score(second))
    return -np.concatenate(scores)


def _read(blend: Blend, ids: Ids, executor: Executor) -> _Read:
    """Read ``ids`` (T,) in up to `STREAMS` places."""
    length = max(MIN_LENGTH, LOGITS // (STREAMS * blend.vocabulary_size))
    rows = min(STREAMS, max(1, len(ids) // (MIN_LENGTH + WARM_UP)))
    apart = len(ids) // rows
    size = min(apart, WARM_UP + length)
    texts = np.stack([ids[first : first + size] for first in range(0, rows * apart, apart)]).astype(np.int64)
    skipped = WARM_UP if size > 2 * WARM_UP else 0

    def read(shard: slice) -> list[Reading]:
        inputs = texts[shard, :-1]
        return [blend.read(inputs, blend.initial_state(len(inputs)))]

    pieces = [piece for pieces in executor.map_shards(read, rows) for piece in pieces]
    parts = zip(*(piece.predictions for piece in pieces), strict=True)
    x = np.stack([np.concatenate(part)[:, skipped:] for part in parts])  # (P, B, t, V)
    x -= x.max(-1, keepdims=True)
    chosen = np.take_along_axis(x, texts[None, :, 1 + skipped :, None], -1)[..., 0]  # (P, B, t)
    situations = np.concatenate([piece.situations for piece in pieces])[:, skipped:]
    return _Read(x.reshape(len(x), situations.size, -1), chosen.reshape(len(x), -1), situations.ravel())


def _fit(read: _Read, shape: tuple[int, ...]) -> Weights:
    """Return the weights of that ``shape``, (situations, parts), that fit what was read."""
    with one_numpy_thread():
        overall = _newton(read, np.array(EVEN[shape[1]]), 0.0)
        weights = np.tile(overall, (shape[0], 1))
        for situation in np.unique(read.situations):
            weights[situation] = _newton(read[read.situations == situation], overall, PENALTY)
    return weights


def _newton(read: _Read, start: Weights, penalty: float) -> Weights:
    """Return the weights that minimise the nats of what was read, and ``penalty`` / 2 times the squared distance from
    ``start`` (P,)."""
    weights, change = start, np.zeros(len(start))
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
    """Return the nats that `_newton` minimises, and their first derivatives (P,) and second ones (P, P)."""
    distance = weights - start
    nats = float(penalty / 2 * distance @ distance)
    slopes, curvatures = penalty * distance, (penalty + RIDGE) * np.eye(len(weights))
    factors = weights.astype(np.float32)[:, None, None]
    at_once = max(1, BLOCK // read.predictions.shape[-1])
    for first in range(0, len(read.situations), at_once):
        which = slice(first, first + at_once)
        x, chosen = read.predictions[:, which], read.chosen[:, which]  # (P, n, V), (P, n)
        p = (factors * x).sum(0)  # (n, V), the mixed logits at first
        peak = p.max(-1, keepdims=True)  # (n, 1)
        np.exp(p - peak, out=p)
        sums = p.sum(-1, keepdims=True)  # (n, 1)
        p /= sums
        mean = (p * x).sum(-1)  # (P, n)
        nats += float((peak + np.log(sums)).sum(dtype=np.float64) - weights @ chosen.sum(-1, dtype=np.float64))
        slopes = slopes + (mean - chosen).sum(-1, dtype=np.float64)
        # The products of small deviations, not a small difference of large squares.
        deviations = x - mean[..., None]  # (P, n, V)
        curvatures += (p * deviations).reshape(len(x), -1) @ deviations.reshape(len(x), -1).T
    return nats, slopes, curvatures
