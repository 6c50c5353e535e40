"""How the bits per character of stretches lie apart: measured on numbers whose spread is known."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from nextchar.model.spread import MIN_CHARACTERS, MIN_OF_STRETCHES, Spread


def drawn(of_characters: float, of_stretches: float, length: int = 4096, count: int = 64) -> np.ndarray:
    """Return bits around 2 of a text whose subject changes every ``length`` characters."""
    random = np.random.default_rng(0)
    levels = random.normal(2, of_stretches, count).repeat(length)
    return random.normal(levels, of_characters)


@pytest.mark.parametrize(("of_characters", "of_stretches"), [(2.0, 0.0), (2.0, 0.2), (0.5, 0.3)])
def test_both_reasons_are_told_apart(of_characters: float, of_stretches: float) -> None:
    spread = Spread.of(drawn(of_characters, of_stretches))
    assert spread is not None
    assert spread.characters == 64 * 4096
    assert spread.mean == pytest.approx(2, abs=0.12)
    assert spread.of_characters == pytest.approx(of_characters, rel=0.05)
    assert spread.of_stretches == pytest.approx(of_stretches, abs=0.05)


def test_deviations_shrink_with_the_length_of_a_text() -> None:
    spread = Spread(mean=2, of_characters=2, of_stretches=0.5, characters=1000)
    assert spread.deviations(2, 7) == 0
    assert spread.deviations(3, 16) == pytest.approx(1 / np.hypot(0.5, 0.5))
    assert spread.deviations(3, 10**12) == pytest.approx(2)
    assert spread.deviations(1, 10**12) == pytest.approx(-2)


def test_texts_of_an_author_differ_at_least_a_little() -> None:
    spread = Spread(mean=2, of_characters=2, of_stretches=0, characters=1000)
    assert spread.deviations(3, 10**12) == pytest.approx(1 / MIN_OF_STRETCHES)


def test_a_short_text_has_no_spread() -> None:
    bits = np.random.default_rng(0).normal(2, 1, MIN_CHARACTERS)
    assert Spread.of(bits[:-1]) is None
    shortest = Spread.of(bits)
    assert shortest is not None
    assert (shortest.of_stretches, shortest.of_characters > 0) == (0, True)


def test_a_text_without_surprises_has_one() -> None:
    spread = Spread.of(np.zeros(10_000))
    assert spread is not None
    assert (spread.mean, spread.of_characters, spread.of_stretches) == pytest.approx((0, 0, 0))


def test_numbers_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValidationError):
        Spread(mean=float("nan"), of_characters=1, of_stretches=1, characters=1)
