"""The answers of /api/list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nextchar.errors import UsageError
from nextchar.model.kept_text import KeptText
from nextchar.model.language_model import LanguageModel
from nextchar.model.list_settings import ListSettings
from nextchar.text.documents import SourceText
from nextchar.web.listing import write_list
from tests.exact_lists import MODEL

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
