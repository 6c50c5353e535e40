"""Bytes into text: which encoding a file is in, and its characters, in bounded memory.

The encoding is the one given, else the one a byte order mark names, else UTF-16 or UTF-32 if zero bytes say
so, else UTF-8 if the whole file is valid UTF-8, else a legacy encoding that is detected. Whatever was
chosen, the whole file must decode strictly before a `TextFile` is handed out: no byte is dropped.
"""

from __future__ import annotations

import codecs
import difflib
import encodings.aliases
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal, cast

from nextchar.errors import TextError
from nextchar.text.encodings import (
    gather_evidence,
    is_damaged_utf8,
    kind_of_binary,
    legacy_encoding,
    marked_encoding,
    unmarked_encoding,
)

BLOCK = 1 << 20
"""Bytes read at a time."""

Determined = Literal["given", "byte order mark", "UTF-8", "detected"]

_READ_MARKS = {"utf-8-sig", "utf-16", "utf-32"}
"""Encodings whose decoders drop a byte order mark themselves."""
_NOT_OF_FILES = {"unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"}
"""What Python calls encodings and no file is in."""


class _WrongBytesError(TextError):
    """The bytes at ``offset`` do not decode."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True)
class TextFile:
    """A file that decodes strictly, and how to read it."""

    path: Path
    name: str
    """What people call it: the path as they gave it, "standard input", a name of the catalogue."""
    encoding: str
    """Python's name of the encoding."""
    determined: Determined
    """How the encoding was found."""
    compressed: bool = False
    """Whether the file is gzip."""

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes of the file, decompressed, at most `BLOCK` at a time.

        Raises:
            TextError: the file cannot be read (any more), or its compressed data is damaged.
        """
        try:
            with _open(self.path, self.compressed) as stream:
                while block := stream.read(BLOCK):
                    yield block
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise TextError(f"{self.name} is damaged gzip data ({error}): unpack or fetch it again.") from error
        except OSError as error:
            raise _unreadable(self.name, error) from error

    def decoded(self) -> Iterator[str]:
        """Yield the text with its line ends as they are, without a byte order mark.

        Raises:
            TextError: the file cannot be read, or has bytes that do not decode; the message has their offset.
        """
        pieces = _decode(self)
        if codecs.lookup(self.encoding).name not in _READ_MARKS:
            yield next(pieces, "").removeprefix("\ufeff")
        yield from pieces

    def chunks(self) -> Iterator[str]:
        """Yield the text, every line end a ``\\n``, in pieces of about `BLOCK` characters at most.

        Raises:
            TextError: as for `decoded`.
        """
        newlines = io.IncrementalNewlineDecoder(None, translate=True)
        for piece in self.decoded():
            yield newlines.decode(cast(bytes, piece))  # without a decoder of its own it takes str
        yield newlines.decode(cast(bytes, ""), final=True)


@dataclass(frozen=True)
class LineEnds:
    """How many lines of a text end in each way."""

    lf: int = 0
    crlf: int = 0
    cr: int = 0


def count_line_ends(text: TextFile) -> LineEnds:
    """Count the line ends of ``text`` as they are in the file.

    Raises:
        TextError: as for `TextFile.decoded`.
    """
    lf = crlf = cr = 0
    held = ""
    for piece in text.decoded():
        piece = held + piece  # noqa: PLW2901
        held = "\r" if piece.endswith("\r") else ""
        piece = piece[: len(piece) - len(held)]  # noqa: PLW2901
        pairs = piece.count("\r\n")
        crlf, lf, cr = crlf + pairs, lf + piece.count("\n") - pairs, cr + piece.count("\r") - pairs
    return LineEnds(lf, crlf, cr + len(held))


def joined_chunks(texts: Sequence[TextFile], lowercase: bool = False) -> Iterator[str]:
    """Yield all ``texts`` one after another as one text in pieces, each text from a line of its own.

    A ``\\n`` is added between two texts where the first does not end in one, and nothing else.
    """
    pieces = _joined(texts)
    return _lowered(pieces) if lowercase else pieces


def _joined(texts: Sequence[TextFile]) -> Iterator[str]:
    last = "\n"
    for text in texts:
        if last != "\n":
            yield "\n"
            last = "\n"
        for chunk in text.chunks():
            last = chunk[-1:] or last
            yield chunk


def _lowered(pieces: Iterable[str]) -> Iterator[str]:
    """Lower-case as if the text were one string: a capital sigma is lowered by its place in the word.

    Words are therefore not cut, except those longer than 1,000 characters.
    """
    held = ""
    for piece in pieces:
        text = held + piece
        cut = max(text.rfind(" ", -1000), text.rfind("\n", -1000)) + 1 or len(text)
        held = text[cut:]
        yield text[:cut].lower()
    if held:
        yield held.lower()


def open_text(path: Path, encoding: str | None = None, name: str | None = None) -> TextFile:
    """Find out how to read the file at ``path`` and read it through once, to know that all of it decodes.

    Args:
        path: a plain or gzip file.
        encoding: its encoding, any that Python knows; detected when not given.
        name: what to call it in messages; the path when not given.

    Raises:
        TextError: the file cannot be read, is empty, is not text, or does not decode.
    """
    name = name or readable(path)
    text = TextFile(path, name, "utf-8", "UTF-8", _is_gzip(path, name))
    if encoding is not None:
        text = replace(text, encoding=_known_encoding(encoding), determined="given")
    else:
        text = _determine(text, head=next(text.blocks(), b""))
    if text.determined != "UTF-8":
        _read_through(text)
    return text


def readable(path: Path) -> str:
    """Return ``path`` for people and for JSON: as UTF-8 whatever the locale, other bytes shown like ``\\xff``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _determine(text: TextFile, head: bytes) -> TextFile:
    marked = marked_encoding(head)
    if marked:
        return replace(text, encoding=marked, determined="byte order mark")
    unmarked = unmarked_encoding(head)
    if unmarked:
        return replace(text, encoding=unmarked, determined="detected")
    kind = kind_of_binary(head)
    if kind:
        raise TextError(f"{text.name} is {kind}, not plain text: save its text as a .txt file and give that.")
    try:
        _read_through(text)
    except _WrongBytesError as wrong:
        return replace(text, encoding=_legacy(text, wrong), determined="detected")
    return text


