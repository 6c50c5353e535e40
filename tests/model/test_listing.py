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
from nextchar.model.listing import Listing, max_rows
from nextchar.networks.architecture import Architecture
from nextchar.networks.headers import BlendHeader, NgramHeader
from nextchar.settings import TokenKind
from nextchar.text.documents import SourceText
from tests.exact_lists import CHARACTERS, MODEL, model_of_list
from tests.small_networks import random_model

VOCABULARY = MODEL.file.characters_for("A test")
KINDS: tuple[TokenKind, ...] = ("bytes", "jamo", "words")


def listed(known: KnownEntries | None = None, **options: Any) -> tuple[list[str], Listing]:
    listing = Listing(MODEL.file, MODEL.network, ListSettings(**{"seed": 0, "max": 6, **options}), known)
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
    assert listing.shortfall.endswith(
        "no others are probable enough to be drawn; loosen an option, or raise --temperature."
    )


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
    listing = Listing(MODEL.file, MODEL.network, ListSettings(best=True, ends=("cc",), count=20, max_draws=5, max=6))
    list(listing)
    assert listing.drawn == 5
    assert listing.shortfall is not None
    assert "after 5 found" in listing.shortfall


def test_a_step_yields_even_where_nothing_is_ready() -> None:
    listing = Listing(MODEL.file, MODEL.network, ListSettings(seed=0, count=10, min=3, max=6))
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_of_every_kind_of_tokens_is_new_unique_and_as_long(kind: TokenKind) -> None:
    model = model_of_list(kind)
    characters = CHARACTERS[kind]
    options: dict[str, Any] = {"seed": 0, "max": 2, "allowed": characters, "temperature": 1.0, "unique": True}
    pairs = {first + second for first in characters for second in ("", *characters)}
    assert {entry.text for entry in model.list(count=len(pairs), **options)} == pairs
    source = SourceText(model.vocabulary.encode(f"{characters[0]}\n{characters[-1]}\n"), (), model.vocabulary)
    model = LanguageModel(replace(model.file, text=KeptText.of(source)))
    left = pairs - {characters[0], characters[-1]}
    assert {entry.text for entry in model.list(count=len(left), new=True, **options)} == left
    with pytest.raises(ListError, match="Only"):
        list(model.list(count=len(left) + 1, new=True, **options))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("best", [False, True])
def test_entries_of_a_label_have_the_bits_after_it(kind: TokenKind, best: bool) -> None:
    model, characters = model_of_list(kind, "\ta"), CHARACTERS[kind]
    # The label changes what comes after it: without it, the entries would have other bits.
    drawing: dict[str, Any] = {"best": True} if best else {"seed": 1}
    settings = ListSettings(label="a", count=10, max=3, allowed=characters, **drawing)
    entries = list(Listing(model.file, model.network, settings))
    before, *lines = model.score_many(["a\t", *(f"a\t{entry.text}\n" for entry in entries)]).tolist()
    assert [entry.bits for entry in entries] == pytest.approx([bits - before for bits in lines], rel=1e-4)
    alone = model.score_many([entry.text + "\n" for entry in entries])
    assert [entry.bits for entry in entries] != pytest.approx(alone.tolist(), rel=1e-2)


def test_other_starts_of_words_are_drawn_and_refused() -> None:
    model = model_of_list("words")
    listing = Listing(model.file, model.network, ListSettings(starts=("bab",), count=20, seed=1, max=9))
    assert {entry.text[:3] for entry in listing} == {"bab"}
    assert listing.refused["start"] > 0
    assert listing.drawn == 20 + sum(listing.refused.values())


def test_options_are_checked() -> None:
    with pytest.raises(UsageError, match=r"There is no option 'cuont'\. Did you mean 'count'"):
        list(MODEL.list(cuont=3))  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="knows no line end"):
        list(random_model("abc").list())


def test_editors_know_the_options() -> None:
    assert set(get_type_hints(ListOptions)) == set(ListSettings.model_fields)


@pytest.mark.parametrize(
    ("hidden", "characters", "context", "rows"),
    [(128, 60, None, 512), (256, 60, None, 215), (2048, 60, None, 64), (128, 4096, None, 109), (32, 60, 40, 162)],
)
def test_large_networks_write_fewer_entries_side_by_side(
    hidden: int, characters: int, context: int | None, rows: int
) -> None:
    network = Architecture(vocabulary_size=characters, embedding=32, hidden=(hidden,), context_length=context)
    assert max_rows(network) == rows
    blend = BlendHeader(network=network, order=6, ngrams=1000)
    assert max_rows(blend) == rows


def test_counts_alone_write_many_entries_side_by_side() -> None:
    assert max_rows(NgramHeader(vocabulary_size=60, order=6, ngrams=1000)) == 512
