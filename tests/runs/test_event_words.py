"""Events in words."""

from typing import get_args

import pytest

from nextchar.runs.event_words import describe
from nextchar.training.events import Event
from nextchar.training.feeding import Windows
from tests.runs.shown_events import (
    BASE_READ,
    COUNTED,
    EVALUATED,
    EVENTS,
    FINISHED,
    NOTE,
    PLANNED,
    RECOVERED,
    REVISED,
    SAMPLED,
    TEXT_READ,
    WRITING,
)


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


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_every_event_has_words(event: Event) -> None:
    words = describe(event).plain
    assert words == event.text if event in WRITING[1:] else words.strip()


def test_a_run_that_only_counts_says_what_was_counted_and_how_long_it_took() -> None:
    assert describe(COUNTED).plain == ("5,321 n-grams of up to 9 characters, counted in 5,400 characters in 0.2 s.")
    finished = FINISHED.model_copy(update={"step": 0, "best_step": None, "seconds": 0.21})
    assert describe(finished).plain.startswith("Done after 0.2 s of counting: 2.250 bits per character")
