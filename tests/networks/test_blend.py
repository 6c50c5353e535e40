"""A blend is what its definition says, and is a network like any other."""

from itertools import islice

import numpy as np
import pytest

from nextchar.model import scoring
from nextchar.model.generation import generate_ids
from nextchar.model.sampling import softmax
from nextchar.model.scoring import Scorer
from nextchar.networks.blend import BlendNetwork
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.parallel import Threads
from nextchar.settings import SamplingSettings
from tests.small_networks import random_network

WEIGHTS = np.array([[0.9, 0.2], [0.8, 0.3], [0.6, 0.5], [0.5, 0.7]], np.float32)


@pytest.fixture
def blend() -> BlendNetwork:
    """A blend of nine ids, of random weights and a text with some order in it."""
    random = np.random.default_rng(0)
    words = [random.integers(8, size=length) for length in (3, 5, 4, 2, 6)]
    text = np.concatenate([words[n] for n in random.integers(5, size=400)])
    return BlendNetwork(random_network(), NgramNetwork.of_text(text, 9, 3), WEIGHTS)


def test_logits_are_what_the_definition_says(blend: BlendNetwork) -> None:
    ids = np.random.default_rng(1).integers(9, size=(2, 40))
    logits, _ = blend.forward(ids, blend.initial_state(2))
    of_network, _ = blend.network.forward(ids, blend.network.initial_state(2))
    log_p, longest, _ = blend.ngrams.read(ids, blend.ngrams.initial_state(2))
    assert set(longest.ravel()) == {0, 1, 2, 3}
    for row, step in np.ndindex(2, 40):
        u, v = WEIGHTS[longest[row, step]]
        expected = u * of_network[row, step] + v * log_p[row, step]
        np.testing.assert_allclose(logits[row, step], expected, rtol=1e-5, atol=1e-5)


def test_probabilities_sum_to_one_and_read_in_pieces_are_the_same(blend: BlendNetwork) -> None:
    ids = np.random.default_rng(2).integers(9, size=(3, 30))
    together, last = blend.forward(ids, blend.initial_state(3))
    np.testing.assert_allclose(softmax(together).sum(-1), 1, atol=1e-12)
    first, state = blend.forward(ids[:, :7], blend.initial_state(3))
    second, after = blend.forward(ids[:, 7:], state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), together, atol=1e-5)
    np.testing.assert_array_equal(after[1], last[1])


def test_it_writes_and_scores_like_any_network(blend: BlendNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = np.random.default_rng(4).integers(9, size=700)
    inputs = np.concatenate([[0], ids[:-1]])[None]
    logits, _ = blend.forward(inputs, blend.initial_state(1))
    monkeypatch.setattr(scoring, "WARM_UP", 32)
    expected = np.log2(softmax(logits)[0, np.arange(700), ids])
    np.testing.assert_allclose(Scorer(blend, 0, Threads(2)).score(ids), expected, atol=1e-4)
    prompt = np.array([1, 2])
    written = list(islice(generate_ids(blend, prompt, SamplingSettings(temperature=0), np.random.default_rng(0)), 30))
    logits, _ = blend.forward(np.array([[*prompt, *written]]), blend.initial_state(1))
    assert logits[0, 1:-1].argmax(-1).tolist() == written
