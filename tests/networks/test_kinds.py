"""The kinds of networks: what each demands of a model file, and what it says about a network."""

import numpy as np
import pytest

from nextchar.networks.architecture import Architecture, Parameters
from nextchar.networks.kinds import KINDS, LSTM_KIND, kind_of
from tests.small_networks import random_parameters

HEADER = Architecture(vocabulary_size=7, embedding=3, hidden=(5, 4))
PARAMETERS = random_parameters(HEADER)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_has_the_name_that_its_headers_give(name: str) -> None:
    assert KINDS[name].header.model_fields["kind"].default == name


def test_the_kind_of_a_header_is_found() -> None:
    assert kind_of(HEADER) is LSTM_KIND


@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_the_arrays_of_an_lstm_are_accepted(kind: str) -> None:
    LSTM_KIND.check_arrays(HEADER, {name: array.astype(kind) for name, array in PARAMETERS.items()})


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({name: array for name, array in PARAMETERS.items() if name != "embedding"}, "do not fit its architecture"),
        ({**PARAMETERS, "more": np.zeros(1, np.float32)}, "do not fit its architecture"),
        ({**PARAMETERS, "output.bias": np.zeros(8, np.float32)}, "do not fit its architecture"),
        ({**PARAMETERS, "output.bias": np.zeros(7)}, "neither float32 nor float16"),
    ],
    ids=["missing", "more", "shape", "type"],
)
def test_other_arrays_are_refused(arrays: Parameters, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LSTM_KIND.check_arrays(HEADER, arrays)


def test_a_network_is_made_of_header_and_arrays() -> None:
    network = LSTM_KIND.make_network(HEADER, PARAMETERS, compiled=False, carry_state=False, weights="float32")
    logits, _ = network.forward(np.array([[1, 2]]), network.initial_state(1))
    assert logits.shape == (1, 2, 7)


def test_windows_are_read_whole_for_each_character() -> None:
    windowed = HEADER.model_copy(update={"context_length": 10})
    plain = LSTM_KIND.numpy_seconds(HEADER, 50, carry_state=False)
    assert LSTM_KIND.numpy_seconds(windowed, 5, carry_state=False) == pytest.approx(plain)
    assert LSTM_KIND.numpy_seconds(windowed, 50, carry_state=True) == pytest.approx(plain)


def test_an_lstm_is_described_by_its_layers() -> None:
    assert LSTM_KIND.describe(HEADER) == "LSTM of 5 + 4 units"
    assert LSTM_KIND.sizes(HEADER) == {"hidden": [5, 4], "layers": 2, "embedding": 3}
    assert LSTM_KIND.parameter_count(HEADER) == sum(array.size for array in PARAMETERS.values())
