"""What a stream can show, and how lines are broken for it."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len

from nextchar.runs.screen import (
    can_redraw,
    cell_width,
    colours_of,
    cut_to,
    error_console,
    is_terminal,
    width_of,
    wrap_words,
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal and has no size to tell."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError


def test_words_stay_whole_and_lines_end_in_time() -> None:
    text = "한국어 소설 and a-path-that-is-longer-than-any-line\nsecond line"
    wrapped = wrap_words(text, 16, indent=4)
    assert " ".join(line.strip() for line in wrapped.split("\n")) == text.replace("\n", " ")
    first, *others = wrapped.split("\n")
    assert cell_len(first) <= 12
    assert all(line.startswith("    ") for line in others)
    assert all(cell_len(line) <= 16 or line.strip().count(" ") == 0 for line in others)


def test_without_a_width_only_line_ends_are_kept() -> None:
    assert wrap_words("a " * 99 + "\nb", None, indent=2) == "a " * 99 + "\n  b"


@pytest.mark.parametrize(
    ("environment", "redraws"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "UNKNOWN"}, False),
        ({"TERM": ""}, False),
        ({"TERM": "xterm", "TTY_INTERACTIVE": "0"}, False),
    ],
)
def test_only_a_terminal_that_can_is_redrawn(environment: dict[str, str], redraws: bool) -> None:
    assert can_redraw(environment) is redraws


def test_a_stream_that_is_closed_or_missing_is_no_terminal() -> None:
    closed = Terminal()
    closed.close()
    assert [is_terminal(stream) for stream in (Terminal(), io.StringIO(), closed, None)] == [True, False, False, False]


def test_the_width_is_that_of_the_terminal_or_as_wished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert width_of(io.StringIO()) is None
    assert width_of(Terminal()) == 80  # it does not say
    monkeypatch.setenv("COLUMNS", "33")
    assert width_of(Terminal()) == 33
    monkeypatch.setenv("COLUMNS", "wide")
    assert width_of(Terminal()) == 80


def test_a_file_gets_colours_only_where_they_are_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    plain = error_console()
    assert (plain.is_terminal, plain.color_system) == (False, None)
    monkeypatch.setenv("FORCE_COLOR", "1")
    forced = error_console()
    assert (forced.is_terminal, forced.is_interactive, forced.color_system) == (False, False, "standard")


@pytest.mark.parametrize(
    ("environment", "stream", "colours"),
    [
        ({"TERM": "xterm-256color"}, Terminal(), 256),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, Terminal(), 256),
        ({"TERM": "xterm"}, Terminal(), 16),
        ({"TERM": "dumb"}, Terminal(), 0),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, Terminal(), 0),
        ({"TERM": "xterm-256color"}, io.StringIO(), 0),
        ({"TERM": "xterm-256color", "FORCE_COLOR": "1"}, io.StringIO(), 256),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, io.StringIO(), 16),
        ({"TERM": "xterm", "FORCE_COLOR": "1", "NO_COLOR": "1"}, io.StringIO(), 0),
    ],
    ids=[
        "256 by name",
        "true colours",
        "16",
        "dumb",
        "unwanted",
        "pipe",
        "pipe that wants",
        "dumb that wants",
        "both",
    ],
)
def test_as_many_colours_as_the_terminal_has(
    environment: dict[str, str], stream: io.StringIO, colours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert colours_of(stream) == colours


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [("abcdef", 6, "abcdef"), ("abcdefg", 6, "abcde…"), ("가나다라", 6, "가나…"), ("a b c", 4, "a b…")],
)
def test_what_is_too_wide_is_cut(text: str, columns: int, shown: str) -> None:
    assert cut_to(text, columns) == shown
    assert cell_width(shown) <= columns
