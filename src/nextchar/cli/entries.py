"""What `nextchar score` reads: lines, or records with a column of text, some at a time and as they come."""

from __future__ import annotations

import csv
import json
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from nextchar.cli.console import note, resolve
from nextchar.errors import TextError, UsageError, shortened
from nextchar.settings import Errors
from nextchar.text.reading_options import ReadingOptions
from nextchar.text.records import FORMAT_NAMES, MAX_RECORD, Format, format_of, missing_column

if TYPE_CHECKING:
    from nextchar.text.text_file import TextFile

STANDARD_INPUT = "-"


class Entry(NamedTuple):
    """A text to score, and what it stood in."""

    number: int
    """Of its line in the file, from 1; of the last one where it has several."""
    text: str | None
    """None where a record has none."""
    source: str | Sequence[str] | None = None
    """The JSON object or the row with the text; None for a line."""


class Source:
    """The entries of one file."""

    def __init__(self, name: str, encoding: str | None, errors: Errors, column: str | None) -> None:
        """Name the file.

        Args:
            name: its path, or - for standard input.
            encoding: of the file; detected if None, and UTF-8 for a pipe.
            errors: how to read wrong bytes.
            column: the column or field with the text; None for lines.
        """
        self.name, self._encoding, self._column = name, encoding, column
        self._errors: Errors = errors
        self.header: list[str] = []
        """The names of the columns of a table, as soon as one of its entries was read."""

    def entries(self) -> Iterator[list[Entry]]:
        """Yield the entries, some at a time; those of a pipe as they come.

        Raises:
            TextError: the file cannot be read, or a record is damaged or has no text.
        """
        kind = None if self._column is None else records_of(self.name)
        if kind is None:
            return self._numbered(Entry)
        if kind == "jsonl":
            return self._numbered(self._object)
        return self._rows(kind)

    def _numbered(self, entry: Callable[[int, str], Entry | None]) -> Iterator[list[Entry]]:
        """Yield what ``entry`` makes of the number of each line and the line."""
        number = 0
        for lines in self._lines():
            found = [entry(at, line) for at, line in enumerate(lines, number + 1)]
            number += len(lines)
            yield [each for each in found if each is not None]

    def _object(self, number: int, line: str) -> Entry | None:
        """Return the entry of a line of a file of JSON lines; None for an empty one."""
        if not line.strip():
            return None
        try:
            record: Any = json.loads(line, parse_int=float)  # however many digits
        except (ValueError, RecursionError) as error:
            raise self._damaged(number, f"is not JSON ({error})") from error
        if not isinstance(record, dict):
            raise self._damaged(number, "is not a JSON object")
        fields = cast("dict[str, object]", record)
        text = fields.get(self._column or "")
        if not isinstance(text, str | None):
            raise self._damaged(number, f"has no text in {self._column!r}, but {json.dumps(text)[:40]}")
        if self._column not in fields and number == 1:
            raise self._damaged(number, f"has no field {self._column!r}: it has {shortened(', '.join(fields))}")
        return Entry(number, text, line)

    def _rows(self, kind: Format) -> Iterator[list[Entry]]:
        """Yield the entries of a table, whose first row names the columns."""
        waiting = deque[str]()

        def lines() -> Iterator[str]:
            for some in self._lines():
                waiting.extend(some)
                while waiting:
                    yield waiting.popleft() + "\n"

        csv.field_size_limit(MAX_RECORD)
        if kind == "csv":
            rows = csv.reader(lines(), strict=True)
        else:
            rows = csv.reader(lines(), "excel-tab", quoting=csv.QUOTE_NONE)
        entries: list[Entry] = []
        try:
            self.header = next(rows, list[str]())
            if self._column not in self.header:
                raise missing_column(self.name, self._column or "", self.header)
            at = self.header.index(self._column)
            for row in filter(None, rows):
                if len(row) != len(self.header):
                    what = f"has {len(row)} fields, but the first line names {len(self.header)} columns"
                    raise self._damaged(rows.line_num, what)
                entries.append(Entry(rows.line_num, row[at], row))
                if not waiting:  # what has come is read
                    yield entries
                    entries = []
        except csv.Error as error:
            raise self._damaged(rows.line_num, f"is damaged ({error})") from error
        yield entries

    def _damaged(self, number: int, what: str) -> TextError:
        return TextError(f"{self.name}, line {number:,}, {what}. Repair or remove that record.")

    def _lines(self) -> Iterator[list[str]]:
        """Yield the lines of the file, some at a time; those of a pipe as they come."""
        from nextchar.text.lines import arriving_text, lines_of
        from nextchar.text.text_file import EmptyTextError

        if self.name == STANDARD_INPUT:
            if sys.stdin.isatty():
                note("type the lines to score; Ctrl-D ends")
            yield from lines_of(arriving_text(sys.stdin.buffer, "standard input", self._encoding, self._errors))
        elif Path(self.name).is_fifo():
            with Path(self.name).open("rb") as pipe:
                yield from lines_of(arriving_text(pipe, self.name, self._encoding, self._errors))
        else:
            try:
                files = self._files()
            except EmptyTextError:
                return
            for file in files:
                yield from lines_of(file.chunks())

    def _files(self) -> Sequence[TextFile]:
        """Return the files of the name, opened; one of records without a note that it is read as plain text."""
        if self._column is None:
            return resolve([self.name], ReadingOptions(self._encoding, self._errors)).files
        from nextchar.text.files import open_text

        return [open_text(Path(self.name), self._encoding, self.name, self._errors)]


def records_of(name: str) -> Format:
    """Return the format of the records of the file ``name``; a pipe brings JSON lines unless its name says otherwise.

    Raises:
        UsageError: it has none that can be scored.
    """
    kind = format_of(name)
    if kind is None and (name == STANDARD_INPUT or Path(name).is_fifo()):
        return "jsonl"
    if kind is None:
        raise UsageError(f"{name} has no columns: --column is for files whose names end in {FORMAT_NAMES}.")
    if kind == "parquet":
        raise UsageError(f"{name} cannot be passed through line by line: nextchar.ray scores Parquet (docs/scale.md).")
    return kind
