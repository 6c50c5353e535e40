"""The compiled n-gram network predicts what the one in NumPy predicts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextchar.networks import compiled_ngram_network
from nextchar.networks.compiled_ngram_network import CompiledNgramNetwork
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_counts import NgramCounts
from nextchar.networks.ngram_network import UNREAD, NgramNetwork
from nextchar.networks.ngram_pruning import prune


def check_equal(counts: NgramCounts, ids: np.ndarray) -> None:
    """Check that both networks predict the same after every one of ``ids`` (B, T), read in pieces."""
    networks = [NgramNetwork(counts), CompiledNgramNetwork(counts)]
    states = [network.initial_state(len(ids)) for network in networks]
    for piece in (ids[:, :1], ids[:, 1:1], ids[:, 1:]):
        read = [network.read(piece, state) for network, state in zip(networks, states, strict=True)]
        states = [after for _, _, after in read]
        np.testing.assert_allclose(read[1][0], read[0][0], atol=1e-5, rtol=1e-5)
        np.testing.assert_array_equal(read[1][1], read[0][1])
        np.testing.assert_array_equal(states[1], states[0])
    targets = ids[:, ::-1]
    log_p, _, after = networks[0].read(ids, networks[0].initial_state(len(ids)))
    scores, last = networks[1].score(ids, targets, networks[1].initial_state(len(ids)))
    expected = np.take_along_axis(log_p, targets[..., None], -1)[..., 0] / np.log(2)
    np.testing.assert_allclose(scores, expected, atol=1e-5, rtol=1e-5)
    np.testing.assert_array_equal(last, after)


@settings(deadline=None)
@given(
    text=st.lists(st.integers(0, 4), max_size=80),
    order=st.integers(1, 7),
    most=st.integers(0, 80),
    read=st.lists(st.integers(0, 4), min_size=2, max_size=12),
)
def test_both_predict_the_same(text: list[int], order: int, most: int, read: list[int]) -> None:
    check_equal(prune(count_text(np.array(text, np.int64), 5, order), most), np.array([read, read[::-1]]))


@pytest.mark.parametrize("room", [0, 1 << 30], ids=["few", "all"])
def test_probabilities_kept_ready_change_nothing(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_ngram_network, "MAX_DENSE", room)
    random = np.random.default_rng(0)
    text = random.zipf(1.5, 5000) % 300
    counts = prune(count_text(text, 320, 4), 4000)
    network = CompiledNgramNetwork(counts)
    assert len(network.tables.dense) == (1 if room == 0 else counts.starts[2])
    check_equal(counts, random.integers(0, 320, (3, 50)))
    check_equal(counts, text[None, :400])


def test_a_network_that_counted_nothing_knows_nothing() -> None:
    network = CompiledNgramNetwork(count_text(np.empty(0, np.int64), 4, 3))
    log_p, longest, state = network.read(np.array([[1, 2]]), network.initial_state(1))
    np.testing.assert_allclose(np.exp(log_p), 0.25, rtol=1e-6)
    assert longest.tolist() == [[0, 0]]
    assert state.tolist() == [[UNREAD, 1, 2]]
