"""Lists are known by the lengths of their lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.text.line_survey import LineSurvey, survey_lines, survey_text

NAMES = [f"name{number}" for number in range(200)]


def test_lengths_are_counted_without_line_ends() -> None:
    survey = survey_text(["ab\nabc", "d\n\nxy\n", "last"])
    assert survey == LineSurvey(lengths=((2, 2), (4, 2)), empty=1)
    assert (survey.lines, survey.shortest, survey.median, survey.longest) == (4, 2, 2, 4)


def test_a_text_without_lines_is_no_list() -> None:
    for survey in (survey_text([]), survey_text(["\n\n\n"])):
        assert (survey.lines, survey.shortest, survey.median, survey.longest) == (0, 0, 0, 0)
        assert not survey.is_list


@given(st.lists(st.text(st.characters(exclude_characters="\n"), min_size=1), min_size=1))
def test_the_median_is_that_of_the_sorted_lengths(lines: list[str]) -> None:
    lengths = sorted(map(len, lines))
    assert survey_lines(lines).median == lengths[(len(lengths) - 1) // 2]


@pytest.mark.parametrize(
    ("lines", "is_list"),
    [
        (NAMES, True),
        (NAMES[1:], False),
        ([*NAMES, "x" * 500], True),
        ([*NAMES, "x" * 501], False),
        ([*NAMES, "", ""], True),
        ([*NAMES, "", "", ""], False),
        (["x" * 80] * 200, True),
        (["x" * 81] * 200, False),
    ],
    ids=["list", "few lines", "long line", "too long a line", "few empty", "many empty", "median", "too long a median"],
)
def test_where_a_list_ends(lines: list[str], is_list: bool) -> None:
    assert survey_lines(lines).is_list is is_list


@pytest.mark.parametrize(
    ("name", "is_list"),
    [
        ("names.txt", True),
        ("world_cities.csv", True),
        ("tinyshakespeare.txt", False),
        ("nietzsche.txt", False),
        ("persian_hafez.txt", False),
        ("korean_bible_krv.txt", False),
        ("python_stdlib.txt", False),
        ("emoji_test.txt", False),
    ],
)
def test_real_texts(name: str, is_list: bool, corpora: Path) -> None:
    assert survey_text([(corpora / name).read_text(encoding="utf-8")]).is_list is is_list
