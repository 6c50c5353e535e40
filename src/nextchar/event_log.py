"""The log of a run on disk: an event a line, appended to. Lines that are no events (a note of the user's, an event of
another version, a line that a kill has cut short) are skipped when it is read and kept as they are, byte for byte."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from nextchar.atomic_file import replacing
from nextchar.events import Evaluated, Event, Finished, Recovered, Sampled, Saved, event_from_json

LONGEST_LINE = 1 << 24
"""Bytes; what is longer is no event, and is not held in memory at once."""


class EventLog:
    """One log. Each method raises `OSError` where the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def events(self) -> list[Event]:
        """Return the events logged, in order."""
        found = (_event(line) for line in self._lines())
        return [event for event in found if event is not None]

    def append(self, events: Sequence[Event]) -> None:
        """Add ``events``, after a last line that was cut short, if there is one, has been ended."""
        added = _to_lines(events)
        if not added:
            return
        with self.path.open("a+b", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            if end > 0:
                file.seek(end - 1)
                added = added if file.read(1) == b"\n" else b"\n" + added
            _write_all(file.fileno(), added)

    def sync(self) -> None:
        """Make what was appended last through a power cut."""
        with self.path.open("ab") as file:
            os.fsync(file.fileno())

    def begin(self, events: Sequence[Event]) -> None:
        """Write the first ``events`` of a run. Those of one that got no further than this are taken out."""
        self._rewrite((line for line in self._lines() if _event(line) is None), _to_lines(events))

    def forget_after(self, step: int, recoveries: int | None = None) -> None:
        """Take out the events that will happen again when training goes on from the state saved at ``step``.

        Args:
            step: of the state.
            recoveries: that the state tells of: those logged after them will happen again; None keeps all that went
                back to ``step`` or before it.
        """
        recovered = 0

        def stays(line: bytes) -> bool:
            nonlocal recovered
            event = _event(line)
            if isinstance(event, Recovered):
                recovered += 1
                return event.back_to <= step and (recoveries is None or recovered <= recoveries)
            if isinstance(event, Evaluated | Sampled | Saved):
                return event.step <= step
            # What stays was decided once and for all (a plan, a correction of it), or is no event.
            return not isinstance(event, Finished)

        self._rewrite(filter(stays, self._lines()))

    def _lines(self) -> Iterator[bytes]:
        """Yield the lines, each with its end; a line longer than `LONGEST_LINE` in pieces."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            yield from iter(partial(file.readline, LONGEST_LINE), b"")

    def _rewrite(self, lines: Iterator[bytes], added: bytes = b"") -> None:
        """Replace the log by ``lines``, as they are, the last of them ended before anything is ``added``."""
        last = b"\n"
        with replacing(self.path) as file:
            for last in lines:
                file.write(last)
            if added:
                file.write(added if last.endswith(b"\n") else b"\n" + added)


def _event(line: bytes) -> Event | None:
    try:
        return event_from_json(line) if len(line) < LONGEST_LINE else None
    except ValueError:
        return None


def _to_lines(events: Sequence[Event]) -> bytes:
    return "".join(event.model_dump_json() + "\n" for event in events).encode()


def _write_all(handle: int, content: bytes) -> None:
    """Write ``content`` in one call of the system, or in more where it takes only a part."""
    while content:
        content = content[os.write(handle, content) :]
