"""A text coloured by surprise for the terminal, or with marks where there are no colours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nextchar.cli.surprise import (
    PALETTES,
    RESET,
    Cell,
    cells,
    coloured,
    legend,
    list_worst,
    marked,
    percent,
    show,
    worst_lines,
)
from nextchar.model.surprise import LEVELS, Place, read_first_surprises
from nextchar.runs.screen import cell_width
from tests.small_networks import random_model

PALETTE = PALETTES[256]


def surprising(text: str, bits: dict[int, float] | None = None, unknown: str = "") -> list[Cell]:
    """Return cells of ``text`` without surprise, but for some of them."""
    return [Cell(c, (bits or {}).get(n, 0.0), c in unknown) for n, c in enumerate(text)]


def without_codes(text: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def test_the_levels_are_those_of_the_page() -> None:
    script = Path(__file__).parents[2] / "src/nextchar/page/coloured_text.js"
    found = re.search(r"const LEVELS = \[([\d, ]+)\];", script.read_text(encoding="utf-8"))
    assert found is not None
    assert tuple(map(int, found[1].split(", "))) == LEVELS
    assert all(len(palette) == len(LEVELS) for palette in PALETTES.values())


@pytest.mark.parametrize(("bits", "level"), [(0, 0), (0.99, 0), (1, 1), (3.9, 2), (4, 3), (8.99, 4), (9, 5), (99, 5)])
def test_a_colour_stands_for_bits(bits: float, level: int) -> None:
    assert Cell("a", bits, is_unknown=False).level == level


def test_a_letter_and_its_marks_are_one_cell() -> None:
    model = random_model()
    text = "cafe\u0301 a\n"
    found = list(cells(read_first_surprises(model, [text], len(text), 1)))
    assert [cell.text for cell in found] == ["c", "a", "f", "e\u0301", " ", "a", "\n"]
    bits = model.surprises(text)
    assert found[3].bits == pytest.approx(bits[3] + bits[4], rel=1e-5)
    assert [cell.is_unknown for cell in found] == [False, False, False, True, False, False, False]
    assert sum(cell.bits for cell in found) == pytest.approx(bits.sum(), rel=1e-5)


def test_colours_begin_anew_on_each_line() -> None:
    text = "".join(coloured(surprising("ab\ncd", {1: 9, 2: 5, 3: 9}), PALETTE))
    red, orange = f"\x1b[{PALETTE[5]}m", f"\x1b[{PALETTE[3]}m"
    assert text == f"a{red}b{RESET}{orange}⏎{RESET}\n{red}c{RESET}d\n"
    assert all(line.count("\x1b[") % 2 == 0 for line in text.splitlines())


def test_a_line_end_is_drawn_only_where_it_is_surprising() -> None:
    assert "".join(coloured(surprising("a\n\nb\n"), PALETTE)) == "a\n\nb\n"


def test_unknown_characters_are_underlined_and_equal_neighbours_share_a_code() -> None:
    text = "".join(coloured(surprising("xyz", {0: 9, 1: 9, 2: 9}, unknown="z"), PALETTE))
    assert text == f"\x1b[{PALETTE[5]}mxy{RESET}\x1b[{PALETTE[5]};4mz{RESET}\n"


def test_no_code_of_the_text_reaches_the_terminal() -> None:
    hostile = "a\x1b[31mb\x1b]0;title\x07\x9b2J\u202ec"
    text = "".join(coloured(surprising(hostile), PALETTE))
    assert text == "a<U+001B>[31mb<U+001B>]0;title<U+0007><U+009B>2J<U+202E>c\n"


def test_the_legend_names_every_level() -> None:
    assert without_codes(legend(PALETTE)) == "bits:  0–1  1–2  2–4  4–6  6–9  9 or more   unknown to the model"


def test_marks_stand_below_their_characters() -> None:
    rows = list(marked(surprising("한글 é\tx\nplain\n", {0: 3.7, 3: 12, 5: 1.2, 6: 2}, unknown="글"), 80))
    assert rows == [
        "     1 | 한글 é⇥ x⏎",
        "         3 ?  9  12",
        "     2 | plain",
    ]


def test_long_lines_are_broken_for_their_marks() -> None:
    rows = list(marked(surprising("abcdefgh", {1: 5, 7: 6}), 14))
    assert rows == ["     1 | abcde", "          5", "       | fgh", "           6"]
    wide = list(marked(surprising("가나다라"), 14))
    assert wide == ["     1 | 가나", "       | 다라"]
    assert all(cell_width(row) <= 14 for row in wide)


def test_empty_lines_are_counted() -> None:
    assert list(marked(surprising("\n\na"), 80)) == ["     1 |", "     2 |", "     3 | a"]


@pytest.mark.parametrize(("variable", "codes"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_colours_are_for_terminals_and_those_who_ask(
    variable: str, codes: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "1")
    show(read_first_surprises(random_model(), ["the end"], 7, 1))
    out = capsys.readouterr().out
    assert ("\x1b[" in out) is codes
    assert ("the end" in without_codes(out)) is True
    assert ("A digit below a character" in out) is not codes


PLACE = Place(12, 3, "to be or\u202e", " ", 12.34, False, (("\n", 0.75), ("e", 0.2), ("x", 0.001)))


def test_the_worst_places_are_a_table() -> None:
    unknown = Place(1, 1, "", "가", 40.0, True, (("T", 0.999),))
    lines = list(worst_lines([PLACE, unknown], 80))
    assert [line.split() for line in lines] == [
        ["place", "bits", "character", "expected", "after"],
        ["12:3", "12.3", "␣", "⏎", "75", "%,", "e", "20", "%,", "x", "<1", "%", "to", "be", "or<U+202E>"],
        ["1:1", "40.0?", "가", "T", "100", "%"],
    ]
    assert all(cell_width(line) <= 40 for line in worst_lines([PLACE], 40))


def test_without_places_there_is_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    list_worst([], 5)
    assert capsys.readouterr().out == ""
    list_worst([PLACE], 20_000)
    assert capsys.readouterr().out.startswith("The most surprising of 20,000 characters (line:column):\nplace")


@pytest.mark.parametrize(("share", "shown"), [(1.0, "100 %"), (0.126, "13 %"), (0.004, "<1 %"), (0.0, "<1 %")])
def test_probabilities_are_short(share: float, shown: str) -> None:
    assert percent(share) == shown
