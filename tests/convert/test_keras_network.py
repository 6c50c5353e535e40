"""The weights of a network in Keras's layout and in nextchar's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nextchar.convert.keras_network import KerasNetwork, assemble, keras_weights
from nextchar.errors import ModelFileError
from nextchar.networks.architecture import Architecture

PATH = Path("m.keras")
V, E, H = 3, 2, 4


def array(*shape: int) -> np.ndarray:
    """Return distinct numbers in this shape."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def network(*, embedding: bool = True, context_length: int | None = None) -> KerasNetwork:
    layer = (array(E if embedding else V, 4 * H), array(H, 4 * H), array(4 * H))
    table = array(V, E) if embedding else None
    return KerasNetwork(table, (layer,), (array(H, V), array(V)), context_length)


@pytest.mark.parametrize("embedding", [True, False])
def test_ids_follow_the_order_of_the_vocabulary(embedding: bool) -> None:
    keras = network(embedding=embedding, context_length=60)
    architecture, vocabulary, parameters = keras.in_our_layout(["b", None, "a"])
    assert (vocabulary.characters, vocabulary.has_unknown) == ("ab", True)
    assert architecture == Architecture(
        vocabulary_size=V, embedding=E if embedding else None, hidden=(H,), context_length=60
    )
    order = [1, 2, 0]
    np.testing.assert_array_equal(parameters["output.bias"], keras.output[1][order])
    np.testing.assert_array_equal(parameters["output.weight"], keras.output[0].T[order])
    kernel, recurrent_kernel, _ = keras.layers[0]
    np.testing.assert_array_equal(parameters["layer0.hidden_weight"], recurrent_kernel.T)
    if keras.embedding is not None:
        np.testing.assert_array_equal(parameters["embedding"], keras.embedding[order])
        np.testing.assert_array_equal(parameters["layer0.input_weight"], kernel.T)
    else:
        np.testing.assert_array_equal(parameters["layer0.input_weight"], kernel[order].T)
    assert {name: array.shape for name, array in parameters.items()} == architecture.parameter_shapes()


def test_the_way_back_gives_the_same_arrays() -> None:
    keras = network()
    architecture, _, parameters = keras.in_our_layout(["a", "b", "c"])
    assert keras.embedding is not None
    expected = [[keras.embedding], list(keras.layers[0]), list(keras.output)]
    for found, arrays in zip(keras_weights(architecture, parameters), expected, strict=True):
        for one, other in zip(found, arrays, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_network_larger_than_ours_can_be_is_refused() -> None:
    with pytest.raises(ValueError, match="context_length"):
        replace(network(), context_length=10**6).architecture()


def test_a_missing_bias_is_zero() -> None:
    found = assemble(PATH, [], [[array(V, 4 * H), array(H, 4 * H)]], [array(H, V)], None)
    assert found.embedding is None
    assert not found.layers[0][2].any()
    assert not found.output[1].any()
    assert (found.layers[0][2].shape, found.output[1].shape) == ((4 * H,), (V,))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_weights_that_are_not_finite_in_float32_are_refused(value: float) -> None:
    with pytest.raises(ModelFileError, match="not finite"):
        assemble(PATH, [], [[array(V, 4 * H), array(H, 4 * H)]], [np.full((H, V), value)], None)


@pytest.mark.parametrize(
    ("kernel", "output", "reason"),
    [
        ((V + 1, 4 * H), (H, V), "reads 4 different characters and predicts 3"),
        ((V, 3 * H), (H, V), "arrays .* of an LSTM layer do not fit each other"),
        ((V, 4 * H), (H + 1, V), "its Dense layer does not fit"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(kernel: tuple[int, int], output: tuple[int, int], reason: str) -> None:
    with pytest.raises(ModelFileError, match=reason):
        assemble(PATH, [], [[array(*kernel), array(H, 4 * H)]], [array(*output)], None)
