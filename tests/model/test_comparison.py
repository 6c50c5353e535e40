"""Several models on one text: their bits, the intervals of their differences, and where they differ."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from nextchar.errors import TextError, UsageError
from nextchar.model.comparison import (
    MAX_BLOCKS,
    MIN_BLOCK,
    PASSAGE,
    PASSAGES,
    compare_models,
    interval,
    letter,
    student_quantile,
)
from tests.small_networks import ALPHABET, random_model, random_text

FIRST, SECOND = random_model(seed=0), random_model(seed=1)
TEXT = random_text(ALPHABET, 2500) + "ü"


def test_the_bits_are_those_of_each_model_however_the_text_is_cut() -> None:
    expected = [model.bits_per_character(TEXT) for model in (FIRST, SECOND)]
    for cuts in ([0, 2501], [0, 7, 7, 120, 1999, 2501]):
        pieces = [TEXT[begin:end] for begin, end in pairwise(cuts)]
        found = compare_models([FIRST, SECOND], pieces, len(TEXT))
        assert found.characters == 2501
        assert [score.bits_per_character for score in found.scores] == pytest.approx(expected, rel=1e-5)
        assert [score.unknown_characters for score in found.scores] == [1, 1]
        assert found.scores[0].difference == 0
        assert found.scores[1].difference == pytest.approx(expected[1] - expected[0], rel=1e-4)
        assert (found.blocks, found.block_characters) == (12, 200)


def test_the_interval_is_that_of_block_means() -> None:
    found = compare_models([FIRST, SECOND], [TEXT], len(TEXT))
    difference = SECOND.surprises(TEXT) - FIRST.surprises(TEXT)
    means = difference[:2400].reshape(12, 200).mean(-1)
    half = 2.200985 * means.std(ddof=1) / 12**0.5  # Student's t with 11 degrees of freedom
    low, high = found.scores[1].interval or (0, 0)
    assert (low, high) == pytest.approx((difference.mean() - half, difference.mean() + half), rel=1e-3)
    assert found.scores[0].interval is None
    assert "12 blocks of 200 characters" in found.about_intervals


def test_a_short_text_has_no_interval() -> None:
    found = compare_models([FIRST, SECOND], [TEXT[:1999]], 1999)
    assert (found.blocks, found.block_characters, found.scores[1].interval) == (0, 0, None)
    assert "too short for intervals, which need 2,000 characters" in found.about_intervals


def test_the_interval_covers_the_truth_where_characters_depend_on_each_other() -> None:
    random, series, count, covered, naive = np.random.default_rng(0), 24_000, 200, 0, 0
    for _ in range(count):  # a moving mean of 100: neighbours have nearly the same surprise
        noise = np.cumsum(random.normal(size=series + 100))
        bits = (noise[100:] - noise[:-100]) / 10
        low, high = interval(bits.reshape(-1, PASSAGE).sum(-1), float(bits.mean()), MAX_BLOCKS) or (0, 0)
        covered += low <= 0 <= high
        naive += abs(bits.mean()) <= 1.96 * bits.std() / series**0.5
    assert 0.9 <= covered / count <= 0.99
    assert naive / count < 0.3  # as if the characters were independent


@pytest.mark.parametrize(("freedom", "quantile"), [(9, 2.262157), (14, 2.144787), (29, 2.045230)])
def test_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert student_quantile(0.975, freedom) == pytest.approx(quantile, abs=5e-4)


def test_passages_are_those_with_the_largest_differences() -> None:
    pieces = [TEXT[:1000], TEXT[1000:]]
    (_, score) = compare_models([FIRST, SECOND], pieces, len(TEXT)).scores
    first, second = (model.surprises(TEXT)[:2480].reshape(-1, PASSAGE).sum(-1) for model in (FIRST, SECOND))
    order = np.argsort(-np.abs(second - first))[:PASSAGES]
    assert [passage.text for passage in score.passages] == [TEXT[40 * n : 40 * n + 40] for n in order]
    for passage, n in zip(score.passages, order, strict=True):
        assert passage.line == TEXT[: 40 * n].count("\n") + 1
        assert (passage.first_bits, passage.bits) == pytest.approx((first[n], second[n]), rel=1e-4)


def test_a_text_shorter_than_a_passage_is_one() -> None:
    (_, score) = compare_models([FIRST, SECOND], ["ab"], 2).scores
    assert [passage.text for passage in score.passages] == ["ab"]


def test_an_empty_text_is_an_error() -> None:
    with pytest.raises(TextError, match="empty"):
        compare_models([FIRST, SECOND], ["", ""], 0)


def test_models_that_read_another_text_cannot_be_compared() -> None:
    lowercase = random_model(lowercase=True)
    assert compare_models([FIRST, lowercase], ["small"], 5).characters == 5
    with pytest.raises(UsageError, match="lower-cased"):
        compare_models([FIRST, lowercase], ["Large"], 5)


def test_blocks_and_letters() -> None:
    assert MIN_BLOCK % PASSAGE == 0
    assert [letter(n) for n in (0, 11)] == ["A", "L"]
