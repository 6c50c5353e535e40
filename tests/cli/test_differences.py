"""Models beside each other on one text, for the terminal."""

from __future__ import annotations

from nextchar.cli.differences import difference_lines, largest_difference_lines, name_lines
from nextchar.model.comparison import Comparison, ModelScore, Passage
from nextchar.runs.screen import cell_width

FIRST = ModelScore(1.825, 3, 0.0, None, ())
OTHER = ModelScore(1.93, 4321, 0.105, (0.099, 0.112), (Passage(12, "an\x1b end\nto it", 20.25, 33.5),))
COMPARISON = Comparison(30_000, 30, 1000, (FIRST, OTHER))


def test_names_have_letters_and_remarks() -> None:
    assert list(name_lines(["runs/a", "b\x1b"], [None, "not finished"])) == [
        "A  runs/a", "B  b<U+001B> (not finished)"
    ]  # fmt: skip


def test_each_model_is_a_row() -> None:
    lines = list(difference_lines(COMPARISON, 80))
    assert [line.split() for line in lines[:3]] == [
        ["bits", "per", "character", "unknown", "against", "A", "95", "%", "interval"],
        ["A", "1.825", "3"],
        ["B", "1.930", "4,321", "+0.105", "+0.099", "to", "+0.112"],
    ]
    assert "30 blocks of 1,000 characters" in lines[3].replace("\n", " ")


def test_one_model_has_no_differences() -> None:
    assert len(list(difference_lines(Comparison(5, 0, 0, (FIRST,)), 80))) == 2


def test_passages_are_on_one_line_each() -> None:
    lines = list(largest_difference_lines(COMPARISON, 80))
    assert lines[0] == "\nWhere B differs most from A, in bits for 40 characters:"
    assert [line.split() for line in lines[1:]] == [
        ["line", "A", "B"], ["12", "20.2", "33.5", "an<U+001B>", "end⏎to", "it"]
    ]  # fmt: skip
    assert all(cell_width(line) <= 30 for line in list(largest_difference_lines(COMPARISON, 30))[1:])
