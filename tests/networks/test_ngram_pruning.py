"""Pruning: what is kept, and what that is worth."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nextchar.model.scoring import bits_per_id
from nextchar.networks import ngram_pruning
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_counts import NgramCounts
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.networks.ngram_pruning import MAX_RARE, prune, without_rare
from tests.networks.test_ngram_counts import arrays_of


def probabilities(counts: NgramCounts, read: list[int]) -> np.ndarray:
    """Return the probabilities after each of ``read``, shape (T, V)."""
    network = NgramNetwork(counts)
    logits, _ = network.forward(np.array([read]), network.initial_state(1))
    return np.exp(logits[0].astype(np.float64))


@settings(deadline=None)
@given(
    text=st.lists(st.integers(0, 4), min_size=1, max_size=80),
    order=st.integers(1, 7),
    most=st.integers(0, 60),
    read=st.lists(st.integers(0, 4), min_size=1, max_size=12),
)
def test_pruned_counts_are_few_and_still_give_probabilities(
    text: list[int], order: int, most: int, read: list[int]
) -> None:
    counts = count_text(np.array(text), 5, order)
    pruned = prune(counts, most)
    singles = counts.starts[2] - 1
    assert len(pruned.ids) - 1 <= max(most, singles)
    assert pruned.starts[2] - 1 == singles
    np.testing.assert_allclose(probabilities(pruned, read).sum(-1), 1, atol=2e-6)
    kept = pruned.firsts[1:] > pruned.firsts[:-1]
    np.testing.assert_array_equal(pruned.totals[kept] - pruned.lost[kept], pruned._sums(pruned.counts)[kept])


def test_enough_room_prunes_nothing() -> None:
    counts = count_text(np.array([0, 1, 0, 1, 1]), 3, 1)
    assert prune(counts, 5) is counts


def test_what_surprises_most_is_kept() -> None:
    """After 0 comes 1 always, after 1 and 2 anything: of the pairs, that of 0 and 1 is worth most."""
    random = np.random.default_rng(0)
    text = [token for _ in range(300) for token in (0, 1, int(random.integers(1, 3)), int(random.integers(1, 3)))]
    counts = count_text(np.array(text), 3, 1)
    pruned = prune(counts, 4)
    assert pruned.ids.tolist() == [0, 0, 1, 2, 1]
    assert pruned.contexts.tolist() == [0, 0, 0, 0, 1]
    # What is left keeps its probability; after 1 only the probabilities without context are left.
    assert probabilities(pruned, [0])[0, 1] == pytest.approx(probabilities(counts, [0])[0, 1], abs=2e-3)
    np.testing.assert_allclose(probabilities(pruned, [1]), probabilities(prune(counts, 3), [1]), atol=1e-7)


def test_pruned_counts_predict_better_than_a_short_memory_of_the_same_size(corpora: Path) -> None:
    text = (corpora / "nietzsche.txt").read_text()[:130_000]
    ids = np.unique(list(text), return_inverse=True)[1]
    size, training, rest = int(ids.max()) + 1, ids[:120_000], ids[120_000:]

    def bits(counts: NgramCounts) -> float:
        return bits_per_id(NgramNetwork(counts), rest, int(training[-1]))

    short, whole = count_text(training, size, 3), count_text(training, size, 8)
    pruned = prune(whole, len(short.ids) - 1)
    assert len(pruned.ids) <= len(short.ids) < len(whole.ids) / 5
    assert bits(pruned) < bits(short) - 0.05
    assert bits(prune(whole, len(whole.ids) // 2)) < bits(whole) + 0.02


def test_pruning_twice_keeps_nearly_what_pruning_once_keeps() -> None:
    """What was pruned first lacks shorter contexts of those that stay; their worth is computed all the same."""
    random = np.random.default_rng(0)
    words = [random.integers(1, 12, random.integers(1, 7)) for _ in range(300)]
    ranks = np.minimum(random.zipf(1.2, 6000), 300) - 1
    ids = np.concatenate([np.append(words[rank], 0) for rank in ranks])
    counted, held_out = ids[:15000], ids[None, 15000:17000]
    whole = count_text(counted, 12, 6)

    def nats(counts: NgramCounts) -> float:
        network = NgramNetwork(counts)
        log_p, _ = network.forward(held_out[:, :-1], network.initial_state(1))
        return float(-np.take_along_axis(log_p, held_out[:, 1:, None], -1).mean())

    once, twice = prune(whole, 1500), prune(prune(whole, 4000), 1500)
    assert abs(nats(twice) - nats(once)) < 0.1 * (nats(once) - nats(whole))


@settings(deadline=None)
@given(
    text=st.lists(st.integers(0, 4), min_size=1, max_size=80),
    order=st.integers(1, 7),
    most=st.lists(st.integers(0, 60), min_size=1, max_size=2),
)
def test_compiled_loops_weigh_like_numpy(text: list[int], order: int, most: list[int]) -> None:
    """Also what is pruned again, where n-grams lack shorter ones."""
    counts = count_text(np.array(text), 5, order)
    for number in sorted(most, reverse=True):
        np.testing.assert_allclose(
            ngram_pruning._compiled_worth(counts), ngram_pruning._numpy_worth(counts), rtol=1e-9, atol=1e-12
        )
        counts = prune(counts, number)


def test_without_compiled_loops_the_same_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = count_text(np.random.default_rng(0).zipf(1.4, 3000) % 20, 20, 5)
    kept = arrays_of(prune(counts, 1500))
    monkeypatch.setattr(ngram_pruning, "can_compile", lambda: False)
    assert arrays_of(prune(counts, 1500)) == kept


@settings(deadline=None)
@given(text=st.lists(st.integers(0, 2), max_size=60), order=st.integers(1, 8))
@example(text=[1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0], order=6)
def test_without_what_is_rare_every_longer_n_gram_occurs_twice(text: list[int], order: int) -> None:
    counts, dropped = (count_text(np.array(text), 3, order, drop_rare=drop) for drop in (False, True))
    assert arrays_of(without_rare(counts)) == arrays_of(dropped)
    grams = [
        tuple(text[start : start + length]) for length in range(1, order + 2) for start in range(len(text) - length + 1)
    ]
    expected = {gram for gram in grams if len(gram) <= MAX_RARE or grams.count(gram) > 1}
    # What begins the text has nothing before it, and what ends it nothing after: twice can look like once.
    at_ends = {
        gram
        for gram in expected
        if len(gram) > MAX_RARE and gram in {tuple(text[: len(gram)]), tuple(text[-len(gram) :])}
    }
    doubtful = {gram for gram in at_ends if grams.count(gram) == 2}
    assert len(expected) - len(doubtful) <= len(dropped.ids) - 1 <= len(expected)
    np.testing.assert_array_equal(dropped.discounts, counts.discounts)
