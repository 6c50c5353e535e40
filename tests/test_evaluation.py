"""Scores worked by hand, and scores that chunks and streams do not change."""

import math

import numpy as np
import pytest

from nextchar import evaluation
from nextchar.evaluation import Scorer, bits_per_id, log2_softmax, parallel_bits_per_id
from tests.networks import BigramNetwork, random_network

PROBABILITIES = np.array([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75], [1 / 3, 1 / 3, 1 / 3]])


def test_bits_worked_by_hand() -> None:
    # read 0: 0 -> 1 costs 2 bits, 1 -> 1 costs 3, 1 -> 0 costs 3, 0 -> 0 costs 1.
    network = BigramNetwork(PROBABILITIES)
    assert bits_per_id(network, np.array([1, 1, 0, 0]), start=0) == pytest.approx((2 + 3 + 3 + 1) / 4)
    assert parallel_bits_per_id(network, np.array([1, 1, 0, 0]), 0, streams=2, warm_up=3) == pytest.approx(9 / 4)


def test_log2_softmax_is_exact_where_exponentials_overflow() -> None:
    logits = np.array([[1000.0, 999.0], [-1000.0, -1000.0]], np.float32)
    expected = [-math.log2(1 + math.exp(-1)), -1.0]
    assert log2_softmax(logits, np.array([0, 1])) == pytest.approx(expected)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network()
    ids = np.random.default_rng(0).integers(network.vocabulary_size, size=500)
    whole = Scorer(network, 0).score(ids)
    monkeypatch.setattr(evaluation, "CHUNK", 7)
    np.testing.assert_allclose(Scorer(network, 0).score(ids), whole, atol=1e-6)
    pieces = Scorer(network, 0)
    np.testing.assert_allclose(np.concatenate([pieces.score(ids[:123]), pieces.score(ids[123:])]), whole, atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 400])
@pytest.mark.parametrize("streams", [1, 3, 16])
def test_parallel_streams_count_every_id_once(length: int, streams: int) -> None:
    ids = np.random.default_rng(length).integers(3, size=length)
    exact = bits_per_id(BigramNetwork(PROBABILITIES), ids, start=2)
    assert parallel_bits_per_id(BigramNetwork(PROBABILITIES), ids, 2, streams, warm_up=5) == pytest.approx(exact)


def test_parallel_streams_come_near_the_exact_figure_of_a_network_with_memory() -> None:
    network = random_network()
    ids = np.random.default_rng(0).integers(network.vocabulary_size, size=2000)
    exact = bits_per_id(network, ids, 0)
    assert parallel_bits_per_id(network, ids, 0, streams=8, warm_up=64) == pytest.approx(exact, abs=0.01)
