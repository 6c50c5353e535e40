"""Valid, unique and new: shares of what a small model writes."""

from __future__ import annotations

import pytest

from nextchar.errors import UsageError
from nextchar.model.known_entries import KnownEntries
from nextchar.model.list_quality import measure_list
from nextchar.settings import TokenKind
from nextchar.text.line_survey import survey_lines
from nextchar.text.vocabulary import Vocabulary
from tests.exact_lists import CHARACTERS, MODEL, model_of_list, probabilities
from tests.small_networks import random_network

VOCABULARY = MODEL.file.characters_for("A test")
LINES = ["aa", "ab", "ccb"]


def test_shares_are_those_of_the_probabilities() -> None:
    count = 4000
    quality = measure_list(
        MODEL.network, VOCABULARY, KnownEntries.of_lines(LINES), survey_lines(LINES), count=count, seed=1
    )
    every = probabilities()
    valid = {entry: share for entry, share in every.items() if 2 <= len(entry) <= 3}
    share = sum(valid.values())
    assert quality.valid == pytest.approx(share, abs=4 * (share * (1 - share) / count) ** 0.5)
    assert len(quality.entries) == round(quality.valid * count)
    known = sum(valid[line] for line in LINES) / share
    assert quality.new == pytest.approx(1 - known, abs=4 * (known / len(quality.entries)) ** 0.5)
    assert quality.unique == len(set(quality.entries)) / len(quality.entries)


def test_the_same_seed_gives_the_same_entries() -> None:
    measured = [
        measure_list(MODEL.network, VOCABULARY, KnownEntries.of_lines(LINES), survey_lines(LINES), count=70, seed=seed)
        for seed in (1, 1, 2)
    ]
    assert measured[0] == measured[1]
    assert measured[0].entries != measured[2].entries


def test_a_model_without_a_line_end_is_refused() -> None:
    with pytest.raises(UsageError, match="knows no line end"):
        measure_list(random_network(4), Vocabulary("abc"), KnownEntries.of_lines([]), survey_lines(["a"]))


@pytest.mark.parametrize("kind", CHARACTERS)
def test_entries_of_any_kind_of_tokens_are_measured_in_characters(kind: TokenKind) -> None:
    model, lines = model_of_list(kind), ["a", "가a" if kind == "jamo" else "aa"]
    quality = measure_list(
        model.network, model.vocabulary, KnownEntries.of_lines(lines), survey_lines(lines), count=2000, seed=1
    )
    assert len(quality.entries) == round(quality.valid * 2000) > 0
    assert {len(entry) for entry in quality.entries} == {1, 2}
    known = sum(entry in lines for entry in quality.entries)
    assert quality.new == pytest.approx(1 - known / len(quality.entries))
    assert 0 < quality.new < 1
