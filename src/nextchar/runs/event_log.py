"""The log of a run on disk: a line with its format, then an event on each line.

Readers skip other lines (a note of the user, an event of another version, a line cut short by a kill), which are kept
byte for byte.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from nextchar.files.atomic_file import replacing
from nextchar.files.format_version import NewerFormatError, check_format, format_stamp
from nextchar.files.regular_file import open_regular
from nextchar.training.events import Evaluated, Event, Finished, Recovered, Sampled, Saved, event_from_json

FORMAT = 2
"""Format 1 has no line with its format, and its plans have other names."""
MAX_LINE = 1 << 24
"""Longest line that can be an event, in bytes; longer ones are read in pieces."""


class EventLog:
    """The log of a run. Every method raises `OSError` if the file cannot be read or written. Those that read it raise
    `NewerFormatError` if a newer version wrote it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def events(self) -> list[Event]:
        """Return the logged events, in order."""
        found = (_event(line) for line in self._lines())
        return [event for event in found if event is not None]

    def append(self, events: Sequence[Event]) -> None:
        """Append ``events``, on new lines even if the last line was cut short."""
        added = _to_lines(events)
        if not added:
            return
        with self.path.open("a+b", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            if end == 0:
                added = _head() + added
            else:
                file.seek(end - 1)
                added = added if file.read(1) == b"\n" else b"\n" + added
            _write_all(file.fileno(), added)

    def sync(self) -> None:
        """Write everything to disk, so that a power cut cannot lose it."""
        with self.path.open("ab") as file:
            os.fsync(file.fileno())

    def begin(self, events: Sequence[Event]) -> None:
        """Write the first ``events`` of a run; they replace those of a run that ended before it had settings."""
        self._rewrite((line for line in self._lines() if _event(line) is None), _to_lines(events))

    def forget_after(self, step: int, recoveries: int | None = None) -> None:
        """Remove the events that will happen again when training resumes from the state saved at ``step``.

        Args:
            step: the step of the state.
            recoveries: the recoveries that the state counts; later ones will happen again. None keeps all that went
                back to ``step`` or earlier.
        """
        recovered = 0

        def stays(line: bytes) -> bool:
            """Return whether ``line`` is kept: its event will not happen again."""
            nonlocal recovered
            event = _event(line)
            if isinstance(event, Recovered):
                recovered += 1
                return event.back_to <= step and (recoveries is None or recovered <= recoveries)
            if isinstance(event, Evaluated | Sampled | Saved):
                return event.step <= step
            # The rest happens only once (a plan and its revisions), or is not an event.
            return not isinstance(event, Finished)

        self._rewrite(filter(stays, self._lines()))

    def _lines(self) -> Iterator[bytes]:
        """Yield all lines except the one with the format, with their ends; lines longer than `MAX_LINE` in pieces."""
        try:
            file = open_regular(self.path)
        except FileNotFoundError:
            return
        with file:
            yield from (line for line in iter(partial(file.readline, MAX_LINE), b"") if not _is_head(line))

    def _rewrite(self, lines: Iterator[bytes], added: bytes = b"") -> None:
        """Replace the log by its format, the unchanged ``lines``, and ``added`` on a new line."""
        last = b"\n"
        with replacing(self.path) as file:
            file.write(_head())
            for last in lines:
                file.write(last)
            if added:
                file.write(added if last.endswith(b"\n") else b"\n" + added)


def _head() -> bytes:
    return json.dumps({"event": "log", **format_stamp(FORMAT)}).encode() + b"\n"


def _is_head(line: bytes) -> bool:
    """Return whether ``line`` gives the format of the log.

    Raises:
        NewerFormatError: a newer version wrote it.
    """
    if b'"log"' not in line or len(line) >= MAX_LINE:
        return False
    try:
        head: object = json.loads(line)
    except (ValueError, RecursionError):
        return False
    if not isinstance(head, dict) or cast("dict[str, Any]", head).get("event") != "log":
        return False
    try:
        check_format(cast("dict[str, Any]", head), FORMAT)
    except NewerFormatError:
        raise
    except ValueError:  # no version wrote such a line
        return False
    return True


def _event(line: bytes) -> Event | None:
    try:
        return event_from_json(line) if len(line) < MAX_LINE else None
    except ValueError:
        return None


def _to_lines(events: Sequence[Event]) -> bytes:
    return "".join(event.model_dump_json() + "\n" for event in events).encode()


def _write_all(handle: int, content: bytes) -> None:
    """Write ``content`` in one system call, or in several if one writes only a part."""
    while content:
        content = content[os.write(handle, content) :]
