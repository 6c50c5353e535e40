"""The temperature that a text asks for is found, and goes into the weights."""

from bisect import bisect_right
from typing import Any

import numpy as np
import pytest

from nextchar.model.calibration import (
    LENGTH,
    MAX_TEMPERATURE,
    MIN_LENGTH,
    MIN_TEMPERATURE,
    STREAMS,
    at_temperature,
    fit_temperature,
)
from nextchar.model.scoring import bits_per_id
from nextchar.networks.architecture import Architecture
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.parallel import Threads
from nextchar.randomness import random_stream
from tests.small_networks import BigramNetwork, random_parameters, windowed_network

CHANCES = np.random.default_rng(0).dirichlet(np.full(6, 0.5), size=6)


def written(temperature: float, length: int) -> np.ndarray:
    """Return ids drawn at a temperature from the network that is asked later, one by one from a table of it."""
    powers = CHANCES ** (1 / temperature)
    running = (powers / powers.sum(-1, keepdims=True)).cumsum(-1)
    running[:, -1] = 1  # not a rounding error less
    table, ids = running.tolist(), [0]
    for uniform in random_stream(0, "sampling").random(length).tolist():
        ids.append(bisect_right(table[ids[-1]], uniform))
    return np.array(ids[1:])


@pytest.mark.parametrize("temperature", [0.8, 0.9, 1.0, 1.1, 1.25, 1.6])
def test_it_finds_the_temperature_that_a_text_was_written_at(
    temperature: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextchar.model.calibration.LENGTH", 1024)
    found = fit_temperature(BigramNetwork(CHANCES), written(temperature, 2 * STREAMS * 1024))
    assert found == pytest.approx(temperature, abs=0.04)


def test_shards_find_the_same() -> None:
    ids, network = written(1.2, 9000), windowed_network(6)
    assert fit_temperature(network, ids, Threads(3)) == pytest.approx(fit_temperature(network, ids), rel=1e-5)


def test_at_that_temperature_a_text_takes_fewest_bits() -> None:
    ids = written(1.15, STREAMS * LENGTH)
    found = fit_temperature(BigramNetwork(CHANCES), ids)

    def bits(temperature: float) -> float:
        powers = CHANCES ** (1 / temperature)
        return bits_per_id(BigramNetwork(powers / powers.sum(-1, keepdims=True)), ids, 0)

    assert bits(found) < bits(1.0)
    assert bits(found) < bits(found - 0.06)
    assert bits(found) < bits(found + 0.06)


@pytest.mark.parametrize("length", [2, 3, 31, LENGTH - 1, LENGTH, 3 * LENGTH + 5])
def test_any_length_gives_a_temperature_in_bounds(length: int) -> None:
    ids = np.random.default_rng(length).integers(6, size=length)
    for network in (BigramNetwork(CHANCES), windowed_network(3)):
        assert MIN_TEMPERATURE <= fit_temperature(network, ids) <= MAX_TEMPERATURE


def test_of_many_characters_fewer_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    forward = BigramNetwork.forward

    def count(self: BigramNetwork, ids: np.ndarray, state: Any) -> Any:
        read.append(ids.size)
        return forward(self, ids, state)

    monkeypatch.setattr(BigramNetwork, "forward", count)
    for logits, expected in (
        (1 << 23, STREAMS * (LENGTH - 1)),
        (32 * 6 * 100, STREAMS * 99),
        (1, STREAMS * (MIN_LENGTH - 1)),
    ):
        monkeypatch.setattr("nextchar.model.calibration.LOGITS", logits)
        read.clear()
        fit_temperature(BigramNetwork(CHANCES), np.zeros(50_000, int))
        assert sum(read) == expected


def test_where_no_temperature_makes_a_difference_it_is_left_at_one() -> None:
    assert fit_temperature(BigramNetwork(np.full((6, 6), 1 / 6)), np.arange(60) % 6) == 1.0


def test_weights_take_a_temperature_in() -> None:
    architecture = Architecture(vocabulary_size=9, embedding=3, hidden=(6, 4))
    parameters = random_parameters(architecture)
    ids = np.arange(20)[None] % 9
    before, after = (
        network.forward(ids, network.initial_state(1))[0]
        for weights in (parameters, at_temperature(parameters, 1.25))
        for network in [NumpyNetwork(architecture, weights)]
    )
    np.testing.assert_allclose(after, before / 1.25, atol=1e-6)
    assert {array.dtype for array in at_temperature(parameters, 1.25).values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(at_temperature(parameters, 1.0)["output.weight"], parameters["output.weight"])
