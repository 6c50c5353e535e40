"""The compiled network: the same logits, the same draws, safe under threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nextchar.model.sampling import draw, softmax
from nextchar.model.scoring import log2_softmax
from nextchar.networks.allowed import Allowed
from nextchar.networks.architecture import Architecture
from nextchar.networks.compiled_network import CompiledNetwork
from nextchar.networks.engine import make_network
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.networks.quantisation import quantised, row_scale
from nextchar.networks.torch_network import LSTM, make_torch_network
from tests.small_networks import random_parameters

ARCHITECTURES = [
    Architecture(vocabulary_size=7, embedding=None, hidden=(1,)),
    Architecture(vocabulary_size=57, embedding=None, hidden=(128,)),
    Architecture(vocabulary_size=300, embedding=12, hidden=(37,)),
    Architecture(vocabulary_size=16, embedding=4, hidden=(24, 24)),
    Architecture(vocabulary_size=9, embedding=None, hidden=(6, 13, 5)),
    Architecture(vocabulary_size=11, embedding=3, hidden=(20, 9), context_length=8),
    Architecture(vocabulary_size=11, embedding=None, hidden=(20,), context_length=1),
]
LARGE = Architecture(vocabulary_size=1300, embedding=3, hidden=(421,))


@pytest.mark.parametrize("batch", [1, 2, 5])
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_torch_numpy_and_compiled_loops_agree(architecture: Architecture, batch: int) -> None:
    parameters = random_parameters(architecture, spread=0.3)
    networks = [
        make_torch_network(LSTM(architecture, parameters)),
        make_network(architecture, parameters),
        make_network(architecture, parameters, compiled=True),
    ]
    ids = np.random.default_rng(1).integers(architecture.vocabulary_size, size=(batch, 30))
    states = [network.initial_state(batch) for network in networks]
    for piece in (ids[:, :9], ids[:, 9:10], ids[:, 10:]):  # the state is carried on from piece to piece
        results = [network.forward(piece, state) for network, state in zip(networks, states, strict=True)]
        states = [state for _, state in results]
        for logits, _ in results[1:]:
            np.testing.assert_allclose(logits, results[0][0], atol=1e-5)
    if architecture.context_length is None:
        for state in states[1:]:
            for one, other in zip(state.hidden + state.cell, states[0].hidden + states[0].cell, strict=True):
                np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES[1:], ids=str)
def test_eight_bits_are_the_same_in_every_network(architecture: Architecture) -> None:
    parameters = random_parameters(architecture, spread=0.3)
    ids = np.random.default_rng(1).integers(architecture.vocabulary_size, size=(2, 30))
    reference, *others = (
        make_network(architecture, parameters, compiled=compiled, weights="int8").forward(
            ids[:batch], make_network(architecture, parameters).initial_state(batch)
        )[0]
        for compiled, batch in ((False, 2), (True, 2), (True, 1))
    )
    for logits in others:
        np.testing.assert_allclose(logits, reference[: len(logits)], atol=2e-5)
    plain = make_network(architecture, parameters)
    exact, _ = plain.forward(ids, plain.initial_state(2))
    assert 0 < np.abs(reference - exact).max() < 0.2


def test_levels_are_whole_numbers_and_the_largest_is_127() -> None:
    architecture = ARCHITECTURES[4]
    parameters = random_parameters(architecture)
    rounded = quantised(architecture, parameters)
    for number in range(3):
        names = [f"layer{number}.hidden_weight"] + [f"layer{number}.input_weight"] * (number > 0)
        rows = np.concatenate([rounded[name] for name in names], axis=1)
        scale = row_scale(*(parameters[name] for name in names))
        whole = rows / scale[:, None]
        np.testing.assert_allclose(whole, np.rint(whole), atol=1e-4)
        assert np.abs(whole).max(-1) == pytest.approx(127)
        exact = np.concatenate([parameters[name] for name in names], axis=1)
        assert (np.abs(rows - exact) <= scale[:, None] / 2 * 1.001).all()
    for name in ("layer0.input_weight", "layer1.bias", "output.bias"):
        assert rounded[name] is parameters[name]
    assert row_scale(np.zeros((2, 3), np.float32)).tolist() == [1, 1]


def compiled(architecture: Architecture, seed: int = 0) -> CompiledNetwork:
    return CompiledNetwork(architecture, random_parameters(architecture, seed, spread=0.5))


def test_the_state_given_and_the_logits_given_are_left_as_they_were() -> None:
    network = compiled(ARCHITECTURES[3])
    logits, state = network.forward(np.array([[1, 2, 3]]), network.initial_state(1))
    before = [array.copy() for part in state for array in part]
    last = logits[0, -1].copy()
    network.forward(np.array([[4, 5]]), state)
    allowed = Allowed.always(np.ones(16, np.bool_), 1)
    network.write(logits[:, -1], state, 1.0, allowed, np.linspace(0, 0.99, 20)[:, None])
    for kept, array in zip(before, [array for part in state for array in part], strict=True):
        np.testing.assert_array_equal(kept, array)
    np.testing.assert_array_equal(logits[0, -1], last)


@pytest.mark.parametrize("temperature", [0.0, 0.2, 1.0, 3.0])
def test_it_writes_what_drawing_and_reading_one_by_one_writes(temperature: float) -> None:
    network = compiled(ARCHITECTURES[2])
    logits, state = network.forward(np.array([[1, 2, 3]]), network.initial_state(1))
    allowed = np.ones(300, np.bool_)
    allowed[:5] = False
    uniforms = np.random.default_rng(3).random(300)
    ids, last, after = network.write(logits[:, -1], state, temperature, Allowed.always(allowed, 1), uniforms[:, None])
    expected: list[int] = []
    for uniform in uniforms:
        permitted = np.where(allowed, logits[0, -1].astype(np.float64), -np.inf)
        expected.append(int(draw(softmax(permitted, temperature), uniform)))
        logits, state = network.forward(np.array([expected[-1:]]), state)
    assert ids[:, 0].tolist() == expected
    assert ids.min() >= 5
    np.testing.assert_allclose(last, logits[:, -1], atol=1e-5)
    np.testing.assert_allclose(after.cell[0], state.cell[0], atol=1e-5)


def test_extreme_inputs_neither_overflow_nor_warn() -> None:
    architecture = ARCHITECTURES[3]
    parameters = {name: array * 1000 for name, array in random_parameters(architecture).items()}
    networks = NumpyNetwork(architecture, parameters), CompiledNetwork(architecture, parameters)
    ids = np.random.default_rng(0).integers(16, size=(1, 50))
    ours, theirs = (network.forward(ids, network.initial_state(1))[0] for network in networks)
    assert np.isfinite(theirs).all()
    np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1)


@pytest.mark.parametrize("batch", [2, 8, 9])
def test_large_networks_read_few_texts_side_by_side_as_they_read_each(batch: int) -> None:
    """Few texts are multiplied in a loop of our own, more by NumPy."""
    network, ids = compiled(LARGE), np.random.default_rng(2).integers(1300, size=(batch, 3))
    texts = network.texts(network.initial_state(batch))
    logits = np.empty((batch, 1312), np.float32)
    for column in ids.T:
        texts.read(column, logits)
    alone = [network.forward(row[None], network.initial_state(1)) for row in ids]
    np.testing.assert_allclose(logits[:, :1300], [row[0, -1] for row, _ in alone], atol=1e-5)
    np.testing.assert_allclose(texts.state.cell[0], [after.cell[0][0] for _, after in alone], atol=1e-5)
    np.testing.assert_allclose(
        network.forward(ids, network.initial_state(batch))[0][:, -1], logits[:, :1300], atol=1e-5
    )


def test_many_generations_at_once_from_one_network() -> None:
    network = compiled(ARCHITECTURES[1])
    mask = np.ones(57, np.bool_)

    def write(seed: int) -> list[int]:
        allowed = Allowed.always(mask, 1)
        logits, state = network.forward(np.array([[seed % 57]]), network.initial_state(1))
        written: list[int] = []
        last, random = logits[:, -1], np.random.default_rng(seed)
        for _ in range(20):
            ids, last, state = network.write(last, state, 1.0, allowed, random.random((100, 1)))
            written += ids[:, 0].tolist()
        return written

    alone = [write(seed) for seed in range(16)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(write, range(16))) == alone


@pytest.mark.parametrize("batch", [1, 3])
def test_scores_of_targets_are_those_of_all_logits(batch: int) -> None:
    architecture = Architecture(vocabulary_size=57, embedding=5, hidden=(12, 9))
    network, random = compiled(architecture), np.random.default_rng(4)
    ids, targets = random.integers(57, size=(2, batch, 20))
    logits, expected = network.forward(ids, network.initial_state(batch))
    scores, state = network.score(ids, targets, network.initial_state(batch))
    np.testing.assert_allclose(scores, log2_softmax(logits, targets), atol=1e-5)
    np.testing.assert_array_equal(state.cell[1], expected.cell[1])
