"""The weights before training, held against the distributions of Keras."""

import numpy as np
import pytest

from nextchar.architecture import Architecture
from nextchar.initialisation import initial_parameters, keras_initial_parameters
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
    frequencies = np.array([1.0, 2.0, 5.0])
    parameters = initial_parameters(architecture, np.random.default_rng(0), frequencies)
    assert parameters["layer0.bias"].tolist() == [0] * 16 + [1] * 16 + [0] * 32
    assert np.exp(parameters["output.bias"]) == pytest.approx([1 / 8, 2 / 8, 5 / 8])
    weights = parameters["layer0.hidden_weight"]
    assert np.abs(weights).max() <= 0.25
    assert weights.std() == pytest.approx(0.25 / 3**0.5, rel=0.1)
