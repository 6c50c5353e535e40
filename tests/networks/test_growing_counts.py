"""Counts that grow: the same tree, and the same probabilities, as counting all of the text at once."""

from dataclasses import replace

import numpy as np
import pytest

from nextchar.networks import growing_kernels as kernels
from nextchar.networks.growing_counts import GrowingCounts, no_counts
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_counts import NgramCounts
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.networks.ngram_pruning import prune

V, ORDER = 6, 3


def random_ids(length: int, seed: int = 0, size: int = V) -> np.ndarray:
    """Return ids of which some follow others more often."""
    random = np.random.default_rng(seed)
    ids = random.integers(0, size, length)
    ids[1::2] = (ids[: length - 1 : 2] + 1) % size
    return ids


def read(grown: GrowingCounts, ids: np.ndarray, *, counting: bool = True) -> None:
    for token in ids.tolist():
        grown.make_room(1)
        kernels.read_and_count(grown.tree, token, counting)


def probabilities(grown: GrowingCounts, size: int = V) -> np.ndarray:
    out = np.empty(size, np.float32)
    kernels.fill_grown(grown.tree, out)
    return out


def counted_at_once(counts: NgramCounts, ids: np.ndarray) -> np.ndarray:
    """Return the probability of each id after ``ids`` by the n-gram network of ``counts``."""
    network = NgramNetwork(counts)
    log_p, _ = network.forward(ids[None], network.initial_state(1))
    return np.exp(log_p[0, -1])


@pytest.mark.parametrize("length", [1, 2, 5, 60, 400])
@pytest.mark.parametrize("size", [V, 300])
def test_a_text_counted_as_it_is_read_is_the_text_counted_at_once(length: int, size: int) -> None:
    ids = random_ids(length, size=size)
    at_once = count_text(ids, size, ORDER)
    grown = GrowingCounts(no_counts(size, ORDER, at_once.discounts))
    read(grown, ids)
    assert grown.nodes == len(at_once.ids)
    np.testing.assert_allclose(probabilities(grown, size), counted_at_once(at_once, ids), atol=1e-6)


def test_what_was_counted_before_goes_on_counting() -> None:
    before, after = random_ids(300, 1), random_ids(200, 2)
    counts = count_text(before, V, ORDER)
    grown, alone = GrowingCounts(counts), GrowingCounts(no_counts(V, ORDER, counts.discounts))
    read(alone, before)
    alone.tree.contexts[1:] = kernels.NONE  # another text begins
    for token in after.tolist():
        np.testing.assert_allclose(probabilities(grown), probabilities(alone), atol=1e-6)
        read(grown, np.array([token]))
        read(alone, np.array([token]))
    assert grown.nodes == alone.nodes


def test_the_counts_of_the_model_stay_as_they_are() -> None:
    counts = prune(count_text(random_ids(300), V, ORDER), 120)
    fresh = replace(counts, counts=counts.counts.copy())
    read(GrowingCounts(counts), random_ids(500, 3))
    np.testing.assert_array_equal(counts.counts, fresh.counts)
    np.testing.assert_array_equal(counts.totals, fresh.totals)
    np.testing.assert_array_equal(counts.firsts, fresh.firsts)


def test_before_anything_is_read_it_predicts_as_the_pruned_counts() -> None:
    counts = prune(count_text(random_ids(300), V, ORDER), 100)
    grown = GrowingCounts(counts)
    ids = random_ids(20, 4)
    read(grown, ids, counting=False)
    np.testing.assert_allclose(probabilities(grown), counted_at_once(counts, ids), atol=1e-6)
    assert grown.nodes == len(counts.ids)


def test_probabilities_sum_to_one_and_none_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is no room for new n-grams any more."""
    monkeypatch.setattr("nextchar.networks.growing_counts.MAX_NEW", 50)
    grown = GrowingCounts(prune(count_text(random_ids(300), V, ORDER), 100))
    first = grown.nodes
    for token in random_ids(3000, 5).tolist():
        read(grown, np.array([token]))
        p = probabilities(grown)
        assert abs(p.sum(dtype=np.float64) - 1) < 1e-6
        assert p.min() > 0
    assert grown.nodes == first + 50
