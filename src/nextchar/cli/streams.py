"""The three standard streams made safe: closed, full, without a reader, or in an encoding that lacks characters."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, cast

from nextchar.errors import NextcharError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

NAMES = {"stdin": "input", "stdout": "output", "stderr": "error"}


def prepare_streams() -> None:
    """Make the streams of the process usable, whatever the shell has done to them.

    A closed stream gets a stand-in: to read or write it is an error that says so, except for standard error, where
    nobody could read that. Writing to standard error never fails, so that no run ends because its reader has left.
    Characters that an encoding lacks are shown as ``?``.
    """
    for number, name in enumerate(NAMES):
        if getattr(sys, name) is None:
            _occupy(number)
            setattr(sys, name, io.TextIOWrapper(cast("BinaryIO", _Closed(name)), "utf-8", write_through=True))
    standard = sys.__stderr__
    if standard is not None and sys.stderr is standard:
        sink = cast("BinaryIO", _BestEffort(cast("BinaryIO", standard.buffer)))
        sys.stderr = io.TextIOWrapper(sink, standard.encoding, line_buffering=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def flush_output() -> None:
    """Flush standard output.

    Raises:
        OSError: it cannot be written. What was buffered is then dropped, so that Python does not try again at its end.
    """
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def _occupy(number: int) -> None:
    """Occupy the descriptor of a closed stream, so that no file gets it, which libraries would then write to."""
    opened = os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    if opened != number:
        os.close(opened)


class _Closed(io.RawIOBase):
    """A standard stream that the process was started without."""

    def __init__(self, name: str) -> None:
        self._name = name

    def readable(self) -> bool:
        return self._name == "stdin"

    def writable(self) -> bool:
        return self._name != "stdin"

    def readinto(self, _buffer: WriteableBuffer) -> int:
        raise NextcharError("Standard input is closed: name a file instead of -, or send the text through a pipe.")

    def write(self, data: ReadableBuffer) -> int:
        if self._name == "stdout":
            raise NextcharError("Standard output is closed, so the result cannot be written: redirect it to a file.")
        return memoryview(data).nbytes


class _BestEffort(io.RawIOBase):
    """Standard error, as far as it can be written: what a full disk or a pipe without a reader refuses is dropped."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def write(self, data: ReadableBuffer) -> int:
        with suppress(OSError):
            self._stream.write(data)
            self._stream.flush()
        return memoryview(data).nbytes
