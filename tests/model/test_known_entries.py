"""Entries are known whatever their case and composition."""

from __future__ import annotations

import pytest

from nextchar.model.known_entries import KnownEntries, fold_case
from nextchar.text.documents import SourceText
from nextchar.text.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Ada", "aDA"),
        ("straße", "STRASSE"),
        ("e\u0301te\u0301", "Été"),
        ("가나", "\u1100\u1161\u1102\u1161"),
        ("ΣΑΣ", "σας"),
    ],
)
def test_case_and_composition_do_not_matter(first: str, second: str) -> None:
    assert fold_case(first) == fold_case(second)
    assert second in KnownEntries.of_lines([first])


@pytest.mark.parametrize(("first", "second"), [("ada", "adam"), ("a", "á"), ("o", "0"), ("ı", "i")])
def test_other_differences_do(first: str, second: str) -> None:
    assert second not in KnownEntries.of_lines([first])


def test_the_lines_of_a_text_are_its_entries() -> None:
    vocabulary = Vocabulary("\nabc")
    source = SourceText(vocabulary.encode("ab\n\nab\nc\nabc"), (), vocabulary)
    known = KnownEntries.of_source(source)
    assert known.folded == {"ab", "c", "abc"}
    assert len(known) == 3
    assert "" not in known


def test_a_text_without_its_beginning_may_begin_within_an_entry() -> None:
    vocabulary = Vocabulary("\nabc")
    known = KnownEntries.of_source(SourceText(vocabulary.encode("b\nab\n"), (), vocabulary), is_whole=False)
    assert known.folded == {"ab"}
    assert not known.is_whole
