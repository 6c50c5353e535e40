"""A text in a file: how to read it piece by piece, and what the first reading found."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, cast

from nextchar.errors import TextError
from nextchar.settings import Boundary, Errors, Normalization
from nextchar.text.compression import CompressedDataError, read_compressed
from nextchar.text.content import DOTTED_CAPITAL, Content, LineEndCounter, LineEnds, Stamp
from nextchar.text.decoding import BYTES, Decoding, UndecodableError
from nextchar.text.normalization import normalized

BLOCK = 1 << 20
"""Bytes read at a time."""

Determined = Literal["given", "byte order mark", "UTF-8", "detected"]

_WORD_BEYOND_ASCII = re.compile(r"[^\s\x00-\x1f]{0,12}[^\x00-\xa0]\S{0,12}(?: \w{1,8})?")


class EmptyTextError(TextError):
    """A text has no characters."""


class NotTextError(TextError):
    """A file is not text, or in an encoding that was not recognised; its bytes can be learned all the same."""


class WrongBytesError(NotTextError):
    """The bytes at ``offset`` do not decode. If ``at_end``, the file ends inside the character that begins there."""

    def __init__(self, message: str, offset: int, at_end: bool) -> None:
        super().__init__(message)
        self.offset, self.at_end = offset, at_end


@dataclass(frozen=True)
class TextFile:
    """A file that has been opened, and how to read it."""

    path: Path
    name: str
    """Its name in messages: the path as given, "standard input", or a name of the catalogue."""
    encoding: str
    """Python's name of the encoding."""
    determined: Determined
    """How the encoding was determined."""
    compressed: bool = False
    """Whether the file is compressed."""
    errors: Errors = "strict"
    """How wrong bytes are read."""
    replaced: int = 0
    """Number of wrong bytes, or sequences of them, that were replaced."""
    padding: int = 0
    """Number of zero bytes at the end of the file, which are left out."""
    zeros: int = 0
    """Number of zero characters in the text, which are kept."""
    content: Content | None = field(default=None, compare=False)
    """What reading the whole file found; None if it has not been read."""
    address: str | None = None
    """Address that the file was fetched from; None if it was not."""
    normalize: Normalization | None = None
    """Unicode's normalization form that the text is brought into as it is decoded; None leaves it as it is."""

    @property
    def is_of_bytes(self) -> bool:
        """Whether every byte is read as it is."""
        return self.encoding == BYTES

    @property
    def place(self) -> str:
        """Where to find the text again: its address, or the absolute path of the file."""
        return self.address or str(self.path.absolute())

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes of the file, decompressed, at most `BLOCK` at a time.

        Raises:
            TextError: the file cannot be read, or its compressed data is damaged.
        """
        try:
            if self.compressed:
                yield from read_compressed(self.path, BLOCK)
                return
            with self.path.open("rb") as stream:
                while block := stream.read(BLOCK):
                    yield block
        except CompressedDataError as error:
            raise TextError(f"{self.name} is {error}: unpack or download it again.") from error
        except OSError as error:
            raise unreadable(self.name, error) from error

    def decoded(self, blocks: Iterable[bytes] | None = None) -> Iterator[str]:
        """Yield the text with line ends as in the file, without a byte order mark.

        Args:
            blocks: the bytes of the file, if they are already read.

        Raises:
            TextError: the file cannot be read, or has bytes that do not decode; the message gives their offset.
        """
        return _decoded(self, Decoding(self.encoding, self.errors), blocks or self.blocks())

    def chunks(self, blocks: Iterable[bytes] | None = None) -> Iterator[str]:
        """Yield the text with every line end a ``\\n``, in pieces of at most about `BLOCK` characters.

        Where bytes are read as they are, the line ends are too.

        Args:
            blocks: as for `decoded`.

        Raises:
            TextError: as for `decoded`.
        """
        if self.is_of_bytes:
            yield from self.decoded(blocks)
            return
        newlines = io.IncrementalNewlineDecoder(None, translate=True)
        for piece in self.decoded(blocks):
            yield newlines.decode(cast(bytes, piece))  # without a decoder, it takes str
        yield newlines.decode(cast(bytes, ""), final=True)

    def sections(
        self, start: int = 0, *, lowercase: bool = False, on_block: Callable[[bytes], object] | None = None
    ) -> Iterator[Iterator[str]]:
        """Yield the sections of the text, each in pieces as `chunks` yields; a plain text is a single section.

        Args:
            start: number of the section to start from.
            lowercase: whether to lower-case the text.
            on_block: called with all bytes of the text, in blocks, for a hash.
        """
        assert start == 0, "a plain text has a single section"
        yield text_chunks(self, lowercase, _passed_on(self.blocks(), on_block) if on_block else None)

    def examine(self) -> TextFile:
        """Read all of the text, and return it with what was found: `read_through`."""
        return read_through(self)

    @property
    def stamp(self) -> Stamp:
        """Current size and time of the file.

        Raises:
            TextError: it does not exist any more.
        """
        try:
            status = self.path.stat()
        except OSError as error:
            raise unreadable(self.name, error) from error
        return status.st_size, status.st_mtime_ns


def content_of(text: TextFile) -> Content:
    """Return what reading all of ``text`` finds. It is read only if that has not been done, or if it has changed.

    Raises:
        TextError: as for `TextFile.decoded`.
    """
    content = up_to_date(text).content
    assert content is not None, "it has been read"
    return content


def up_to_date(text: TextFile) -> TextFile:
    """Return ``text`` with what reading all of it finds: itself, unless it has not been read or has changed.

    Raises:
        TextError: as for `TextFile.decoded`.
    """
    return text if text.content is not None and text.content.stamp == text.stamp else text.examine()


def read_through(text: TextFile) -> TextFile:
    """Read and decode all of ``text``, and return it with what was found.

    Raises:
        WrongBytesError: it does not decode.
        EmptyTextError: it is empty.
        TextError: it cannot be read.
    """
    stamp, decoding, digest = text.stamp, Decoding(text.encoding, text.errors), hashlib.sha256()
    size = characters = zeros = dotted = 0

    def hashed_blocks() -> Iterator[bytes]:
        nonlocal size
        for block in text.blocks():
            digest.update(block)
            size += len(block)
            yield block

    ends = LineEndCounter()
    for piece in _decoded(text, decoding, hashed_blocks()):
        ends.add(piece)
        characters += len(piece)
        zeros += piece.count("\0")
        dotted += piece.count(DOTTED_CAPITAL)
    if characters == 0:
        raise EmptyTextError(f"{text.name} is empty: give a file with text in it.")
    line_ends = ends.total() if not text.is_of_bytes else LineEnds(ends.total().lf + ends.total().crlf)
    content = Content(stamp, digest.hexdigest(), size, characters, line_ends, dotted)
    return replace(text, replaced=decoding.replaced, padding=decoding.padding, zeros=zeros, content=content)


def _passed_on(blocks: Iterable[bytes], on_block: Callable[[bytes], object]) -> Iterator[bytes]:
    for block in blocks:
        on_block(block)
        yield block


def joined_chunks(texts: Sequence[TextFile], lowercase: bool = False, boundary: Boundary = "line") -> Iterator[str]:
    """Yield all ``texts`` as one text in pieces, with ``boundary`` between them; by default each starts on a new line,
    for which a ``\\n`` is added after a text that does not end in one."""
    ending = ""
    for text in texts:
        if missing := missing_boundary(ending, boundary):
            yield missing
            ending += missing
        for chunk in text_chunks(text, lowercase):
            ending = (ending + chunk)[-2:]
            yield chunk


def missing_boundary(ending: str, boundary: Boundary) -> str:
    """Return the line ends to add after a document with this ``ending`` (its last two characters or more) to separate
    it from the next one; after nothing at all, nothing is missing."""
    if not ending or boundary == "none":
        return ""
    if not ending.endswith("\n"):
        return "\n" if boundary == "line" else "\n\n"
    return "" if boundary == "line" or ending.endswith("\n\n") else "\n"


def text_chunks(text: TextFile, lowercase: bool = False, blocks: Iterable[bytes] | None = None) -> Iterator[str]:
    """Yield ``text`` as `TextFile.chunks` does, lower-cased if requested.

    Raises:
        TextError: as for `TextFile.decoded`.
    """
    return lowered(text.chunks(blocks)) if lowercase else text.chunks(blocks)


def lowered(pieces: Iterable[str]) -> Iterator[str]:
    """Yield ``pieces`` lower-cased as one string: the lower case of a capital sigma depends on its word."""
    return map(str.lower, _whole_words(pieces))


def _whole_words(pieces: Iterable[str]) -> Iterator[str]:
    """Yield ``pieces`` cut elsewhere: not within words, except those longer than 1,000 characters."""
    held = ""
    for piece in pieces:
        text = held + piece
        cut = max(text.rfind(" ", -1000), text.rfind("\n", -1000)) + 1 or len(text)
        held = text[cut:]
        yield text[:cut]
    if held:
        yield held


def is_code_page(encoding: str) -> bool:
    """Return whether every character takes one byte in ``encoding``."""
    decoded = bytes(range(0x80, 0x100)).decode(encoding, "replace")
    return len(decoded) == 0x80 and set(decoded) != {"\ufffd"}  # in UTF-8 and ISO-2022, all of these are wrong


def words_beyond_ascii(text: TextFile, max_words: int = 5) -> list[str]:
    """Return the first words of ``text`` with characters beyond ASCII, each with one that the words before lack.

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
            if len(words) == max_words:
                return words
    return words


