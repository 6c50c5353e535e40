"""A column of a file of records, as a text: each record is a document."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from nextchar.errors import TextError, shortened
from nextchar.settings import Boundary
from nextchar.text.content import DOTTED_CAPITAL, Content, LineEnds, Section
from nextchar.text.files import is_compressed, open_text
from nextchar.text.labels import labelled
from nextchar.text.normalization import in_form
from nextchar.text.reading_options import ReadingOptions
from nextchar.text.records import FORMAT_NAMES, Format, format_of, read_records
from nextchar.text.text_file import TextFile, lowered, missing_boundary, readable

MIN_SECTION = 100_000
"""Smallest section in characters, but for the last: one ends with the document that makes it so long. The end of each
is held out, so the held-out text is spread over the file, whose records may be sorted."""
_SURROGATE = re.compile("[\ud800-\udfff]")
MAX_SECTIONS = 1024
"""Most sections of a file: before there are more, they are joined in pairs."""


def open_records(path: Path, options: ReadingOptions, name: str | None = None) -> RecordFile:
    """Open the column of a file of records as a text, and read it once.

    Args:
        path: the file, plain or compressed.
        options: the column, and how it is read; an encoding of None is UTF-8 for JSON lines, and detected for CSV and
            TSV.
        name: its name in messages, whose suffix gives the format; the path if None.

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
    encoding, errors = options.encoding, options.errors
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
        column=options.column or "",
        label_column=options.label_column,
        boundary=options.boundary,
        normalize=options.normalize,
    ).examine()


@dataclass(frozen=True)
class RecordFile(TextFile):
    """The text in a column of a file of records: its documents, each followed by a boundary, in UTF-8."""

    source: TextFile | None = None
    """The file as plain text, with its own encoding; None for Parquet."""
    kind: Format = "jsonl"
    column: str = ""
    label_column: str | None = None
    boundary: Boundary = "line"
    documents: int = 0
    """Number of documents."""
    left_out: int = 0
    """Number of records that hold no text in the column, or no label: it is missing, null or empty."""

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
        texts = filter(None, (piece.text for piece in self._pieces(sections[0].records)))
        if on_block:
            texts = _passed_on(texts, on_block)
        for section in _cut(texts, [section.characters for section in sections]):
            yield lowered(section) if lowercase else section

    def examine(self) -> RecordFile:
        """Read all of the file, and return it with what was found.

        Raises:
            TextError: it cannot be read, a record is damaged, or no record holds text.
        """
        stamp, digest, sections = self.stamp, hashlib.sha256(), _Sections()
        size = characters = line_ends = dotted = zeros = documents = left_out = 0
        for piece in self._pieces():
            text = piece.text
            content = text.encode()
            digest.update(content)
            size += len(content)
            characters += len(text)
            line_ends += text.count("\n")
            dotted += text.count(DOTTED_CAPITAL)
            zeros += text.count("\0")
            documents += len(piece.documents)
            left_out += piece.records - len(piece.documents)
            sections.add(piece)
        if documents == 0:
            raise TextError(
                f"{self.name} has no text in the column {shortened(self.column)} ({left_out:,} records): give a file "
                "with text in it, or name another column in --column."
            )
        found = Content(stamp, digest.hexdigest(), size, characters, LineEnds(line_ends), dotted, sections.all())
        return replace(self, zeros=zeros, documents=documents, left_out=left_out, content=found)

    def _pieces(self, skip: int = 0) -> Iterator[_Piece]:
        """Yield the documents after the first ``skip`` records, each followed by a boundary, a batch at a time."""
        columns = [self.column] if self.label_column is None else [self.column, self.label_column]
        for batch in read_records(self.source or self, self.kind, columns, skip):
            values, *labels = batch.columns
            if labels:
                pairs = zip(labels[0], values, strict=True)
                values = [labelled(label, value) if label and value else None for label, value in pairs]
            indices = [index for index, value in enumerate(values) if value]
            documents = [value for value in values if value]
            text = "".join(documents)
            if not text.isascii() and _SURROGATE.search(text):
                wrong = next(at for at, document in zip(indices, documents, strict=True) if _SURROGATE.search(document))
                raise TextError(
                    f"{self.name}, {batch.place(wrong)}, has a lone surrogate, which is not a character. Repair or "
                    "remove that record."
                )
            if self.normalize is not None:
                documents = [in_form(document, self.normalize) for document in documents]
            if "\r" in text:
                documents = [document.replace("\r\n", "\n").replace("\r", "\n") for document in documents]
            documents = [document + missing_boundary(document, self.boundary) for document in documents]
            yield _Piece(documents, indices, len(values))


@dataclass(frozen=True)
class _Piece:
    """The documents of some consecutive records."""

    documents: list[str]
    indices: list[int]
    """Of the record that each comes from."""
    records: int

    @property
    def text(self) -> str:
        """The documents as one text."""
        return "".join(self.documents)


class _Sections:
    """Divides a file into sections while it is read."""

    def __init__(self) -> None:
        self._done: list[Section] = []
        self._current = Section(0, 0, 0)
        self._least = MIN_SECTION
        self._records = 0
        """Number of records read."""

    def add(self, piece: _Piece) -> None:
        """Add the next piece."""
        start = 0
        lengths = [*accumulate(map(len, piece.documents), initial=0)]
        while start < len(piece.documents):
            # The section ends with the document that makes it long enough.
            end = bisect_left(lengths, lengths[start] + self._least - self._current.characters)
            self._current = _joined(self._current, Section(0, *_size("".join(piece.documents[start:end]))))
            if end > len(piece.documents):
                break
            start = end
            self._close(self._records + piece.indices[end - 1] + 1)
        self._records += piece.records

    def _close(self, records: int) -> None:
        """End the current section after so many ``records``."""
        self._done.append(self._current)
        self._current = Section(records, 0, 0)
        if len(self._done) >= MAX_SECTIONS:
            self._least *= 2
            self._done = [_joined(*pair) for pair in zip(self._done[::2], self._done[1::2], strict=True)]

    def all(self) -> tuple[Section, ...]:
        """Return the sections, the last one of which may be short."""
        return (*self._done, self._current) if self._current.characters else tuple(self._done)


def _size(text: str) -> tuple[int, int]:
    """Return the number of characters of ``text``, and of capital I with a dot."""
    return len(text), text.count(DOTTED_CAPITAL)


def _joined(first: Section, second: Section) -> Section:
    return Section(first.records, first.characters + second.characters, first.dotted_capitals + second.dotted_capitals)


def _passed_on(texts: Iterable[str], on_block: Callable[[bytes], object]) -> Iterator[str]:
    for text in texts:
        on_block(text.encode())
        yield text


def _cut(texts: Iterator[str], lengths: Sequence[int]) -> Iterator[Iterator[str]]:
    """Cut ``texts`` into parts of these ``lengths`` in characters, each in pieces, to be read one after another."""
    rest = ""

    def part(length: int) -> Iterator[str]:
        nonlocal rest
        while length > 0 and (rest := rest or next(texts, "")):
            piece, rest = rest[:length], rest[length:]
            length -= len(piece)
            yield piece

    return map(part, lengths)
