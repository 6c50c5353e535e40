"""Counting: the same compiled and in NumPy. The probabilities: test_ngram_network.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextchar.networks import ngram_counting
from nextchar.networks.ngram_counting import FALLBACK, count_text, estimate_discounts, tally
from nextchar.parallel import Threads
from tests.networks.test_ngram_counts import arrays_of


@settings(deadline=None)
@given(text=st.lists(st.integers(0, 4), max_size=80), order=st.integers(1, 7))
def test_compiled_loops_count_what_numpy_counts(text: list[int], order: int) -> None:
    ids = np.array(text, np.uint8)
    compiled = count_text(ids, 5, order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngram_counting, "can_compile", lambda: False)
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


def test_discounts_worked_by_hand() -> None:
    # y = 8 / (8 + 2 * 4) = 1/2
    counts = np.repeat([1, 2, 3, 4, 9], [8, 4, 2, 1, 7])
    assert estimate_discounts(tally(counts)) == pytest.approx(
        (1 - 2 * 0.5 * 4 / 8, 2 - 3 * 0.5 * 2 / 4, 3 - 4 * 0.5 * 1 / 2)
    )
    assert estimate_discounts(tally(np.repeat([1, 2, 4], [8, 4, 1]))) == FALLBACK  # none was counted three times
    assert estimate_discounts(tally(np.repeat([1, 2, 3], [8, 1, 4]))) == FALLBACK  # 2 - 3 * 0.8 * 4 is no discount
    assert estimate_discounts(tally(np.empty(0, np.int64))) == FALLBACK


@pytest.mark.parametrize("size", [200, 300])
def test_threads_and_more_ids_than_a_byte_holds_change_nothing(size: int) -> None:
    text = np.random.default_rng(0).zipf(1.3, 5000) % (size - 1)
    counted = arrays_of(count_text(text, size, 5))
    assert arrays_of(count_text(text, size, 5, Threads(2))) == counted
    assert arrays_of(count_text(text, 60_000, 5))["counts"] == counted["counts"]
