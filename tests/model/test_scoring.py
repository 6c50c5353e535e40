"""Scores worked by hand, and scores that chunks and streams do not change."""

import math
from typing import Any

import numpy as np
import pytest

from nextchar.model import scoring as evaluation
from nextchar.model.scoring import Scorer, bits_per_id, log2_softmax
from nextchar.networks import states
from nextchar.networks.architecture import Network
from nextchar.parallel import Threads
from tests.small_networks import BigramNetwork, random_network, windowed_network

PROBABILITIES = np.array([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75], [1 / 3, 1 / 3, 1 / 3]])


def test_bits_worked_by_hand() -> None:
    # read 0: 0 -> 1 costs 2 bits, 1 -> 1 costs 3, 1 -> 0 costs 3, 0 -> 0 costs 1.
    network = BigramNetwork(PROBABILITIES)
    assert bits_per_id(network, np.array([1, 1, 0, 0]), start=0) == pytest.approx((2 + 3 + 3 + 1) / 4)


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


def in_one_go(network: Network[Any], ids: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Return the scores of ``ids`` read from the first to the last without segments."""
    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "SEGMENTS", 1)
        return Scorer(network, 0).score(ids)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("length", [63, 64, 65, 300, 1001])
def test_segments_read_side_by_side_change_nothing(length: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "WARM_UP", 7)
    ids = np.random.default_rng(length).integers(9, size=length)
    for network in (random_network(), windowed_network(3), windowed_network(12), BigramNetwork(np.full((9, 9), 1 / 9))):
        expected = in_one_go(network, ids, monkeypatch)
        np.testing.assert_allclose(Scorer(network, 0, Threads(threads)).score(ids), expected, atol=1e-5)
        pieces = Scorer(network, 0, Threads(threads))
        in_pieces = np.concatenate([pieces.score(ids[:50]), pieces.score(ids[50:])])
        np.testing.assert_allclose(in_pieces, expected, atol=1e-5)


def test_segments_of_a_network_that_never_forgets_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its forget gates stand open, so that no warm-up comes to the state that the whole text before comes to."""
    network = random_network(hidden=(6,), forget_bias=50.0)
    ids = np.random.default_rng(0).integers(9, size=1500)
    expected = in_one_go(network, ids, monkeypatch)
    monkeypatch.setattr(evaluation, "WARM_UP", 16)
    monkeypatch.setattr(states, "SAME", np.inf)
    trusting = Scorer(network, 0).score(ids)
    assert np.abs(trusting - expected).max() > 0.1
    monkeypatch.setattr(states, "SAME", 1e-5)
    np.testing.assert_allclose(Scorer(network, 0).score(ids), expected, atol=1e-4)
    assert -Scorer(network, 0).score(ids).mean() == pytest.approx(-expected.mean(), abs=1e-6)


def test_segments_are_read_on_real_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(hidden=(16,))
    ids = np.random.default_rng(0).integers(9, size=20_000)
    read: list[int] = []
    forward = network.forward
    monkeypatch.setattr(network, "forward", lambda ids, state: (read.append(len(ids)), forward(ids, state))[1])
    scores = Scorer(network, 0).score(ids)
    assert max(read) == 16
    assert -scores.mean() == pytest.approx(-in_one_go(network, ids, monkeypatch).mean(), abs=1e-6)


def test_a_segment_is_read_again_only_until_its_state_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """It remembers for more ids than the warm-up has, and for fewer than a segment has."""
    network = random_network(hidden=(6,), forget_bias=2.0)
    ids = np.random.default_rng(0).integers(9, size=20_000)
    expected = in_one_go(network, ids, monkeypatch)
    monkeypatch.setattr(evaluation, "WARM_UP", 64)
    monkeypatch.setattr(evaluation, "LONG", 4)
    read: list[int] = []
    forward = network.forward
    monkeypatch.setattr(network, "forward", lambda ids, state: (read.append(ids.size), forward(ids, state))[1])
    np.testing.assert_allclose(Scorer(network, 0).score(ids), expected, atol=1e-4)
    warm_up, once = 64 * 77, 20_000
    assert warm_up + once + 2_000 < sum(read) < warm_up + 1.6 * once
