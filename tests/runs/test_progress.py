"""What people see of a run."""

import io
import re
from itertools import pairwise
from typing import get_args

import pytest
from rich.cells import cell_len
from rich.console import Console

from nextchar.runs.progress import Level, ProgressDisplay, choose_level, describe
from nextchar.training.events import (
    BaseRead,
    Counted,
    Evaluated,
    Event,
    Finished,
    Note,
    Planned,
    Progress,
    Recovered,
    Revised,
    Sampled,
    Saved,
    TextRead,
    Writing,
)
from nextchar.training.feeding import Windows
from tests.training.test_events import PLAN

NOTE = Note(message="the file [bold]book.txt[/bold] was read")
TEXT_READ = TextRead(
    names=("a.txt", "b.txt", "c.txt", "d.txt", "e.txt"),
    characters=12345,
    distinct=67,
    vocabulary_size=60,
    rare=8,
    training_characters=11110,
    validation_characters=1235,
    content_sha256="0",
)
PLANNED = Planned(plan=PLAN, parameters=54321, device="cpu", seed=1, expected_seconds=58.2)
PROGRESS = Progress(
    step=30,
    steps=120,
    epoch=0.5,
    bits_per_character=2.3456,
    characters_per_second=98765.4,
    seconds=12.0,
    seconds_left=95.0,
)
EVALUATED = Evaluated(
    step=60,
    epoch=1.0,
    seconds=30.0,
    training_bits_per_character=2.1,
    validation_bits_per_character=2.25,
    learning_rate=0.01,
    best=True,
)
SAMPLED = Sampled(
    step=60, epoch=1.0, temperature=0.5, prompt="He [red]", text="said [bold]no[/bold] :smile: 12\n\nyes\n\n"
)
WRITING = [
    Writing(temperature=0.5, prompt=SAMPLED.prompt, text=""),
    *(Writing(temperature=0.5, prompt=SAMPLED.prompt, text=character) for character in SAMPLED.text),
]
BASE_READ = BaseRead(
    name="english",
    known=60,
    new=(("é", "e"), ("가", "")),
    left_out="[]",
    validation_bits_per_character=2.345,
    scored_characters=4096,
)
COUNTED = Counted(characters=5400, ngrams=5321, order=8, seconds=0.21)
RECOVERED = Recovered(step=70, back_to=60, bits_per_character=float("nan"), rate_scale=0.5)
REVISED = Revised(step=50, planned_steps=1200, steps=1500)
SAVED = Saved(step=60)
FINISHED = Finished(step=1200, seconds=61.0, best_step=60, validation_bits_per_character=2.25, interrupted=False)
EVENTS: list[Event] = [
    NOTE,
    TEXT_READ,
    PLANNED,
    PROGRESS,
    EVALUATED,
    *WRITING,
    SAMPLED,
    RECOVERED,
    REVISED,
    SAVED,
    FINISHED,
]


def shown(level: Level, events: list[Event], **options: object) -> str:
    """Return what a display of that level writes."""
    console = Console(file=io.StringIO(), width=60, **options)  # type: ignore[arg-type]
    with ProgressDisplay(console, level) as display:
        for event in events:
            display.show(event)
    written = console.file
    assert isinstance(written, io.StringIO)
    return written.getvalue()