def readable(path: Path) -> str:
    """Return ``path`` for messages and JSON: as UTF-8 in any locale, with other bytes shown as ``\\xff``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _decoded(text: TextFile, decoding: Decoding, blocks: Iterable[bytes]) -> Iterator[str]:
    try:
        pieces = decoding.pieces(blocks)
        yield from pieces if text.normalize is None else normalized(pieces, text.normalize)
    except UndecodableError as wrong:
        raise _wrong_bytes(text, wrong) from wrong


def _wrong_bytes(text: TextFile, wrong: UndecodableError) -> WrongBytesError:
    context = f"They are between {wrong.before!r} and {wrong.after!r}."
    if wrong.at_end:
        context = "The file is cut off there, in the middle of a character."
    how = {"UTF-8": "is", "given": "given as", "detected": "looks like"}.get(text.determined, "marked as")
    return WrongBytesError(
        f"{text.name} ({how} {text.encoding}) has bytes at offset {wrong.offset:,} in line {wrong.line:,} that do not "
        f"decode: {wrong}. "
        f"{context} Give the right --encoding, repair the file, or read it anyway with --errors replace.",
        wrong.offset,
        wrong.at_end,
    )


def unreadable(name: str, error: OSError) -> TextError:
    """Return the error for a file that cannot be opened or read."""
    return TextError(f"{name} cannot be read: {error.strerror or error}. Check the path and its permissions.")