def _legacy(text: TextFile, wrong: _WrongBytesError) -> str:
    evidence = gather_evidence(text.blocks())
    if is_damaged_utf8(evidence):
        raise TextError(f"{wrong} The rest of it is good UTF-8.")
    encoding = legacy_encoding(evidence)
    if encoding is None:
        raise TextError(
            f"{text.name} is in no encoding that was recognised (it is not UTF-8: see the byte at offset "
            f"{wrong.offset:,}). If it is text, say which with --encoding, like --encoding cp949."
        )
    return encoding


def _read_through(text: TextFile) -> None:
    if sum(map(len, text.decoded())) == 0:
        raise TextError(f"{text.name} is empty: give a file with text in it.")


def _decode(text: TextFile) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(text.encoding)("strict")
    offset = 0
    for block in _ended(text.blocks()):
        pending = len(decoder.getstate()[0])
        try:
            piece = decoder.decode(block, final=not block)
        except UnicodeError as error:
            start = offset - pending + (error.start if isinstance(error, UnicodeDecodeError) else 0)
            raise _wrong_bytes(text, start, error) from error
        offset += len(block)
        if piece:
            yield piece


def _ended(blocks: Iterator[bytes]) -> Iterator[bytes]:
    yield from blocks
    yield b""


def _wrong_bytes(text: TextFile, offset: int, error: UnicodeError) -> _WrongBytesError:
    what = str(error)
    if isinstance(error, UnicodeDecodeError):
        what = error.object[error.start : error.end].hex(" ")
    how = {"UTF-8": "is", "given": "given as", "detected": "looks like"}.get(text.determined, "marked as")
    return _WrongBytesError(
        f"{text.name} ({how} {text.encoding}) has bytes at offset {offset:,} that do not decode: {what}. "
        "Give the right --encoding, or mend the file.",
        offset,
    )


def _known_encoding(encoding: str) -> str:
    try:
        if codecs.lookup(encoding).name in _NOT_OF_FILES:
            raise LookupError
        b"a".decode(encoding)
    except LookupError:
        near = difflib.get_close_matches(encoding.lower(), encodings.aliases.aliases, n=3)
        known = f"did you mean {' or '.join(near)}" if near else "utf-8, cp949 and gb18030 are examples"
        raise TextError(f"{encoding!r} is no encoding of text files that is known: {known}.") from None
    except UnicodeError:
        pass  # one byte is not always a character
    return codecs.lookup(encoding).name


def _is_gzip(path: Path, name: str) -> bool:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            what = "a folder" if path.is_dir() else "not a regular file"
            raise TextError(f"{name} is {what}: give a file.")
        with path.open("rb") as stream:
            return stream.read(2) == b"\x1f\x8b"
    except OSError as error:
        raise _unreadable(name, error) from error


def _open(path: Path, compressed: bool) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if compressed else path.open("rb")


def _unreadable(name: str, error: OSError) -> TextError:
    return TextError(f"{name} cannot be read: {error.strerror or error}. Check the path and its permissions.")
