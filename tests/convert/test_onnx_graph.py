"""Networks as ONNX graphs: what onnxruntime computes and nextchar does, side by side."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from nextchar.convert.onnx_graph import AXES, draw_graph
from nextchar.networks.engine import make_network
from nextchar.networks.numpy_network import NumpyNetwork
from tests.onnx_models import MODELS, OnnxNetwork, content, model, session_of, some_ids


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", MODELS)
def test_onnxruntime_computes_the_same_logits_and_state(name: str, batch: int) -> None:
    file = model(name)
    ours, theirs = NumpyNetwork(*file.lstm_for("A test")), OnnxNetwork(file)
    state, state_there = ours.initial_state(batch), theirs.initial_state(batch)
    for time in (1, 30, 1):
        ids = some_ids(ours.vocabulary_size, batch, time)
        expected, state = ours.forward(ids, state)
        logits, state_there = theirs.forward(ids, state_there)
        assert logits.dtype == np.float32
        assert logits.shape == (batch, time, ours.vocabulary_size)
        assert np.ptp(expected) > 0.5  # no parity of zeros
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)
        assert [array.shape for array in state_there[::2]] == [(batch, size) for size in ours.architecture.hidden]
        for layer in range(ours.architecture.layers):
            np.testing.assert_allclose(state_there[2 * layer], state.hidden[layer], rtol=0, atol=1e-5)
            np.testing.assert_allclose(state_there[2 * layer + 1], state.cell[layer], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_step_by_step_is_the_same_as_at_once(name: str) -> None:
    network = OnnxNetwork(model(name))
    ids = some_ids(network.vocabulary_size, 3, 20)
    at_once, state_after = network.forward(ids, network.initial_state(3))
    state = network.initial_state(3)
    for step in range(20):
        logits, state = network.forward(ids[:, step : step + 1], state)
        np.testing.assert_allclose(logits[:, 0], at_once[:, step], rtol=0, atol=1e-6)
    for one, other in zip(state, state_after, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", [name for name, (*_, length) in MODELS.items() if length is not None])
def test_a_model_of_windows_reads_the_last_characters_from_zero(name: str) -> None:
    file = model(name)
    ours, theirs = make_network(*file.lstm_for("A test")), OnnxNetwork(file)
    ids = some_ids(ours.vocabulary_size, 2, 25)
    expected, _ = ours.forward(ids, ours.initial_state(2))
    for end in range(1, 26):
        logits, _ = theirs.forward(ids[:, max(0, end - 7) : end], theirs.initial_state(2))
        np.testing.assert_allclose(logits[:, -1], expected[:, end - 1], rtol=0, atol=1e-5)


def test_the_file_holds_little_more_than_the_weights() -> None:
    file = model("many characters")
    metadata = sum(len(value) for value in session_of(content(file)).get_modelmeta().custom_metadata_map.values())
    list_of_ids = 8 * file.vocabulary.size
    assert len(content(file)) < 4 * file.architecture.parameter_count + metadata + list_of_ids + 5000


@pytest.mark.parametrize("name", ["one-hot", "embedding"])
def test_an_id_that_is_not_there_is_an_error(name: str) -> None:
    network = OnnxNetwork(model(name))
    with pytest.raises(Exception, match="out of data bounds"):
        network.forward(np.array([[network.vocabulary_size]]), network.initial_state(1))


@pytest.mark.parametrize("name", ["one-hot", "embedding"])
@pytest.mark.parametrize("bad", [-1, -2, -(2**63), 2**63 - 1])
def test_a_negative_id_is_an_error_and_not_counted_from_the_end(name: str, bad: int) -> None:
    network = OnnxNetwork(model(name))
    with pytest.raises(Exception, match="out of data bounds"):
        network.forward(np.array([[0, bad]]), network.initial_state(1))


def test_the_operators_are_few_and_standard() -> None:
    file = model("embedding")
    graph = draw_graph(onnx, *file.lstm_for("A test"))
    operators = [node.op_type for node in graph.node]
    assert operators.count("LSTM") == file.lstm_for("A test")[0].layers
    assert (operators.count("Gather"), operators.count("OneHot")) == (1, 0)
    assert {node.domain for node in graph.node} == {""}
    assert [value.name for value in graph.initializer][:2] == list(AXES)


def test_the_gates_are_in_the_order_of_the_operator() -> None:
    file = model("one-hot")
    graph = draw_graph(onnx, *file.lstm_for("A test"))
    constants = {value.name: onnx.numpy_helper.to_array(value) for value in graph.initializer}
    i, f, g, o = np.split(file.parameters["layer0.bias"], 4)
    np.testing.assert_array_equal(constants["layer0.bias"], [np.concatenate([i, o, f, g, np.zeros(64)])])