def test_every_kind_of_event_is_here() -> None:
    union, _ = get_args(Event)
    assert {type(event) for event in (*EVENTS, BASE_READ, COUNTED)} == set(get_args(union))


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (NOTE, NOTE.message),
        (
            TEXT_READ,
            "a.txt, b.txt, c.txt and 2 more: 12,345 characters, 67 distinct, 8 of them too rare to learn; "
            "learning from 11,110, the last 1,235 are held out.",
        ),
        (
            TEXT_READ.model_copy(update={"names": ("a.txt",), "rare": 0, "validation_characters": 0}),
            "a.txt: 12,345 characters, 67 distinct; nothing is held out.",
        ),
        (
            EVALUATED,
            "\nepoch 1.00, 30 s: 2.250 bits/character on the held-out text, 2.100 on the training text (best so far)",
        ),
        (
            EVALUATED.model_copy(update={"best": False}),
            "\nepoch 1.00, 30 s: 2.250 bits/character on the held-out text, 2.100 on the training text",
        ),
        (
            EVALUATED.model_copy(update={"validation_bits_per_character": None}),
            "\nepoch 1.00, 30 s: 2.100 on the training text",
        ),
        (
            BASE_READ,
            "Starting from english, which knows 60 of the characters; 2 are new: 'é' begins as 'e', '가' begins as "
            "the unknown symbol; 2 of its characters are left out. Before training it needs 2.345 bits/character on "
            "4,096 characters of the held-out text.",
        ),
        (
            BASE_READ.model_copy(
                update={"new": (("\t", "\n"),), "left_out": "", "validation_bits_per_character": None}
            ),
            r"Starting from english, which knows 60 of the characters; 1 is new: '\t' begins as '\n'.",
        ),
        (
            BASE_READ.model_copy(
                update={
                    "new": tuple((c, "a") for c in "áàâäãåā"),
                    "left_out": "",
                    "validation_bits_per_character": None,
                }
            ),
            "Starting from english, which knows 60 of the characters; 7 are new: 'á' begins as 'a', 'à' begins as 'a', "
            "'â' begins as 'a', 'ä' begins as 'a', 'ã' begins as 'a', 2 more.",
        ),
        (SAMPLED, "temperature 0.5  He [red]said [bold]no[/bold] :smile: 12⏎⏎yes"),
        (
            RECOVERED,
            "Training diverged at step 70 (nan bits/character): back to step 60 with 0.5 of the planned learning rate.",
        ),
        (
            REVISED,
            "The machine is faster than measured before: 1,500 steps instead of 1,200 fill the time.",
        ),
        (
            REVISED.model_copy(update={"steps": 1000}),
            "The machine is slower than measured before: 1,000 steps instead of 1,200 fill the time.",
        ),
        (
            FINISHED,
            "Done after 1 min 01 s of training and 1,200 steps: 2.250 bits per character on the held-out text.",
        ),
        (
            FINISHED.model_copy(update={"base": "english"}),
            "Done after 1 min 01 s of training and 1,200 steps: 2.250 bits per character on the held-out text, "
            "starting from english.",
        ),
        (
            FINISHED.model_copy(update={"interrupted": True, "validation_bits_per_character": None}),
            "Stopped and saved after 1 min 01 s of training and 1,200 steps.",
        ),
    ],
)
def test_events_are_told_in_words(event: Event, words: str) -> None:
    assert describe(event).plain == words


def test_plans_are_told_in_words() -> None:
    words = describe(PLANNED).plain
    assert words.startswith("LSTM of 8 + 4 units, 54,321 parameters, on cpu: 9 steps of 2 × 4 characters")
    assert "about 58 s" in words
    assert "about" not in describe(PLANNED.model_copy(update={"expected_seconds": None})).plain
    windows = PLANNED.plan.model_copy(update={"feeding": Windows(batch=2, window=4, stride=3, count=5)})
    assert describe(PLANNED.model_copy(update={"plan": windows})).plain.endswith(
        "3 passes over 5 windows of 4 characters, one every 3, in 9 steps of 2 windows, about 58 s."
    )


def test_the_whole_duration_is_told_beside_that_of_training() -> None:
    words = describe(PLANNED.model_copy(update={"expected_total_seconds": 75.4})).plain
    assert words.endswith(", about 58 s of training, about 1 min 15 s in all.")


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


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_every_event_has_words(event: Event) -> None:
    words = describe(event).plain
    assert words == event.text if event in WRITING[1:] else words.strip()


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


def test_a_run_that_only_counts_says_what_was_counted_and_how_long_it_took() -> None:
    assert describe(COUNTED).plain == ("5,321 n-grams of up to 9 characters, counted in 5,400 characters in 0.2 s.")
    finished = FINISHED.model_copy(update={"step": 0, "best_step": None, "seconds": 0.21})
    assert describe(finished).plain.startswith("Done after 0.2 s of counting: 2.250 bits per character")
