"""A list has as many entries as asked for, or says why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_type_hints

import pytest

from nextchar.errors import ListError, UsageError
from nextchar.model.kept_text import KeptText
from nextchar.model.known_entries import KnownEntries
from nextchar.model.language_model import LanguageModel
from nextchar.model.list_settings import ListOptions, ListSettings
from nextchar.model.listing import Listing
from nextchar.text.documents import SourceText
from tests.exact_lists import MODEL
from tests.small_networks import random_model

VOCABULARY = MODEL.file.characters_for("A test")


def listed(known: KnownEntries | None = None, **options: Any) -> tuple[list[str], Listing]:
    listing = Listing(MODEL.network, VOCABULARY, ListSettings(**{"seed": 0, "max": 6, **options}), known)
    return [entry.text for entry in listing], listing


def with_text(text: str) -> LanguageModel:
    """Return the model with its training text."""
    source = SourceText(VOCABULARY.encode(text), (), VOCABULARY)
    return LanguageModel(replace(MODEL.file, text=KeptText.of(source)))


@pytest.mark.parametrize("count", [1, 63, 64, 65, 1000])
def test_a_list_has_exactly_as_many_entries(count: int) -> None:
    entries, listing = listed(count=count)
    assert len(entries) == listing.written == count
    assert listing.shortfall is None


def test_the_same_seed_gives_the_same_list_whatever_its_length() -> None:
    long, short = listed(count=300, unique=True)[0], listed(count=20, unique=True)[0]
    assert long[:20] == short
    assert listed(count=20, unique=True, seed=1)[0] != short


def test_without_a_seed_one_is_drawn_that_gives_the_list_again() -> None:
    entries, listing = listed(seed=None)
    assert listed(seed=listing.seed)[0] == entries


def test_unique_entries_are_found_down_to_the_last_one() -> None:
    entries, listing = listed(count=12, unique=True, max=2)
    assert sorted(entries) == sorted({a + b for a in "abc" for b in ("", *"abc")})
    assert listing.shortfall is None


def test_a_list_that_is_exhausted_says_so() -> None:
    entries, listing = listed(count=20, unique=True, max=2)
    assert len(entries) == 12
    assert listing.shortfall is not None
    assert listing.shortfall.startswith(f"Only 12 of 20 entries: after {listing.drawn:,} drawn (")
    assert listing.shortfall.endswith("no others are probable enough to be drawn.")


def test_new_entries_are_not_those_that_are_known() -> None:
    known = KnownEntries.of_lines(["A", "b", "ab"])
    entries, listing = listed(known, count=300, new=True)
    assert not {"a", "b", "ab"} & set(entries)
    assert listing.refused["known"] > 0
    assert {"a", "b", "ab"} < set(listed(count=300)[0])


def test_a_list_that_draws_too_often_says_why_entries_were_refused() -> None:
    entries, listing = listed(count=200, contains="cccc", like="a", max_draws=500)
    assert listing.drawn == 500
    assert len(entries) < 200
    refused = listing.refused
    assert sum(refused.values()) == 500 - len(entries)
    assert listing.shortfall is not None
    assert listing.shortfall.startswith(f"Only {len(entries)} of 200 entries: after 500 drawn (")
    assert f"{refused['part']:,} without what they should contain" in listing.shortfall
    assert listing.shortfall.endswith("that is as many as --max-draws allows; loosen an option, or allow more.")


def test_the_best_entries_have_a_ceiling_too() -> None:
    listing = Listing(MODEL.network, VOCABULARY, ListSettings(best=True, ends="cc", count=20, max_draws=5, max=6))
    list(listing)
    assert listing.drawn == 5
    assert listing.shortfall is not None
    assert "after 5 found" in listing.shortfall


def test_a_step_yields_even_where_nothing_is_ready() -> None:
    listing = Listing(MODEL.network, VOCABULARY, ListSettings(seed=0, count=10, min=3, max=6))
    steps = list(listing.steps())
    assert steps[0] == []
    assert sum(map(len, steps)) == 10


def test_a_language_model_lists() -> None:
    entries = list(MODEL.list(count=50, min=2, max=4, seed=0))
    assert len(entries) == 50
    assert all(2 <= len(entry.text) <= 4 for entry in entries)
    written = MODEL.list(count=5, max=1, best=True)
    assert {next(written).text for _ in range(3)} == {"a", "b", "c"}
    with pytest.raises(ListError, match="Only 3 of 5 entries"):
        next(written)


def test_a_language_model_knows_its_training_list() -> None:
    model = with_text("a\nb\nab\n")
    assert model.known_entries.folded == {"a", "b", "ab"}
    assert not {"a", "b", "ab"} & {entry.text for entry in model.list(count=100, new=True, seed=0, max=6)}
    with pytest.raises(UsageError, match="does not have its training text"):
        list(MODEL.list(new=True))


def test_options_are_checked() -> None:
    with pytest.raises(UsageError, match=r"There is no option 'cuont'\. Did you mean 'count'"):
        list(MODEL.list(cuont=3))  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="knows no line end"):
        list(random_model("abc").list())


def test_editors_know_the_options() -> None:
    assert set(get_type_hints(ListOptions)) == set(ListSettings.model_fields)
