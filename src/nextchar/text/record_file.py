"""A column of a file of records, as a text: each record is a document."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from nextchar.errors import TextError
from nextchar.settings import Boundary, Errors
from nextchar.text.files import is_compressed, open_text
from nextchar.text.records import FORMAT_NAMES, Format, format_of, read_records
from nextchar.text.text_file import Content, LineEnds, Section, TextFile, lowered, missing_boundary, readable

PIECE = 1 << 16
"""Characters from which on documents are passed on together."""
MIN_SECTION = 100_000
"""Smallest section in characters, but for the last. The end of each is held out, so the held-out text is spread over
the file, whose records may be sorted."""
_SURROGATE = re.compile("[\ud800-\udfff]")
MAX_SECTIONS = 1024
"""Most sections of a file: if there are more, they are joined in pairs."""


def open_records(
    path: Path,
    column: str,
    *,
    name: str | None = None,
    encoding: str | None = None,
    errors: Errors = "strict",
    boundary: Boundary = "line",
) -> RecordFile:
    """Open the column of a file of records as a text, and read it once.

    Args:
        path: the file, plain or compressed.
        column: the column with the text.
        name: its name in messages, whose suffix gives the format; the path if None.
        encoding: its encoding; if None, it is UTF-8 for JSON lines, and detected for CSV and TSV.
        errors: how to read wrong bytes; an error by default.
        boundary: what separates documents.

    Raises:
        TextError: it is not a file of records, cannot be read, has no such column, or has a damaged record.
        MissingDependencyError: a package that reads it is not installed.
    """
    name = name or readable(path)
    kind = format_of(name)
    if kind is None:
        raise TextError(
            f"{name} has no columns: --column is for files of records, whose names end in {FORMAT_NAMES}, perhaps "
            "compressed. Leave --column out, or train on such files alone."
        )
    source = None
    text = TextFile(path, name, "utf-8", "UTF-8", is_compressed(path, name), errors)
    if kind == "parquet":
        if text.compressed:
            raise TextError(f"{name} is compressed as a whole, but Parquet is read in parts: unpack it.")
    elif kind == "jsonl" and encoding is None and errors == "strict":
        source = text  # to detect the encoding, it would have to be read once more
    else:
        source = open_text(path, encoding, name, errors)
    return RecordFile(
        path,
        name,
        "utf-8",
        "UTF-8",
        text.compressed,
        source=source,
        kind=kind,
        column=column,
        boundary=boundary,
    ).examine()


@dataclass(frozen=True)
class RecordFile(TextFile):
    """The text in a column of a file of records: its documents, each followed by a boundary, in UTF-8."""

    source: TextFile | None = None
    """The file as plain text, with its own encoding; None for Parquet."""
    kind: Format = "jsonl"
    column: str = ""
    boundary: Boundary = "line"
    documents: int = 0
    """Number of documents."""
    left_out: int = 0
    """Number of records that hold no text in the column: it is missing, null or empty."""

    def blocks(self) -> Iterator[bytes]:
        """Yield the text in UTF-8."""
        return (piece.text.encode() for piece in self._pieces())

    def decoded(self, blocks: Iterable[bytes] | None = None) -> Iterator[str]:
        """Yield the text; ``blocks`` are those of `blocks`, if they are already read."""
        if blocks is not None:
            return (block.decode() for block in blocks)
        return (piece.text for piece in self._pieces())

    def sections(
        self, start: int = 0, *, lowercase: bool = False, on_block: Callable[[bytes], object] | None = None
    ) -> Iterator[Iterator[str]]:
        """Yield the sections that the first reading found, from number ``start`` on, as `TextFile.sections` does."""
        assert self.content is not None, "it has been read"
        sections = self.content.sections[start:]
        pieces = self._pieces(sections[0].records)
        for section in sections:
            texts = _texts_of(pieces, section.characters, on_block)
            yield lowered(texts) if lowercase else texts

    def examine(self) -> RecordFile:
        """Read all of the file, and return it with what was found.

        Raises:
            TextError: it cannot be read, a record is damaged, or no record holds text.
        """
        stamp, digest, sections = self.stamp, hashlib.sha256(), _Sections()
        size = characters = line_ends = dotted = zeros = documents = left_out = 0
        for piece in self._pieces():
            content = piece.text.encode()
            digest.update(content)
            size += len(content)
            characters += len(piece.text)
            line_ends += piece.text.count("\n")
            dotted += piece.text.count("\u0130")
            zeros += piece.text.count("\0")
            documents += piece.documents
            left_out += piece.records - piece.documents
            sections.add(piece)
        if documents == 0:
            raise TextError(
                f"{self.name} has no text in the column {self.column!r} ({left_out:,} records): give a file with text "
                "in it, or name another column in --column."
            )
        found = Content(stamp, digest.hexdigest(), size, characters, LineEnds(line_ends), dotted, sections.all())
        return replace(self, zeros=zeros, documents=documents, left_out=left_out, content=found)

    def _pieces(self, skip: int = 0) -> Iterator[_Piece]:
        """Yield whole documents, together at least `PIECE` characters, from the record after the first ``skip`` on."""
        texts, characters, records, documents = list[str](), 0, 0, 0
        for record in read_records(self.source or self, self.kind, [self.column], skip):
            records += 1
            document = record.values[0]
            if document:
                text = self._normalised(document, record.place)
                texts += [text, missing_boundary(text[-2:], self.boundary)]
                characters += len(text)
                documents += 1
            if characters >= PIECE:
                yield _Piece("".join(texts), records, documents)
                texts, characters, records, documents = [], 0, 0, 0
        if records:
            yield _Piece("".join(texts), records, documents)

    def _normalised(self, document: str, place: str) -> str:
        """Return ``document`` with every line end a ``\\n``."""
        if not document.isascii() and _SURROGATE.search(document):
            raise TextError(
                f"{self.name}, {place}, has a lone surrogate, which is not a character. Repair or remove that record."
            )
        return document.replace("\r\n", "\n").replace("\r", "\n") if "\r" in document else document


@dataclass(frozen=True)
class _Piece:
    """Some documents of a file, and how many records they come from."""

    text: str
    records: int
    documents: int


class _Sections:
    """Divides a file into sections while it is read."""

    def __init__(self) -> None:
        self._sections: list[Section] = []
        self._least = MIN_SECTION
        self._records = 0

    def add(self, piece: _Piece) -> None:
        """Add the next piece: to the last section, or as a new one if that is long enough."""
        if not piece.documents:
            self._records += piece.records
            return
        if self._sections and self._sections[-1].characters < self._least:
            self._sections[-1] = _joined(self._sections[-1], self._section_of(piece))
        else:
            self._sections.append(self._section_of(piece))
        self._records += piece.records
        if len(self._sections) > MAX_SECTIONS:
            self._least *= 2
            paired = [self._sections[at : at + 2] for at in range(0, len(self._sections), 2)]
            self._sections = [_joined(*pair) if len(pair) == 2 else pair[0] for pair in paired]

    def all(self) -> tuple[Section, ...]:
        """Return the sections."""
        return tuple(self._sections)

    def _section_of(self, piece: _Piece) -> Section:
        return Section(self._records, len(piece.text), piece.text.count("\u0130"))


def _joined(first: Section, second: Section) -> Section:
    return Section(first.records, first.characters + second.characters, first.dotted_capitals + second.dotted_capitals)


def _texts_of(pieces: Iterator[_Piece], characters: int, on_block: Callable[[bytes], object] | None) -> Iterator[str]:
    """Yield the texts of ``pieces`` that make up a section of so many characters."""
    for piece in pieces:
        if on_block:
            on_block(piece.text.encode())
        yield piece.text
        characters -= len(piece.text)
        if characters <= 0:
            return
