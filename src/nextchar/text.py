"""Bytes into text: which encoding a file is in, and its characters, in bounded memory.

The encoding is the one given, else the one a byte order mark names, else UTF-16 or UTF-32 if zero bytes say
so, else UTF-8 if the whole file is valid UTF-8, else a legacy encoding that is detected. Whatever was
chosen, the whole file is decoded before a `TextFile` is handed out: no byte is dropped without a word. Wrong bytes
are an error unless `Errors` asks for something else; zeros at the end of a file are padding, left out and counted.
"""

from __future__ import annotations

import codecs
import difflib
import encodings.aliases
import gzip
import io
import os
import re
import stat
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal, cast

from nextchar.decoding import Decoding, Errors, UndecodableError
from nextchar.detection import (
    WIDTHS,
    Damage,
    find_damage,
    find_foreign_bytes,
    gather_evidence,
    kind_of_binary,
    legacy_encoding,
    marked_encoding,
    unmarked_encoding,
    wide_reading,
)
from nextchar.errors import TextError

BLOCK = 1 << 20
"""Bytes read at a time."""

Determined = Literal["given", "byte order mark", "UTF-8", "detected"]

_WORD_BEYOND_ASCII = re.compile(r"[^\s\x00-\x1f]{0,12}[^\x00-\xa0]\S{0,12}(?: \w{1,8})?")
_NOT_OF_FILES = {"unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"}
"""What Python calls encodings and no file is in."""


class _WrongBytesError(TextError):
    """The bytes at ``offset`` do not decode; ``at_end``, they begin a character that the file does not end."""

    def __init__(self, message: str, offset: int, at_end: bool) -> None:
        super().__init__(message)
        self.offset, self.at_end = offset, at_end


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
    errors: Errors = "strict"
    """What wrong bytes are read as."""
    replaced: int = 0
    """How many wrong bytes, or sequences of them, were read as something else."""
    padding: int = 0
    """Zeros at the end of the file, which are left out."""
    zeros: int = 0
    """Zeros inside the text, which are characters of it."""

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
        return _decoded(self, Decoding(self.encoding, self.errors))

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
    last = "\n"
    for text in texts:
        if last != "\n":
            yield "\n"
            last = "\n"
        for chunk in text_chunks(text, lowercase):
            last = chunk[-1:] or last
            yield chunk


def text_chunks(text: TextFile, lowercase: bool = False) -> Iterator[str]:
    """Yield ``text`` as `TextFile.chunks` does, lower-cased if asked for.

    Raises:
        TextError: as for `TextFile.decoded`.
    """
    return _lowered(text.chunks()) if lowercase else text.chunks()


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


def is_code_page(encoding: str) -> bool:
    """Return whether every character takes one byte in ``encoding``."""
    return len(bytes(range(0x80, 0x100)).decode(encoding, "replace")) == 0x80


def words_beyond_ascii(text: TextFile, most: int = 5) -> list[str]:
    """Return the first words of ``text`` that show most of its characters beyond ASCII, each new to those before.

    Raises:
        TextError: as for `TextFile.decoded`.
    """
    words: list[str] = []
    shown: set[str] = set()
    for piece in text.decoded():
        for match in _WORD_BEYOND_ASCII.finditer(piece):
            letters = {c for c in match[0] if not c.isascii()}
            if not letters <= shown:
                shown |= letters
                words.append(match[0])
            if len(words) == most:
                return words
    return words


def open_text(path: Path, encoding: str | None = None, name: str | None = None, errors: Errors = "strict") -> TextFile:
    """Find out how to read the file at ``path`` and read it through once, to know that all of it decodes.

    Args:
        path: a plain or gzip file.
        encoding: its encoding, any that Python knows; detected when not given.
        name: what to call it in messages; the path when not given.
        errors: what wrong bytes are read as; an error when not given.

    Raises:
        TextError: the file cannot be read, is empty, is not text, or does not decode.
    """
    name = name or readable(path)
    text = TextFile(path, name, "utf-8", "UTF-8", _is_gzip(path, name), errors)
    if encoding is not None:
        text = replace(text, encoding=_known_encoding(encoding), determined="given")
    else:
        text = _determine(text, head=next(text.blocks(), b""))
        if text.determined == "UTF-8" and errors == "strict":
            return text
    text = _read_through(text)
    if errors == "latin" and text.replaced and text.encoding.startswith(("utf-16", "utf-32")):
        raise TextError(f"--errors latin reads single bytes, and {name} is in {text.encoding}: give --errors replace.")
    return text


