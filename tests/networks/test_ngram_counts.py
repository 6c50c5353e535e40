"""Counts as arrays of a file. Counting: test_ngram_counting.py; the probabilities: test_ngram_network.py."""

from typing import Any

import numpy as np
import pytest

from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_counts import NgramCounts
from nextchar.networks.ngram_pruning import prune


def arrays_of(counts: NgramCounts) -> dict[str, Any]:
    return {
        name: getattr(counts, name).tolist()
        for name in ("firsts", "ids", "counts", "lost", "discounts", "totals", "shares", "rests")
    }


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
