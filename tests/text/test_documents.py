"""Places in an encoded text, and copied runs with their places."""

from __future__ import annotations

import pytest

from nextchar.text.documents import PLAIN, CopiedRun, Document, Place, SourceText, documents_of
from nextchar.text.vocabulary import Vocabulary

FIRST, SECOND = "one\ntwo\nthree\n", "four\nfive\n"
VOCABULARY = Vocabulary("".join(sorted(set(FIRST + SECOND))))


def source(text: str = FIRST + SECOND, documents: tuple[Document, ...] | None = None) -> SourceText:
    given = documents_of(("a.txt", "b.txt"), ((0, True), (len(FIRST), True))) if documents is None else documents
    return SourceText(VOCABULARY.encode(text), given, VOCABULARY)


@pytest.mark.parametrize(
    ("found", "name", "line"), [("one", "a.txt", 1), ("wo", "a.txt", 2), ("three", "a.txt", 3), ("five", "b.txt", 2)]
)
def test_a_place_has_a_file_and_a_line(found: str, name: str, line: int) -> None:
    assert source().place((FIRST + SECOND).index(found)) == Place(name, line)


def test_places_in_words() -> None:
    assert str(Place("a.txt", 1812)) == "a.txt, line 1,812"
    assert str(Place("a.jsonl", None)) == "a.jsonl"
    assert str(Place("", None)) == "the training text"


def test_records_have_no_lines_and_unknown_documents_no_names() -> None:
    records = documents_of(("a.jsonl",), ((0, False),))
    assert source(documents=records).place(9) == Place("a.jsonl", None)
    assert documents_of(("a.txt", "b.txt"), ()) == ()
    assert source(documents=()).place(9) == Place("", None)


def test_a_text_without_line_ends_is_one_line() -> None:
    vocabulary = Vocabulary("ab")
    text = SourceText(vocabulary.encode("abab"), documents_of(("a.txt",), PLAIN), vocabulary)
    assert text.place(3) == Place("a.txt", 1)


@pytest.mark.parametrize("count", [1, 3, 10, 12, 20, 24, 99])
def test_the_end_of_a_text_keeps_its_places(count: int) -> None:
    whole, part = source(), source().last(count)
    first = len(whole.ids) - len(part.ids)
    assert len(part.ids) == min(count, len(whole.ids))
    assert part.ids.tolist() == whole.ids[first:].tolist()
    assert [part.place(n) for n in range(len(part.ids))] == [whole.place(first + n) for n in range(len(part.ids))]


def test_copied_runs_have_the_place_where_they_begin() -> None:
    text = "xx three\nfour xx"
    assert source().copied_runs(VOCABULARY.encode(text), 6) == [CopiedRun(3, 13, 10, Place("a.txt", 3))]
    assert source().copied_runs(VOCABULARY.encode(text), 11) == []


def test_a_run_that_begins_before_what_counts_is_cut() -> None:
    ids = VOCABULARY.encode("two\nthree")
    assert source().copied_runs(ids, 6, 4) == [CopiedRun(0, 5, 9, Place("a.txt", 3))]
    assert source().copied_runs(ids, 6, 9) == []


def test_of_runs_that_overlap_the_second_begins_where_the_first_ends() -> None:
    ids = VOCABULARY.encode("one\ntwo\nfour\nfive")
    text = source("one\ntwo\nthree\nr two\nfour\n")
    assert text.copied_runs(ids, 6) == [CopiedRun(0, 8, 8, Place("a.txt", 1)), CopiedRun(8, 13, 9, Place("b.txt", 2))]


def test_unknown_characters_are_not_copied() -> None:
    text = source("one 1 two")
    assert text.ids.tolist().count(0) == 3
    assert text.copied_runs(VOCABULARY.encode("one?2?two"), 4) == []


def test_runs_of_several_texts_are_those_of_each() -> None:
    texts = [VOCABULARY.encode(text) for text in ("two\nthree", "", "x four", "three", "ee\nfour\n")]
    assert source().copied_runs_of_each(texts, 4) == [source().copied_runs(ids, 4) for ids in texts]
    assert sum(map(len, source().copied_runs_of_each(texts, 4))) == 4
