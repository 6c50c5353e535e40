"""The log: what is in it stays, byte for byte, unless it will happen again."""

import json
import os
from pathlib import Path

import pytest

from nextchar.runs import event_log
from nextchar.runs.event_log import EventLog
from nextchar.training.events import Event, Finished, Note, Planned, Recovered, Revised, Sampled, Saved
from tests.runs.test_folder import PLAN, evaluated

ODD = (
    b"a note of mine, \xff\x00 not UTF-8",
    b'{"event":"dance","step":99}',
    b'{"event":"saved","step":99,"mood":"fine"}',
    b'{"event":"saved","step":"99"}',
    b'{"event":"saved","step":-1}',
    b'{"event":"sampled","step":1e400,"epoch":NaN}',
    b"[" * 100_000,
    b"  ",
    b"",
    b"\r",
    "\u2028한글".encode(),
)
PLANNED = Planned(plan=PLAN, parameters=7, device="cpu", seed=1)


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path / "events.jsonl")


def content(log: EventLog) -> bytes:
    """Return what is in the log after the line that says its format, of which there is one."""
    head, rest = log.path.read_bytes().split(b"\n", 1)
    assert (json.loads(head)["event"], json.loads(head)["format"]) == ("log", 2)
    assert b'"written_by"' not in rest
    return rest


def lines(log: EventLog) -> list[bytes]:
    return content(log).split(b"\n")


def line(event: Event) -> bytes:
    return event.model_dump_json().encode()


def recovered(step: int, back_to: int) -> Recovered:
    return Recovered(step=step, back_to=back_to, bits_per_character=9, rate_scale=0.5)


def test_a_pipe_is_neither_read_nor_replaced(log: EventLog) -> None:
    os.mkfifo(log.path)
    for use in (log.events, lambda: log.begin([PLANNED]), lambda: log.forget_after(0)):
        with pytest.raises(OSError, match=r"(?i)not a regular file"):
            use()
    assert log.path.is_fifo()


def test_lines_that_are_no_events_stay_byte_for_byte(log: EventLog) -> None:
    log.append([PLANNED])
    with log.path.open("ab") as file:
        file.write(b"".join(odd + b"\n" for odd in ODD))
    log.append([evaluated(3), evaluated(6)])
    assert log.events() == [PLANNED, evaluated(3), evaluated(6)]
    log.forget_after(3)
    assert lines(log) == [line(PLANNED), *ODD, line(evaluated(3)), b""]


def test_events_that_stay_do_so_byte_for_byte(log: EventLog) -> None:
    spaced = b'{ "event" : "note", "message" : "\\u0041" }\r\n{"step":3,"event":"saved"}\n'
    log.path.write_bytes(spaced)
    log.forget_after(3)
    assert content(log) == spaced
    assert log.events() == [Note(message="A"), Saved(step=3)]


@pytest.mark.parametrize("half", [b'{"event":"evalua', b"a note without an end", b"\xff"])
def test_a_half_line_stays_and_the_next_event_is_not_joined_to_it(log: EventLog, half: bytes) -> None:
    log.path.write_bytes(line(evaluated(3)) + b"\n" + half)
    assert log.events() == [evaluated(3)]
    log.forget_after(3)
    assert log.path.read_bytes().endswith(half)
    log.append([Note(message="on")])
    log.append([])
    log.append([Note(message="and on")])
    assert lines(log) == [line(evaluated(3)), half, line(Note(message="on")), line(Note(message="and on")), b""]


def test_a_whole_event_without_the_end_of_its_line_counts(log: EventLog) -> None:
    log.path.write_bytes(line(evaluated(3)))
    log.append([evaluated(6)])
    assert log.events() == [evaluated(3), evaluated(6)]


def test_what_was_decided_once_and_for_all_is_not_forgotten(log: EventLog) -> None:
    revised = Revised(step=5, planned_steps=9, steps=12)
    sampled = Sampled(step=6, epoch=0.6, temperature=0.5, prompt="a", text="b")
    finished = Finished(step=9, seconds=1, best_step=None, validation_bits_per_character=None, interrupted=False)
    log.append([PLANNED, revised, evaluated(6), sampled, Saved(step=6), Note(message="late"), finished])
    log.forget_after(0)
    assert log.events() == [PLANNED, revised, Note(message="late")]


def test_recoveries_that_the_state_does_not_know_of_will_happen_again(log: EventLog) -> None:
    log.append([recovered(6, 3), recovered(6, 3), recovered(9, 6)])
    log.forget_after(6, recoveries=2)
    assert log.events() == [recovered(6, 3), recovered(6, 3)]
    log.forget_after(6, recoveries=1)
    assert log.events() == [recovered(6, 3)]
    log.forget_after(0)
    assert log.events() == []


def test_a_run_that_did_not_begin_leaves_no_events_but_what_is_not_its(log: EventLog) -> None:
    log.begin([Note(message="first try")])
    with log.path.open("ab") as file:
        file.write(b"mine")
    log.begin([Note(message="second try"), PLANNED])
    assert lines(log) == [b"mine", line(Note(message="second try")), line(PLANNED), b""]


def test_a_log_that_is_missing_or_empty_has_no_events(log: EventLog) -> None:
    assert log.events() == []
    log.forget_after(3)
    assert (log.events(), content(log)) == ([], b"")
    log.append([Saved(step=3)])
    log.sync()
    assert content(log) == b'{"event":"saved","step":3}\n'


def test_a_line_longer_than_any_event_is_passed_over_in_pieces(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "MAX_LINE", 99)
    before = b"x" * 1000 + b'\n{"event":"saved","step":3}\n' + b"y" * 99
    log.path.write_bytes(before)
    assert log.events() == [Saved(step=3)]
    log.forget_after(3)
    assert content(log) == before


def test_a_log_that_is_a_folder_is_an_error_of_the_system(log: EventLog) -> None:
    log.path.mkdir()
    for act in (
        log.events,
        log.sync,
        lambda: log.append([PLANNED]),
        lambda: log.forget_after(1),
        lambda: log.begin([]),
    ):
        with pytest.raises(IsADirectoryError):
            act()
