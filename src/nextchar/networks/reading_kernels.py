"""The loops of reading along, in numba (`nextchar.networks.reading_along`)."""

# The decorator is untyped, as numba's are.
# pyright: reportUntypedFunctionDecorator=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from nextchar.networks.compilation import compiled
from nextchar.networks.growing_kernels import Growing, fill_grown, read_and_count
from nextchar.networks.kernels import LOOP, Array
from nextchar.networks.ngram_kernels import fill_log
from nextchar.networks.word_kernels import fill_grown_words, read_and_count_word

MIN_MATCH = 6
"""Ids that must have come before for a match."""
MIX_RATE, MATCH_RATE = 0.001, 0.03
"""Learning rates of the weights of the mixture, and of what the id after a match gets."""
READ, MATCHED, NEXT = range(3)
"""Indices of `Past.numbers`: the ids read; the length of the match; where the id after it stands."""
LENGTHS = 12
"""Classes of lengths of a match, the first of which is that without one."""
NEGLIGIBLE = np.float32(1e-4)
"""Errors of a probability up to which nothing is learned."""
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


class Past(NamedTuple):
    """The ids read last, and where they were read before."""

    ids: Array
    """A ring: (R,), R a power of two."""
    places: Array
    """Where the ids after a run of `MIN_MATCH` ids were read last, plus one, by the hash of the run: (S,), S a power of
    two."""
    numbers: Array
    """(3,)"""


class Outputs(NamedTuple):
    """Changes of the output layer of the network, which learn at several rates side by side."""

    weights: Array
    """(A, V, H), float32"""
    biases: Array
    """(A, V), float32"""
    rates: Array
    """(A,), float32"""
    kept: Array
    """The share of the changes that is left after an id: (A,), float32."""


class Mixture(NamedTuple):
    """What is mixed, and how."""

    predictions: Array
    """Logits or ln p of each of F predictors: (F, V), float32."""
    base: Array
    """The first weights of each predictor in each situation: (S, F), float64."""
    learned: Array
    """What was added to all of them: (F,), float64."""
    matched: Array
    """What the id after a match gets, by `LENGTHS`: (LENGTHS,), float64."""
    log_p: Array
    """The mixed ln p: (V,), float64."""
    p: Array
    """(V,), float64"""


class Reader(NamedTuple):
    """All that changes while a text is read."""

    grown: Growing
    """The counts of the training text, and of the text read."""
    read: Growing
    """Those of the text read alone."""
    words: Growing
    """The counts of words, of both texts."""
    kinds: Array
    """The kind of each id: (V,), or (0,) where no words are counted."""
    separator: int
    """The id that stands for all between words."""
    past: Past
    outputs: Outputs
    mixture: Mixture


@compiled(**LOOP)
def class_of(length: int) -> int:
    """Return the class of a match of ``length`` ids."""
    if length == 0:
        return 0
    return min(LENGTHS - 1, 1 + int(2 * math.log2(length / MIN_MATCH))) if length > MIN_MATCH else 1


@compiled(**LOOP)
def find_match(past: Past, learning: bool) -> None:
    """Look for the ids read last among those before, unless there is a match already; keep them in mind if
    ``learning``."""
    read, ring, numbers = past.numbers[READ], len(past.ids), past.numbers
    if read < MIN_MATCH:
        return
    key = np.uint64(0)
    for back in range(1, MIN_MATCH + 1):
        key = (key ^ np.uint64(past.ids[(read - back) & (ring - 1)])) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    slot = np.int64(key >> np.uint64(20)) & (len(past.places) - 1)
    place = past.places[slot] - 1
    if learning:
        past.places[slot] = read + 1
    if numbers[MATCHED] > 0 or place < 0:
        return
    length, reach = 0, min(place, ring - (read - place))
    while length < reach and past.ids[(place - 1 - length) & (ring - 1)] == past.ids[(read - 1 - length) & (ring - 1)]:
        length += 1
    if length >= MIN_MATCH:
        numbers[MATCHED], numbers[NEXT] = length, place


@compiled(**LOOP)
def read_past(past: Past, token: int, learning: bool) -> None:
    """Read the id ``token``, and keep it in mind if ``learning``."""
    ring, numbers = len(past.ids), past.numbers
    if numbers[MATCHED] > 0:
        if past.ids[numbers[NEXT] & (ring - 1)] == token:
            numbers[MATCHED] += 1
            numbers[NEXT] += 1
        else:
            numbers[MATCHED] = 0
    past.ids[numbers[READ] & (ring - 1)] = token
    numbers[READ] += 1
    find_match(past, learning)


