"""The loop that writes."""

from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest

from nextchar.model.generation import generate_ids, generate_rows
from nextchar.networks.architecture import Architecture
from nextchar.networks.compiled_network import CompiledNetwork
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.settings import SamplingSettings
from tests.small_networks import BigramNetwork, random_network, random_parameters

CYCLE = np.full((3, 3), 0.05) + np.roll(np.eye(3), 1, axis=1) * 0.85  # 0 -> 1 -> 2 -> 0


def test_greedy_writing_follows_the_most_probable() -> None:
    ids = generate_ids(BigramNetwork(CYCLE), np.array([0]), SamplingSettings(temperature=0), np.random.default_rng(0))
    assert list(islice(ids, 6)) == [1, 2, 0, 1, 2, 0]


def test_what_is_drawn_is_what_reading_the_whole_text_again_would_predict() -> None:
    network = random_network()
    prompt = np.array([1, 5, 2])
    greedy = list(islice(generate_ids(network, prompt, SamplingSettings(temperature=0), np.random.default_rng(0)), 30))
    text = np.concatenate([prompt, greedy])[None]
    logits, _ = network.forward(text, network.initial_state(1))
    assert logits[0, 2:-1].argmax(-1).tolist() == greedy


def test_the_same_stream_gives_the_same_ids_and_forbidden_ones_never_come() -> None:
    network = random_network()

    def write(seed: int) -> list[int]:
        settings = SamplingSettings(temperature=1.5)
        return list(islice(generate_ids(network, np.array([3]), settings, np.random.default_rng(seed), (0, 4)), 400))

    assert write(1) == write(1) != write(2)
    assert not {0, 4} & set(write(3))


def test_transitions_are_drawn_as_often_as_they_are_probable() -> None:
    ids = list(
        islice(
            generate_ids(
                BigramNetwork(CYCLE), np.array([0]), SamplingSettings(temperature=1), np.random.default_rng(5)
            ),
            30_000,
        )
    )
    after_zero = np.bincount([b for a, b in pairwise(ids) if a == 0], minlength=3)
    expected = after_zero.sum() * CYCLE[0]
    # Chi-squared with 2 degrees of freedom: 18.4 is exceeded once in 10,000 times.
    assert ((after_zero - expected) ** 2 / expected).sum() < 18.4


def both_networks() -> list[NumpyNetwork | CompiledNetwork]:
    """Return one network in NumPy and compiled, of weights so small that rounding does not grow from step to step."""
    architecture = Architecture(vocabulary_size=9, embedding=3, hidden=(24,))
    parameters = random_parameters(architecture, spread=0.3)
    return [NumpyNetwork(architecture, parameters), CompiledNetwork(architecture, parameters)]


@pytest.mark.parametrize("options", [{}, {"temperature": 0}, {"top_k": 3}, {"top_p": 0.7}, {"min_p": 0.1}], ids=str)
def test_every_network_writes_the_same(options: dict[str, Any]) -> None:
    settings = SamplingSettings(**{"temperature": 0.8, **options})
    written = [
        list(islice(generate_ids(network, np.array([1, 2]), settings, np.random.default_rng(7), (3,)), 1000))
        for network in both_networks()
    ]
    assert written[0] == written[1]
    assert 3 not in written[0]


@pytest.mark.parametrize("number", [0, 1])
def test_texts_written_side_by_side_are_those_written_one_by_one(number: int) -> None:
    network, settings = both_networks()[number], SamplingSettings(temperature=0.8, length=600)
    randoms = [np.random.default_rng(seed) for seed in range(3)]
    drawn = generate_rows(network, np.array([1, 2]), settings, randoms, (3,))
    rows = np.array(list(islice(drawn, 600)))  # (T, B)
    assert rows.shape == (600, 3)
    for seed in range(3):
        ids = generate_ids(network, np.array([1, 2]), settings, np.random.default_rng(seed), (3,))
        assert rows[:, seed].tolist() == list(islice(ids, 600))
