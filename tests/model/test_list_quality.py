"""Valid, unique and new: shares of what a small model writes."""

from __future__ import annotations

import pytest

from nextchar.errors import UsageError
from nextchar.model.known_entries import KnownEntries
from nextchar.model.list_quality import measure_list
from nextchar.text.line_survey import survey_lines
from nextchar.text.vocabulary import Vocabulary
from tests.exact_lists import MODEL, probabilities
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