@compiled(**LOOP)
def predict(reader: Reader, logits: Array, hidden: Array) -> None:
    """Fill the predictions and their mixture, from the ``logits`` (V,) and outputs ``hidden`` (H,) of the network."""
    outputs, mixture = reader.outputs, reader.mixture
    x, size, layers = mixture.predictions, len(logits), len(outputs.rates)
    for layer in range(layers):
        weights = outputs.weights[layer]
        for token in range(size):
            total = logits[token] + outputs.biases[layer, token]
            for j in range(len(hidden)):
                total += weights[token, j] * hidden[j]
            x[layer, token] = total
    fill_grown(reader.grown, x[layers])
    contexts = reader.grown.contexts
    situation = len(contexts) - 1
    while situation > 0 and (contexts[situation] < 0 or reader.grown.totals[contexts[situation]] == 0):
        situation -= 1
    if len(reader.kinds) > 0:
        situation += len(contexts) * fill_grown_words(reader.words, x[layers], x[layers + 2])
        fill_log(x[layers + 2])
    fill_log(x[layers])
    fill_grown(reader.read, x[layers + 1])
    fill_log(x[layers + 1])
    log_p = mixture.log_p
    log_p[:] = 0.0
    for part in range(len(x)):
        weight = mixture.base[situation, part] + mixture.learned[part]
        for token in range(size):
            log_p[token] += weight * x[part, token]
    past = reader.past
    if past.numbers[MATCHED] > 0:
        follower = past.ids[past.numbers[NEXT] & (len(past.ids) - 1)]
        log_p[follower] += mixture.matched[class_of(past.numbers[MATCHED])]
    peak = log_p[0]
    for token in range(size):
        peak = max(peak, log_p[token])
    total = 0.0
    for token in range(size):
        total += math.exp(log_p[token] - peak)
    normaliser = peak + math.log(total)
    for token in range(size):
        log_p[token] -= normaliser
        mixture.p[token] = math.exp(log_p[token])


@compiled(**LOOP)
def learn(reader: Reader, token: int, hidden: Array, learning: bool) -> None:
    """Read the id ``token`` that came after a `predict` with ``hidden`` (H,), and learn from it if ``learning``."""
    outputs, mixture, past = reader.outputs, reader.mixture, reader.past
    x, p = mixture.predictions, mixture.p
    if learning:
        for part in range(len(x)):
            expected = 0.0
            for other in range(len(p)):
                expected += p[other] * x[part, other]
            mixture.learned[part] += MIX_RATE * (x[part, token] - expected)
        if past.numbers[MATCHED] > 0:
            follower = past.ids[past.numbers[NEXT] & (len(past.ids) - 1)]
            error = (1.0 if follower == token else 0.0) - p[follower]
            mixture.matched[class_of(past.numbers[MATCHED])] += MATCH_RATE * error
        for layer in range(len(outputs.rates)):
            learn_outputs(outputs, layer, x[layer], token, hidden)
    read_and_count(reader.grown, token, learning)
    read_and_count(reader.read, token, learning)
    if len(reader.kinds) > 0:
        read_and_count_word(reader.words, reader.kinds, reader.separator, token, learning)
    read_past(past, token, learning)


@compiled(**LOOP)
def learn_outputs(outputs: Outputs, layer: int, logits: Array, token: int, hidden: Array) -> None:
    """Move the weights ``layer`` against the gradient of -ln p of ``token``, given their ``logits`` (V,)."""
    peak = logits[0]
    for other in range(len(logits)):
        peak = max(peak, logits[other])
    total, square = _ZERO, _ONE
    for other in range(len(logits)):
        total += np.float32(math.exp(logits[other] - peak))
    for j in range(len(hidden)):
        square += hidden[j] * hidden[j]
    rate, kept = outputs.rates[layer] / square, outputs.kept[layer]
    for other in range(len(logits)):
        error = np.float32(math.exp(logits[other] - peak)) / total - (_ONE if other == token else _ZERO)
        if abs(error) > NEGLIGIBLE:
            step = rate * error
            weights = outputs.weights[layer, other]
            for j in range(len(hidden)):
                weights[j] = kept * weights[j] - step * hidden[j]
            outputs.biases[layer, other] = kept * outputs.biases[layer, other] - step


@compiled(**LOOP)
def read_ids(  # noqa: PLR0917 (numba takes no keywords)
    reader: Reader, ids: Array, before: Array, logits: Array, hidden: Array, learning: bool, out: Array
) -> None:
    """Read ``ids`` (T,) one after another, and fill ``out`` (T, V) with ln p of the next id after each.

    Args:
        reader: changes with each id.
        ids: shape (T,).
        before: outputs (H,) of the network at the prediction of the first of ``ids``.
        logits: of the network after each, shape (T, V).
        hidden: outputs of its last layer there, shape (T, H).
        learning: whether to learn from them.
        out: float32, shape (T, V).
    """
    for step in range(len(ids)):
        learn(reader, ids[step], before, learning)
        before = hidden[step]
        predict(reader, logits[step], before)
        for token in range(out.shape[1]):
            out[step, token] = reader.mixture.log_p[token]