def readable(path: Path) -> str:
    """Return ``path`` for people and for JSON: as UTF-8 whatever the locale, other bytes shown like ``\\xff``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _determine(text: TextFile, head: bytes) -> TextFile:
    marked = marked_encoding(head)
    if marked:
        return _checked(replace(text, encoding=marked, determined="byte order mark"))
    unmarked = unmarked_encoding(head)
    if unmarked:
        return _checked(replace(text, encoding=unmarked, determined="detected"))
    kind = kind_of_binary(head)
    if kind:
        raise TextError(
            f"{text.name} is {kind}, not plain text: save its text as a .txt file and give that.{_wide_hint(head)}"
        )
    try:
        return replace(_read_through(replace(text, errors="strict")), errors=text.errors)
    except _WrongBytesError as wrong:
        return _not_utf8(text, wrong, head)


def _checked(text: TextFile) -> TextFile:
    """Return ``text``, which a mark or zeros say is in UTF-16 or UTF-32, if all of it makes sense."""
    foreign = find_foreign_bytes(text.blocks(), text.encoding) if text.encoding in WIDTHS else None
    if foreign is None:
        return text
    raise TextError(
        f"{text.name} begins in {text.encoding} and goes on in another encoding at offset {foreign:,}, where its text "
        f"turns into characters that make no sense. Save it in one encoding, or give --encoding {text.encoding} to "
        "have it read like that all the same."
    )


def _wide_hint(head: bytes) -> str:
    wide = wide_reading(head)
    return f" If it is UTF-16 without a byte order mark, say so: --encoding {wide}." if wide else ""


def _not_utf8(text: TextFile, wrong: _WrongBytesError, head: bytes) -> TextFile:
    """Return ``text`` as UTF-8 with wrong bytes, where errors are allowed, or in a legacy encoding."""
    damage = find_damage(text.blocks(), wrong.offset, at_end=wrong.at_end)
    if damage is not None:
        if text.errors == "strict":
            raise _damaged(text, damage, wrong)
        return text
    encoding = legacy_encoding(gather_evidence(text.blocks()).rstrip(b"\0"))  # zeros at the end are padding
    if encoding is None:
        raise TextError(
            f"{text.name} is in no encoding that was recognised (it is not UTF-8: see the byte at offset "
            f"{wrong.offset:,}). If it is text, say which with --encoding, like --encoding "
            f"{wide_reading(head) or 'cp949'}."
        )
    return replace(text, encoding=encoding, determined="detected")


def _damaged(text: TextFile, damage: Damage, wrong: _WrongBytesError) -> TextError:
    """Return the error of a file that is UTF-8 in part."""
    latin = "--encoding utf-8 --errors latin, which reads what is not UTF-8 as cp1252."
    match damage.kind:
        case "damaged":
            return TextError(f"{wrong} The rest of it is good UTF-8. If the wrong bytes are letters, try {latin}")
        case "cut":
            return TextError(f"{wrong} All before is good UTF-8: fetch or copy the file again.")
        case "legacy after UTF-8":
            other = legacy_encoding(gather_evidence(_part(text, damage.offset, None))) or "another encoding"
            parts = f"UTF-8 up to offset {damage.offset:,} and {other} from there"
        case "UTF-8 after legacy":
            other = legacy_encoding(gather_evidence(_part(text, 0, damage.offset))) or "another encoding"
            parts = f"{other} up to offset {damage.offset:,} and UTF-8 from there"
    return TextError(f"{text.name} is in two encodings, {parts}: save it in one, or give {latin}")


def _part(text: TextFile, start: int, stop: int | None) -> Iterator[bytes]:
    """Yield the bytes of ``text`` from ``start`` up to ``stop``, or to the end."""
    offset = 0
    for block in text.blocks():
        yield block[max(0, start - offset) : None if stop is None else max(0, stop - offset)]
        offset += len(block)


def _read_through(text: TextFile) -> TextFile:
    """Return ``text`` with what is known once all of it was decoded."""
    decoding = Decoding(text.encoding, text.errors)
    characters = zeros = 0
    for piece in _decoded(text, decoding):
        characters += len(piece)
        zeros += piece.count("\0")
    if characters == 0:
        raise TextError(f"{text.name} is empty: give a file with text in it.")
    return replace(text, replaced=decoding.replaced, padding=decoding.padding, zeros=zeros)


def _decoded(text: TextFile, decoding: Decoding) -> Iterator[str]:
    try:
        yield from decoding.pieces(text.blocks())
    except UndecodableError as wrong:
        raise _wrong_bytes(text, wrong) from wrong


def _wrong_bytes(text: TextFile, wrong: UndecodableError) -> _WrongBytesError:
    where = f" They stand between {wrong.before!r} and {wrong.after!r}."
    if wrong.at_end:
        where = " The file is cut off there, in the middle of a character."
    how = {"UTF-8": "is", "given": "given as", "detected": "looks like"}.get(text.determined, "marked as")
    return _WrongBytesError(
        f"{text.name} ({how} {text.encoding}) has bytes at offset {wrong.offset:,} that do not decode: {wrong}.{where} "
        "Give the right --encoding, mend the file, or take it as it is with --errors replace.",
        wrong.offset,
        wrong.at_end,
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
