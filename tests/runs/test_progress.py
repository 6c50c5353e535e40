"""What people see of a run."""

import io
import re
from itertools import pairwise

import pytest
from rich.cells import cell_len
from rich.console import Console

from nextchar.runs.event_words import describe
from nextchar.runs.progress import Level, ProgressDisplay, choose_level
from nextchar.training.events import Event, Revised, Writing
from tests.runs.shown_events import (
    EVALUATED,
    EVENTS,
    FINISHED,
    NOTE,
    PLANNED,
    PROGRESS,
    RECOVERED,
    REVISED,
    SAMPLED,
    TEXT_READ,
)


def shown(level: Level, events: list[Event], **options: object) -> str:
    """Return what a display of that level writes."""
    console = Console(file=io.StringIO(), width=60, **options)  # type: ignore[arg-type]
    with ProgressDisplay(console, level) as display:
        for event in events:
            display.show(event)
    written = console.file
    assert isinstance(written, io.StringIO)
    return written.getvalue()


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (8, "25 %"),
        (20, "1 min 35 s left"),
        (40, "2.346 bits/character 1 min 35 s left"),
        (60, "2.346 bits/character 98,765 characters/s 1 min 35 s left"),
        (80, f"2.346 bits/character {'━' * 4} 25 % 98,765 characters/s 1 min 35 s left"),
        (500, f"2.346 bits/character {'━' * 10} 25 % 98,765 characters/s 1 min 35 s left"),
    ],
)
def test_what_fits_of_the_progress_is_whole(width: int, line: str) -> None:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=True, color_system=None, _environ={"TERM": "xterm"}
    )
    with ProgressDisplay(console, "full") as display:
        display.show(PROGRESS)
    assert isinstance(console.file, io.StringIO)
    shown = re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())
    assert {part.strip() for part in re.split("[\r\n]", shown)} - {""} == {line}


@pytest.mark.parametrize("width", [1, 12, 40, 80])
def test_samples_are_lines_that_fit(width: int) -> None:
    text = "하나둘\n\tthree\x1b[2J\r\x07" * 20
    sample = SAMPLED.model_copy(update={"prompt": "소" * 50, "text": text})
    writing = [Writing(temperature=0.5, prompt=sample.prompt, text=one) for one in ["", *text]]
    for level, events in (("lines", [sample]), ("full", [*writing, sample])):
        console = Console(
            file=io.StringIO(), width=width, force_terminal=True, color_system=None, _environ={"TERM": "xterm"}
        )
        with ProgressDisplay(console, level) as display:  # type: ignore[arg-type]
            for event in events:
                display.show(event)
        assert isinstance(console.file, io.StringIO)
        written = console.file.getvalue()
        assert written.count("\n") == 1
        assert not set(written[:-1]) & {"\x1b", "\r", "\x07", "\t"}
        assert cell_len(written[:-1]) <= max(width, len("0.5  "))
        assert width < 40 or (written.endswith("…\n") and "⏎" in written and "…소소" in written)


def test_lines_tell_all_but_the_bar_and_the_saves() -> None:
    told = [NOTE, TEXT_READ, PLANNED, EVALUATED, SAMPLED, RECOVERED, REVISED, FINISHED]
    assert shown("lines", EVENTS) == "".join(describe(event).plain + "\n" for event in told)


def test_small_revisions_are_shown_once_they_add_up() -> None:
    steps = [1200, 1150, 1100, 1050, 1000, 1070]
    revised = [
        Revised(step=50 * number, planned_steps=before, steps=after)
        for number, (before, after) in enumerate(pairwise(steps), 1)
    ]
    words = "The machine is slower than measured before: 1,050 steps instead of 1,200 fill the time.\n"
    assert shown("lines", list(revised)) == words


def test_brief_tells_what_was_found_and_the_result() -> None:
    told = [NOTE, TEXT_READ, PLANNED, RECOVERED, FINISHED]
    assert shown("brief", EVENTS) == "".join(describe(event).plain + "\n" for event in told)


def test_silence_is_silent() -> None:
    assert shown("silent", EVENTS) == shown("silent", EVENTS, force_terminal=True) == ""


def test_a_terminal_has_a_bar_and_colours() -> None:
    terminal = {"force_terminal": True, "color_system": "standard", "_environ": {"TERM": "xterm", "LANG": "C.UTF-8"}}
    written = shown("full", EVENTS, **terminal)
    assert "2.346 bits/character" in written
    assert "98,765 characters/s" in written
    assert "1 min 35 s left" in written
    assert "\x1b[36mtemperature 0.5" in written
    assert "said [bold]no[/bold] :smile: 12⏎⏎y…\n" in written
    assert written.count("said [bold]no[/bold]") == 1
    plain = shown("full", EVENTS, **terminal, no_color=True)
    assert "98,765 characters/s" in plain
    assert "\x1b[36m" not in plain


def test_long_lines_are_not_broken() -> None:
    long = SAMPLED.model_copy(update={"text": "word " * 50 + "end"})
    assert "word " * 50 + "end\n" in shown("lines", [long])


def test_the_level_fits_the_console() -> None:
    assert choose_level(Console(file=io.StringIO())) == "brief"
    assert choose_level(Console(file=io.StringIO(), force_terminal=True)) == "full"
    assert choose_level(Console(file=io.StringIO(), force_jupyter=True)) == "lines"


def test_an_old_terminal_gets_a_bar_it_can_show() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = Console(file=stream, width=80, force_terminal=True)
    with ProgressDisplay(console, "full") as display:
        display.show(PROGRESS)
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    written = stream.buffer.getvalue()
    assert b"25 %" in written
    assert b"98,765 characters/s" in written
