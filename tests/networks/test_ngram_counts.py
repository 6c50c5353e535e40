"""Counts: compiled and in NumPy, pruned, and as arrays of a file. The numbers themselves: test_ngram_network.py."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextchar.model.scoring import bits_per_id
from nextchar.networks import ngram_counts
from nextchar.networks.ngram_counts import FALLBACK, NgramCounts, count_text, estimate_discounts, prune
from nextchar.networks.ngram_network import NgramNetwork

texts = st.lists(st.integers(0, 4), max_size=80)
orders = st.integers(1, 7)


def arrays_of(counts: NgramCounts) -> dict[str, Any]:
    return {
        name: getattr(counts, name).tolist()
        for name in ("firsts", "ids", "counts", "lost", "discounts", "totals", "shares", "rests")
    }


@settings(deadline=None)
@given(text=texts, order=orders)
def test_compiled_loops_count_what_numpy_counts(text: list[int], order: int) -> None:
    ids = np.array(text, np.uint8)
    compiled = count_text(ids, 5, order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngram_counts, "can_compile", lambda: False)
        assert arrays_of(count_text(ids, 5, order)) == arrays_of(compiled)


def test_nodes_worked_by_hand() -> None:
    # 0 1 0 1 1: the n-grams are 0, 1, then 01, 10, 11; 0 comes after the beginning and after 1, 1 after 0 and after 1.
    counts = count_text(np.array([0, 1, 0, 1, 1]), 3, 1)
    assert counts.starts.tolist() == [0, 1, 3, 6]
    assert counts.firsts.tolist() == [1, 3, 4, 6]
    assert counts.ids.tolist() == [0, 0, 1, 1, 0, 1]
    assert counts.counts.tolist() == [0, 2, 2, 2, 1, 1]
    assert counts.contexts.tolist() == [0, 0, 0, 1, 2, 2]
    assert counts.totals.tolist() == [4, 2, 2]
    assert counts.discounts.tolist() == [list(FALLBACK)] * 2
    assert counts.rests.tolist() == [0.5, 0.5, 0.5]


def probabilities(counts: NgramCounts, read: list[int]) -> np.ndarray:
    """Return the probabilities after each of ``read``, shape (T, V)."""
    network = NgramNetwork(counts)
    logits, _ = network.forward(np.array([read]), network.initial_state(1))
    return np.exp(logits[0].astype(np.float64))


@settings(deadline=None)
@given(
    text=st.lists(st.integers(0, 4), min_size=1, max_size=80),
    order=orders,
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


def test_numbers_too_large_for_a_byte_are_kept_exactly() -> None:
    text = np.tile([0, 1, 2], 4000)
    counts = prune(count_text(np.concatenate([text, np.arange(3, 400)]), 400, 3), 420)
    assert counts.counts.max() > 3000
    assert np.diff(counts.firsts).max() > 255
    assert counts.lost.max() > 0
    stored = counts.to_arrays()
    assert stored["ids"].dtype == np.uint16
    assert stored["counts"].dtype == np.uint8
    assert arrays_of(NgramCounts.from_arrays(400, 3, stored)) == arrays_of(counts)


def damaged(**changes: Any) -> dict[str, Any]:
    """Return arrays of which some are changed by a function of each, or left out."""
    arrays = count_text(np.array([0, 1, 0, 2, 1, 1]), 3, 2).to_arrays()
    for name, change in changes.items():
        arrays[name] = change(arrays[name].copy())
    return arrays


def changed(at: int, value: float) -> Any:
    def change(array: np.ndarray) -> np.ndarray:
        array.flat[at] = value
        return array

    return change


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"ids": np.zeros(3, np.uint8)},
        {**damaged(), "extra": np.zeros(1)},
        damaged(ids=changed(0, 3)),
        damaged(ids=changed(0, 2)),
        damaged(ids=lambda ids: ids[:-1]),
        damaged(counts=changed(0, 0)),
        damaged(counts=changed(0, 255)),
        damaged(children=changed(0, 2)),
        damaged(children=changed(0, 4)),
        damaged(children=changed(0, 200)),
        damaged(children=lambda children: children[:0]),
        damaged(children=lambda children: children[::-1]),
        damaged(lost=lambda lost: lost[:-1]),
        damaged(discounts=changed(0, 0)),
        damaged(discounts=changed(1, 2.5)),
        damaged(discounts=changed(0, np.nan)),
        damaged(discounts=lambda discounts: discounts[:-1]),
    ],
    ids=range(18),
)
def test_damaged_arrays_are_refused(arrays: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^its (counts|n-grams|tensors) "):
        NgramCounts.from_arrays(3, 2, arrays)


def test_discounts_worked_by_hand() -> None:
    # y = 8 / (8 + 2 * 4) = 1/2
    counts = np.repeat([1, 2, 3, 4, 9], [8, 4, 2, 1, 7])
    assert estimate_discounts(counts) == pytest.approx((1 - 2 * 0.5 * 4 / 8, 2 - 3 * 0.5 * 2 / 4, 3 - 4 * 0.5 * 1 / 2))
    assert estimate_discounts(np.repeat([1, 2, 4], [8, 4, 1])) == FALLBACK  # none was counted three times
    assert estimate_discounts(np.repeat([1, 2, 3], [8, 1, 4])) == FALLBACK  # 2 - 3 * 0.8 * 4 is no discount
    assert estimate_discounts(np.empty(0, np.int64)) == FALLBACK


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
