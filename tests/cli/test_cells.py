"""Characters as a terminal draws them: nothing in a text commands it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.cli.cells import MAX_JOINED, joined, safe_line, shown
from nextchar.runs.screen import cell_width


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("abc", ["a", "b", "c"]),
        ("cafe\u0301!", ["c", "a", "f", "e\u0301", "!"]),
        ("கி", ["கி"]),
        ("\u1112\u1161\u11ab", ["\u1112\u1161\u11ab"]),
        ("👩\u200d🔬x", ["👩\u200d🔬", "x"]),
        ("می\u200cخ", ["م", "ی\u200c", "خ"]),
        ("\n\u0301", ["\n", "\u0301"]),
        (" \u0301", [" ", "\u0301"]),
        ("\x1b\u200d[", ["\x1b", "\u200d", "["]),
        ("", []),
    ],
)
def test_what_is_drawn_as_one_stays_together(text: str, groups: list[str]) -> None:
    assert list(joined(text)) == groups


def test_a_tower_of_marks_is_taken_down() -> None:
    groups = list(joined("a" + 20 * "\u0301"))
    assert groups[0] == "a" + (MAX_JOINED - 1) * "\u0301"
    assert {shown(group) for group in groups[1:]} == {"◌\u0301"}


@pytest.mark.parametrize(
    ("character", "sign"),
    [
        ("\x1b", "<U+001B>"), ("\x07", "<U+0007>"), ("\x9b", "<U+009B>"), ("\x7f", "<U+007F>"), ("\r", "␍"),
        ("\u202e", "<U+202E>"), ("\u2066", "<U+2066>"), ("\ufeff", "<U+FEFF>"), ("\u2028", "<U+2028>"),
        ("\u00ad", "<U+00AD>"), ("\ue000", "<U+E000>"), ("\u0301", "◌\u0301"), ("\n", "⏎"), (" ", " "), ("가", "가"),
    ],
)  # fmt: skip
def test_what_commands_a_terminal_is_a_sign(character: str, sign: str) -> None:
    assert shown(character) == sign


@pytest.mark.parametrize(("column", "width"), [(0, 8), (1, 7), (7, 1), (8, 8)])
def test_a_tab_reaches_the_next_stop(column: int, width: int) -> None:
    assert cell_width(shown("\t", column)) == width


@given(st.text(st.characters(), max_size=40))
def test_nothing_gets_through(text: str) -> None:
    line = safe_line(text)
    assert "\n" not in line
    allowed = {"\u200c", "\u200d"}
    assert all(unicodedata.category(c)[0] != "C" or c in allowed for c in line)
    assert all(unicodedata.category(c) not in {"Zl", "Zp"} for c in line)
