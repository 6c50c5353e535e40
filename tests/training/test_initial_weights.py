"""The weights before training, held against the distributions of Keras."""

import numpy as np
import pytest

from nextchar.networks.architecture import Architecture
from nextchar.training.initial_weights import (
    character_frequencies,
    initial_parameters,
    keras_initial_parameters,
    neighbour_vectors,
    uniform_parameters,
)
from tests.keras_models import NUMPY_WARNING, get_parameters, keras_example

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNING)

ARCHITECTURE = Architecture(vocabulary_size=57, embedding=None, hidden=(128,), context_length=60)


def test_keras_draws_from_the_same_distributions() -> None:
    ours = keras_initial_parameters(ARCHITECTURE, np.random.default_rng(0))
    theirs = get_parameters(keras_example(60, 57, 128))
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        assert ours[name].shape == expected.shape
        if name.endswith("bias"):
            np.testing.assert_array_equal(ours[name], expected)
        else:
            assert ours[name].std() == pytest.approx(expected.std(), rel=0.02), name
            assert ours[name].mean() == pytest.approx(0, abs=0.005)
    for weights in (ours, theirs):
        hidden = weights["layer0.hidden_weight"]
        np.testing.assert_allclose(hidden.T @ hidden, np.eye(128), atol=1e-5)
    for name, limit in (("layer0.input_weight", (6 / (57 + 512)) ** 0.5), ("output.weight", (6 / (128 + 57)) ** 0.5)):
        for weights in (ours, theirs):
            assert 0.98 * limit < np.abs(weights[name]).max() <= limit * (1 + 1e-6)


def test_the_embedding_and_further_layers_of_keras() -> None:
    architecture = Architecture(vocabulary_size=9, embedding=50, hidden=(8, 12))
    parameters = keras_initial_parameters(architecture, np.random.default_rng(0))
    assert {name: array.shape for name, array in parameters.items()} == architecture.parameter_shapes()
    assert 0.045 < np.abs(parameters["embedding"]).max() <= 0.05
    assert np.abs(parameters["layer1.input_weight"]).max() <= (6 / (8 + 48)) ** 0.5
    assert parameters["layer1.bias"].tolist() == [0] * 12 + [1] * 12 + [0] * 24


def test_the_first_weights() -> None:
    architecture = Architecture(vocabulary_size=3, embedding=4, hidden=(16,))
    text = np.array([1, 2, 2, 1, 2, 2, 2], np.uint8)
    parameters = initial_parameters(architecture, np.random.default_rng(0), text)
    assert parameters["layer0.bias"].tolist() == [0] * 16 + [1] * 16 + [0] * 32
    assert np.exp(parameters["output.bias"]) == pytest.approx([0.5 / 8.5, 2.5 / 8.5, 5.5 / 8.5])
    weights = parameters["layer0.hidden_weight"]
    assert np.abs(weights).max() <= 0.25
    assert weights.std() == pytest.approx(0.25 / 3**0.5, rel=0.1)


def test_frequencies_are_counts_and_never_zero() -> None:
    assert character_frequencies(np.array([0, 2, 2], np.uint8), 4).tolist() == [1.5, 0.5, 2.5, 0.5]


def test_ids_that_are_followed_alike_begin_alike() -> None:
    random = np.random.default_rng(1)
    text = np.empty(20_000, np.int64)  # 0 and 1 are followed by 2 or 3, 4 and 5 by 0 or 1, 2 and 3 by 4 or 5
    text[0::3], text[1::3], text[2::3] = (random.integers(0, 2, n) + first for n, first in
                                          ((6667, 0), (6667, 2), (6666, 4)))  # fmt: skip
    vectors = neighbour_vectors(text, character_frequencies(text, 7), 4, random)
    assert vectors.shape == (7, 4)
    first = vectors[:, :2]  # two directions tell the three kinds apart
    for one, alike, other in ((0, 1, 2), (2, 3, 4), (4, 5, 0)):
        assert np.linalg.norm(first[one] - first[alike]) < 0.1
        assert np.linalg.norm(first[one] - first[other]) > 1


def test_vectors_from_neighbours_are_those_of_an_exact_decomposition() -> None:
    text = np.random.default_rng(2).choice(30, 5000, p=np.arange(1, 31) / 465)
    frequencies = character_frequencies(text, 30)
    ours = neighbour_vectors(text, frequencies, 5, np.random.default_rng(0))
    share = frequencies / frequencies.sum()
    counts = np.zeros((30, 30))
    np.add.at(counts, (text[:-1], text[1:]), 1)
    following = (counts + 5 * share) / (counts.sum(1, keepdims=True) + 5)
    weight = np.sqrt(share)
    exact = np.linalg.svd(weight[:, None] * np.log(following / share) * weight)[0][:, :5] / weight[:, None]
    signs = np.sign((ours * exact).sum(0))
    np.testing.assert_allclose(ours, np.clip(exact * signs, -4, 4), atol=0.02)


def test_weights_of_a_network_that_is_timed_have_its_shapes_and_small_values() -> None:
    weights = uniform_parameters(ARCHITECTURE, np.random.default_rng(0))
    assert {name: array.shape for name, array in weights.items()} == ARCHITECTURE.parameter_shapes()
    for name, array in weights.items():
        assert array.dtype == np.float32, name
        assert np.abs(array).max() == pytest.approx(0.05, rel=0.05), name
        assert array.min() < 0 < array.max(), name


def test_vectors_where_there_is_little_to_count() -> None:
    """More directions than ids, ids that never occur, and a text of two."""
    for text, size in ((np.array([0, 1]), 8), (np.zeros(5, np.int64), 3)):
        vectors = neighbour_vectors(text, character_frequencies(text, 4), size, np.random.default_rng(0))
        assert vectors.shape == (4, size)
        assert np.isfinite(vectors).all()
        assert np.abs(vectors).max() < 6
