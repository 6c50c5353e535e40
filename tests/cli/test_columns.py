"""Columns of text side by side."""

from __future__ import annotations

import pytest

from nextchar.cli.columns import WIDTH, aligned, fitted, line_width
from nextchar.runs.screen import cell_width


def test_columns_are_aligned_by_the_width_of_characters() -> None:
    rows = [("", "A", "B"), ("이름", "1", "22"), ("n", "333", "4")]
    assert list(aligned(rows, 80, right={1, 2})) == ["        A   B", "이름    1  22", "n     333   4"]


def test_a_line_that_is_too_long_is_cut() -> None:
    (line,) = aligned([("a", "가나다라마바사")], 10)
    assert line == "a  가나다…"
    assert cell_width(line) <= 10


def test_cells_share_the_width() -> None:
    rows = fitted([["setting", *("0123456789" for _ in range(6))]], 80)
    (line,) = aligned(rows, 80)
    assert cell_width(line) <= 80
    assert rows[0] == ["setting", *("0123456789" for _ in range(6))]
    assert fitted([["a", "0123456789", "0123456789"]], 20)[0] == ["a", "012345…", "012345…"]


def test_where_there_is_no_terminal_lines_have_eighty_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "33")
    assert line_width() == WIDTH == 80
    capsys.readouterr()
