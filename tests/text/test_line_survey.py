"""Which texts are noticed as lists."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.text.files import open_text
from nextchar.text.line_survey import MIN_LINES, LineSurvey, are_lists, is_list, survey_lines

CORPORA = os.environ.get("NEXTCHAR_CORPORA", "")
LISTS = {"names.txt", "world_cities.csv"}


def numbered(count: int) -> list[str]:
    return [f"item {number}" for number in range(count)]


@pytest.mark.skipif(not CORPORA, reason="NEXTCHAR_CORPORA does not name a folder of texts")
def test_of_real_texts_names_and_a_table_are_lists() -> None:
    files = [path for path in Path(CORPORA).iterdir() if path.suffix in {".txt", ".csv"}]
    assert len(files) >= 10
    assert {path.name for path in files if are_lists([open_text(path)])} == LISTS


def test_many_short_lines_are_a_list() -> None:
    assert is_list(numbered(MIN_LINES))
    assert not is_list(numbered(MIN_LINES - 1))
    assert not is_list(numbered(MIN_LINES - 1) * 2)
    assert is_list([f"서울 {number}동" for number in range(MIN_LINES)])
    assert is_list([f"CC(=O)Oc1ccccc1C(=O)O{'C' * number}" for number in range(MIN_LINES // 4)] + numbered(MIN_LINES))


@pytest.mark.parametrize(
    "line",
    [
        "    return y{}",
        "Of Mans First Disobedience, and the Fruit {}",
        "Alas {}!",
        "{}" + "a long entry of this list " * 20,
    ],
    ids=["code", "verse", "sentences", "long lines"],
)
def test_other_texts_are_not(line: str) -> None:
    assert not is_list([line.format(number) for number in range(2 * MIN_LINES)])


def test_neither_is_a_text_with_empty_lines_nor_nothing() -> None:
    assert not is_list([line for number in range(2 * MIN_LINES) for line in (f"item {number}", "")])
    assert not is_list([])


def test_all_files_must_be_lists(tmp_path: Path) -> None:
    names, prose = tmp_path / "names.txt", tmp_path / "prose.txt"
    names.write_text("\n".join(numbered(MIN_LINES)), encoding="utf-8")
    prose.write_text("It was the best of times, it was the worst of times. " * 100, encoding="utf-8")
    assert are_lists([open_text(names)])
    assert not are_lists([open_text(names), open_text(prose)])


def test_lengths_are_counted_without_line_ends() -> None:
    survey = survey_lines(["ab", "abcd", "", "xy", "last"])
    assert survey == LineSurvey(lengths=((2, 2), (4, 2)), empty=1)
    assert (survey.lines, survey.shortest, survey.median, survey.longest) == (4, 2, 2, 4)


def test_a_text_without_lines_has_no_lengths() -> None:
    for survey in (survey_lines([]), survey_lines(["", "", ""])):
        assert (survey.lines, survey.shortest, survey.median, survey.longest) == (0, 0, 0, 0)


@given(st.lists(st.text(st.characters(exclude_characters="\n"), min_size=1), min_size=1))
def test_the_median_is_that_of_the_sorted_lengths(lines: list[str]) -> None:
    lengths = sorted(map(len, lines))
    assert survey_lines(lines).median == lengths[(len(lengths) - 1) // 2]
