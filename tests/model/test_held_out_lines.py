"""The lines of a held-out text, each scored by itself."""

from __future__ import annotations

import numpy as np
import pytest

from nextchar.model import held_out_lines
from nextchar.model.held_out_lines import MIN_LINES, line_quantiles
from nextchar.model.line_quantiles import LineQuantiles
from nextchar.parallel import Threads
from tests.small_networks import random_model

LINES = [f"{'fox' * (number % 7)} {number % 10 * 'é'}" for number in range(150)]


def quantiles_of(text: str, characters: str | None = None) -> LineQuantiles | None:
    model = random_model() if characters is None else random_model(characters)
    return line_quantiles(model.network, model.vocabulary.encode(text), model.vocabulary, Threads())


def test_whole_lines_are_scored_as_texts_by_themselves() -> None:
    model = random_model()
    bits = [model.bits_per_character(line) for line in LINES]
    found = quantiles_of("rest of a line\n" + "\n\n".join(LINES) + "\nbeginning of a li")
    assert found is not None
    assert found.lines == 150
    np.testing.assert_allclose(found.bits_per_character, LineQuantiles.of(bits).bits_per_character, atol=2e-4)


def test_not_more_lines_are_scored_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out_lines, "MAX_LINES", 120)
    found = quantiles_of("\n" + "\n".join(LINES) + "\n")
    assert found is not None
    assert found.lines == 120


@pytest.mark.parametrize(
    "text", ["", "\n" * 500, "so it goes\n" * (MIN_LINES // 2), ("x" * 1000 + "\n") * (MIN_LINES + 10)]
)
def test_a_text_that_is_not_one_of_many_lines_has_none(text: str) -> None:
    assert quantiles_of(text) is None


def test_a_model_that_knows_no_line_end_has_none() -> None:
    assert quantiles_of("ab\n" * 500, "ab") is None
