"""The answers of /api/list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nextchar.errors import UsageError
from nextchar.model.kept_text import KeptText
from nextchar.model.known_entries import KnownEntries
from nextchar.model.language_model import LanguageModel
from nextchar.model.list_settings import ListSettings
from nextchar.text.documents import SourceText
from nextchar.web.listing import write_list
from tests.exact_lists import MODEL, model_of_list

VOCABULARY = MODEL.file.characters_for("A test")
LISTED = LanguageModel(replace(MODEL.file, text=KeptText.of(SourceText(VOCABULARY.encode("a\nab\n"), (), VOCABULARY))))


def test_entries_are_marked_as_new_where_the_training_list_is_there() -> None:
    *steps, answer = write_list(LISTED, ListSettings(best=True, count=12, max=2), lambda: False)
    assert steps
    assert set(steps) == {None}
    assert answer is not None
    assert {entry["text"] for entry in answer["entries"] if not entry["new"]} == {"a", "ab"}
    assert answer["seed"] is None
    *_, answer = write_list(LISTED, ListSettings(count=5, seed=1, new=True), lambda: False)
    assert answer is not None
    assert {entry["new"] for entry in answer["entries"]} == {True}


def test_a_list_ends_short_when_time_is_up() -> None:
    ticks = iter([False] * 20)
    *_, answer = write_list(MODEL, ListSettings(count=500, seed=1), lambda: next(ticks, True))
    assert answer is not None
    assert len(answer["entries"]) < 500
    assert "the time of this server (--max-time) was up" in answer["shortfall"]


def test_new_entries_need_the_training_list() -> None:
    with pytest.raises(UsageError, match="does not have its training text"):
        list(write_list(MODEL, ListSettings(new=True), lambda: False))


def test_entries_of_a_label_are_new_without_it() -> None:
    file = model_of_list("words", "\ta").file
    source = SourceText(file.vocabulary.encode("a\tb\na\tab\nab\taa\n"), (), file.vocabulary)
    provenance = file.provenance.model_copy(update={"labels": ("a", "ab")})
    model = LanguageModel(replace(file, text=KeptText.of(source), provenance=provenance))
    assert "a\tb" in model.known_entries
    *_, answer = write_list(model, ListSettings(label="a", count=15, seed=1, max=2, unique=True), lambda: False)
    assert answer is not None
    known = KnownEntries.of_lines(["b", "ab", "aa"])
    assert {entry["text"]: entry["new"] for entry in answer["entries"]} == {
        entry["text"]: entry["text"] not in known for entry in answer["entries"]
    }
    assert {entry["new"] for entry in answer["entries"]} == {True, False}
    with pytest.raises(UsageError, match="knows no label 'c': it knows a, ab"):
        list(write_list(model, ListSettings(label="c"), lambda: False))
