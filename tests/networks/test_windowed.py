"""Networks that read so many characters for each prediction and no more."""

import numpy as np
import pytest

from nextchar.networks import windowed
from nextchar.networks.architecture import Architecture
from nextchar.networks.engine import make_network
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.networks.torch_network import LSTM, make_torch_network

LENGTH, VOCABULARY = 5, 7
ARCHITECTURE = Architecture(vocabulary_size=VOCABULARY, embedding=None, hidden=(6, 4), context_length=LENGTH)
PARAMETERS = {
    name: np.random.default_rng(3).normal(0, 1, shape).astype(np.float32)
    for name, shape in ARCHITECTURE.parameter_shapes().items()
}
IDS = np.random.default_rng(0).integers(VOCABULARY, size=(2, 23))


def by_definition(ids: np.ndarray) -> np.ndarray:
    """Return the logits after ``ids`` (T,): the last of them, read from the zero state."""
    carrying = NumpyNetwork(ARCHITECTURE, PARAMETERS)
    logits, _ = carrying.forward(ids[None, -LENGTH:], carrying.initial_state(1))
    return logits[0, -1]


@pytest.mark.parametrize("group", [1, 3, 512])
@pytest.mark.parametrize("pieces", [(23,), (1,) * 23, (2, 1, 9, 11), (4, 19), (5, 18), (6, 17)])
def test_each_prediction_reads_the_last_characters_alone(
    pieces: tuple[int, ...], group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windowed, "GROUP", group)
    expected = np.array([[by_definition(text[: end + 1]) for end in range(len(text))] for text in IDS])
    for network in (
        make_network(ARCHITECTURE, PARAMETERS),
        make_torch_network(LSTM(ARCHITECTURE, PARAMETERS)),
    ):
        state, read, logits = network.initial_state(2), 0, []
        for piece in pieces:
            part, state = network.forward(IDS[:, read : read + piece], state)
            logits.append(part)
            read += piece
        np.testing.assert_allclose(np.concatenate(logits, axis=1), expected, atol=1e-5)


def test_the_state_given_is_left_as_it_was() -> None:
    network = make_network(ARCHITECTURE, PARAMETERS)
    _, state = network.forward(IDS[:, :9], network.initial_state(2))
    before = state.copy()
    network.forward(IDS[:, 9:], state)
    np.testing.assert_array_equal(state, before)
    assert state.tolist() == IDS[:, 4:9].tolist()
