"""The compiled blend: the same logits, and draws that are read back."""

import numpy as np
import pytest

from nextchar.model.sampling import draw, softmax
from nextchar.model.scoring import log2_softmax
from nextchar.networks.allowed import Allowed
from nextchar.networks.architecture import Architecture
from nextchar.networks.blend import TextCounts
from nextchar.networks.compiled_blend import CompiledBlend
from nextchar.networks.engine import make_network
from nextchar.networks.kinds import blend_networks
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_pruning import prune
from nextchar.networks.word_counting import count_words
from nextchar.networks.word_counts import BELONGS, SEPARATES, SEPARATOR
from nextchar.networks.word_pruning import prune_words
from tests.small_networks import random_parameters

SIZE, LARGE = 21, 1500
"""Numbers of ids; for the larger one there are no tables of the probabilities after single ids."""


def blends(*, words: bool, hidden: tuple[int, ...] = (12, 7), size: int = SIZE) -> list:
    """Return the same blend in NumPy and compiled."""
    architecture = Architecture(vocabulary_size=size, embedding=4, hidden=hidden)
    parameters = random_parameters(architecture, spread=0.4)
    text = np.random.default_rng(0).zipf(1.4, 4000) % (size - 1)
    kinds = np.array([SEPARATOR, SEPARATES, *[BELONGS] * (size - 2)], np.uint8)
    of_words = prune_words(count_words(text, kinds), 3000) if words else None
    counts = TextCounts(prune(count_text(text, size, 4), 1500), of_words)
    weights = np.linspace(0.2, 1.1, np.prod(counts.weights_shape()), dtype=np.float32).reshape(counts.weights_shape())
    return [
        blend_networks(make_network(architecture, parameters, compiled=compiled), counts, weights, compiled=compiled)
        for compiled in (False, True)
    ]


@pytest.mark.parametrize("size", [SIZE, LARGE])
@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_numpy_and_compiled_loops_agree(batch: int, words: bool, size: int) -> None:
    ids = np.random.default_rng(1).integers(size, size=(batch, 30))
    networks = blends(words=words, size=size)
    assert isinstance(networks[1], CompiledBlend)
    states = [network.initial_state(batch) for network in networks]
    for piece in (ids[:, :9], ids[:, 9:10], ids[:, 10:]):
        (expected, first), (logits, second) = (
            network.forward(piece, state) for network, state in zip(networks, states, strict=True)
        )
        states = [first, second]
        np.testing.assert_allclose(logits, expected, atol=2e-5)


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("temperature", [0.0, 0.7])
@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_what_is_written_is_drawn_and_read_back(batch: int, temperature: float, words: bool, size: int) -> None:
    slow, quick = blends(words=words, size=size)
    assert (len(quick.ngrams.tables.dense) == 1) == (size == LARGE)
    random = np.random.default_rng(2)
    prompt, uniforms = random.integers(20, size=(batch, 6)), random.random((40, batch))
    allowed = np.ones(size, np.bool_)
    allowed[[3, 5]] = False
    logits, state = quick.forward(prompt, quick.initial_state(batch))
    before = [part.copy() for part in (state[0].hidden[0], *state[1:])]
    ids, last, after = quick.write(logits[:, -1], state, temperature, Allowed.always(allowed, batch), uniforms)
    for part, unchanged in zip((state[0].hidden[0], *state[1:]), before, strict=True):
        np.testing.assert_array_equal(part, unchanged)
    expected, kept = slow.forward(prompt, slow.initial_state(batch))
    expected = expected[:, -1]
    for drawn, uniform in zip(ids, uniforms, strict=True):
        p = softmax(np.where(allowed, expected, -np.inf), temperature) if temperature else None
        best = np.where(allowed, expected, -np.inf).argmax(-1)
        np.testing.assert_array_equal(drawn, best if p is None else draw(p, uniform))
        expected, kept = slow.forward(drawn[:, None], kept)
        expected = expected[:, 0]
    np.testing.assert_allclose(last, expected, atol=2e-5)
    for part, expected_part in zip(after[1:], kept[1:], strict=True):
        np.testing.assert_array_equal(part, expected_part)
    assert not {3, 5} & set(ids.ravel().tolist())


def test_int8_weights_blend_too() -> None:
    architecture = Architecture(vocabulary_size=SIZE, embedding=4, hidden=(12,))
    parameters = random_parameters(architecture, spread=0.4)
    counts = TextCounts(count_text(np.arange(200) % SIZE, SIZE, 4))
    weights = np.linspace(0.2, 1.1, 10, dtype=np.float32).reshape(5, 2)
    networks = [
        blend_networks(
            make_network(architecture, parameters, compiled=compiled, weights="int8"),
            counts,
            weights,
            compiled=compiled,
        )
        for compiled in (False, True)
    ]
    ids = np.arange(20)[None]
    expected, logits = (network.forward(ids, network.initial_state(1))[0] for network in networks)
    np.testing.assert_allclose(logits, expected, atol=2e-5)


@pytest.mark.parametrize("size", [SIZE, LARGE])
@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("batch", [1, 4])
def test_scores_of_targets_are_those_of_all_logits(batch: int, words: bool, size: int) -> None:
    slow, quick = blends(words=words, size=size)
    random = np.random.default_rng(3)
    ids, targets = random.integers(size, size=(2, batch, 25))
    logits, expected_state = slow.forward(ids, slow.initial_state(batch))
    before = quick.initial_state(batch)
    first, middle = quick.score(ids[:, :10], targets[:, :10], before)
    second, state = quick.score(ids[:, 10:], targets[:, 10:], middle)
    scores = np.concatenate([first, second], axis=1)
    np.testing.assert_allclose(scores, log2_softmax(logits, targets), atol=5e-5)
    for part, expected_part in zip(state[1:], expected_state[1:], strict=True):
        np.testing.assert_array_equal(part, expected_part)
    for part, unchanged in zip(before[1:], quick.initial_state(batch)[1:], strict=True):
        np.testing.assert_array_equal(part, unchanged)
