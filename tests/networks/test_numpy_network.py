"""The reference network against hand-worked steps."""

import math

import numpy as np
import pytest

from nextchar.networks.architecture import Architecture, Parameters
from nextchar.networks.numpy_network import NumpyNetwork
from tests.small_networks import random_network


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def tiny_parameters() -> Parameters:
    """One unit, two characters, one-hot: every product of the equations can be worked by hand."""
    values = {
        # rows: i, f, g, o; columns: the input of character 0, of character 1
        "layer0.input_weight": [[0.5, -1.0], [0.25, 0.75], [1.0, -0.5], [-0.25, 2.0]],
        "layer0.hidden_weight": [[0.1], [0.2], [0.3], [0.4]],
        "layer0.bias": [0.0, 1.0, 0.05, -0.1],
        "output.weight": [[2.0], [-3.0]],
        "output.bias": [0.1, 0.2],
    }
    return {name: np.array(value, np.float32) for name, value in values.items()}


def test_two_steps_worked_by_hand() -> None:
    network = NumpyNetwork(Architecture(vocabulary_size=2, embedding=None, hidden=(1,)), tiny_parameters())
    logits, state = network.forward(np.array([[0, 1]]), network.initial_state(1))

    c1 = sigmoid(1.25) * 0 + sigmoid(0.5) * math.tanh(1.05)
    h1 = sigmoid(-0.35) * math.tanh(c1)
    c2 = sigmoid(1.75 + 0.2 * h1) * c1 + sigmoid(-1.0 + 0.1 * h1) * math.tanh(-0.45 + 0.3 * h1)
    h2 = sigmoid(1.9 + 0.4 * h1) * math.tanh(c2)

    assert logits[0, 0] == pytest.approx([2 * h1 + 0.1, -3 * h1 + 0.2], abs=1e-6)
    assert logits[0, 1] == pytest.approx([2 * h2 + 0.1, -3 * h2 + 0.2], abs=1e-6)
    assert state.hidden[0][0, 0] == pytest.approx(h2, abs=1e-6)
    assert state.cell[0][0, 0] == pytest.approx(c2, abs=1e-6)


def test_the_embedding_is_looked_up_before_the_first_layer() -> None:
    parameters = tiny_parameters()
    one_hot = NumpyNetwork(Architecture(vocabulary_size=2, embedding=None, hidden=(1,)), parameters)
    embedded = NumpyNetwork(
        Architecture(vocabulary_size=2, embedding=2, hidden=(1,)),
        {**parameters, "embedding": np.eye(2, dtype=np.float32)},
    )
    ids = np.array([[0, 1, 1, 0]])
    np.testing.assert_array_equal(
        one_hot.forward(ids, one_hot.initial_state(1))[0], embedded.forward(ids, embedded.initial_state(1))[0]
    )


def test_a_text_read_in_pieces_or_beside_others_gives_the_same() -> None:
    network = random_network()
    ids = np.random.default_rng(0).integers(network.vocabulary_size, size=(3, 20))
    whole, end = network.forward(ids, network.initial_state(3))
    state = network.initial_state(3)
    first, state = network.forward(ids[:, :7], state)
    second, state = network.forward(ids[:, 7:], state)
    np.testing.assert_allclose(np.concatenate([first, second], 1), whole, atol=1e-6)
    np.testing.assert_allclose(state.cell[-1], end.cell[-1], atol=1e-6)
    alone, _ = network.forward(ids[1:2], network.initial_state(1))
    np.testing.assert_allclose(alone[0], whole[1], atol=1e-6)


def test_the_state_given_is_left_as_it_was() -> None:
    network = random_network()
    _, state = network.forward(np.array([[1, 2, 3]]), network.initial_state(1))
    before = [array.copy() for part in state for array in part]
    network.forward(np.array([[4, 5]]), state)
    for kept, array in zip(before, [array for part in state for array in part], strict=True):
        np.testing.assert_array_equal(kept, array)


def test_extreme_inputs_neither_overflow_nor_warn() -> None:
    parameters = {name: value * 1000 for name, value in tiny_parameters().items()}
    network = NumpyNetwork(Architecture(vocabulary_size=2, embedding=None, hidden=(1,)), parameters)
    logits, _ = network.forward(np.array([[0, 1, 0, 1]]), network.initial_state(1))
    assert np.isfinite(logits).all()
