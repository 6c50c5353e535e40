"""Records: the columns of JSON lines, CSV, TSV and Parquet files, read as a stream.

- JSON lines (.jsonl, .ndjson): an object on each line; its fields are the columns.
- CSV (.csv): the first line names the columns; fields may be quoted and then hold line ends (RFC 4180).
- TSV (.tsv): the same with tabs and without quoting, as its media type is defined.
- Parquet (.parquet), read with pyarrow, a batch of rows at a time.

What does not fit is an error that names the line or row. Only empty lines are no records.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Literal, cast

from nextchar.errors import MissingDependencyError, TextError, shortened
from nextchar.text.compression import SUFFIXES
from nextchar.text.text_file import TextFile

Format = Literal["jsonl", "csv", "tsv", "parquet"]

_FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
FORMAT_NAMES = ", ".join(_FORMATS)
"""The suffixes of files of records, for messages."""
MAX_RECORD = 1 << 26
"""Longest line of a file of records, in characters: a longer one is rather a file without line ends."""
_MIN_LOOKED_AT = 1000
"""If none of about so many JSON records, from the start, has a column, it is an error."""
_BATCH = 512
"""JSON records that are read together: three times as fast as one by one, and no faster with more."""
_ROWS = 64
"""Rows that are read together: few, since each may be a book."""

Values = list[str | None]


@dataclass(frozen=True)
class Batch:
    """Some consecutive records of a file."""

    unit: str
    """What is numbered: "line" or "row"."""
    numbers: Sequence[int]
    """Number of the line on which each record ends, or of its row, from 1."""
    columns: tuple[Values, ...]
    """For each column asked for, the text of each record; None where it is missing or null."""

    def place(self, index: int) -> str:
        """Return where the record with this index is, for messages: "line 3", "row 12"."""
        return f"{self.unit} {self.numbers[index]:,}"


def format_of(name: str) -> Format | None:
    """Return the format of records in a file of this name or address, by the suffix before one of compression; None for
    other files."""
    path = Path(name.partition("?")[0].lower() if "://" in name else name.lower())
    if path.suffix in SUFFIXES:
        path = path.with_suffix("")
    return _FORMATS.get(path.suffix)


def read_records(text: TextFile, kind: Format, columns: Sequence[str], skip: int = 0) -> Iterator[Batch]:
    """Yield the records of a file, in batches.

    Args:
        text: the file, and how to read it as plain text unless it is Parquet.
        kind: its format.
        columns: the columns to read.
        skip: number of records at the start to leave out.

    Raises:
        TextError: it cannot be read, a column is missing, or a record is damaged.
        MissingDependencyError: it is Parquet, and pyarrow is not installed.
    """
    match kind:
        case "jsonl":
            return _json_records(text, columns, skip)
        case "parquet":
            return _parquet_records(text, columns, skip)
        case "csv":
            return _table_records(text, columns, skip, csv.reader(_lines(text), strict=True))
        case "tsv":
            return _table_records(text, columns, skip, csv.reader(_lines(text), "excel-tab", quoting=csv.QUOTE_NONE))


def missing_column(name: str, column: str, columns: Iterable[str]) -> TextError:
    """Return the error for a file that lacks a column."""
    present = [*columns]
    more = f" and {len(present) - 20:,} more" if len(present) > 20 else ""
    return TextError(
        f"{name} has no column {shortened(column)}: it has {', '.join(map(repr, present[:20])) or 'none'}{more}. "
        "Name the one with the text in --column."
    )


def _line_blocks(text: TextFile) -> Iterator[list[str]]:
    """Yield the lines of ``text`` without their line ends, at most `_BATCH` at a time.

    (`str.splitlines` would also cut at U+2028 and others.)
    """
    rest = ""
    for chunk in text.chunks():
        *lines, rest = (rest + chunk).split("\n")
        for at in range(0, len(lines), _BATCH):
            yield lines[at : at + _BATCH]
        if len(rest) > MAX_RECORD:
            raise TextError(
                f"{text.name} has a line of more than {MAX_RECORD:,} characters: it is not a file with a record on "
                "each line. Leave --column out to read it as plain text."
            )
    if rest:
        yield [rest]


def _lines(text: TextFile) -> Iterator[str]:
    """Yield the lines of ``text``, each with a line end."""
    return (line + "\n" for lines in _line_blocks(text) for line in lines)


def _json_records(text: TextFile, columns: Sequence[str], skip: int) -> Iterator[Batch]:
    seen = _SeenFields(text.name, [] if skip else columns)
    line = 0
    for lines in _line_blocks(text):
        numbers: Sequence[int] = range(line + 1, line + 1 + len(lines))
        line += len(lines)
        if any(not content or content.isspace() for content in lines):
            numbers = [number for number, content in zip(numbers, lines, strict=True) if content.strip()]
            lines = [content for content in lines if content.strip()]  # noqa: PLW2901
        left_out = min(skip, len(lines))
        skip -= left_out
        if left_out < len(lines):
            batch = Batch("line", numbers[left_out:], ())
            records = _parsed(text, lines[left_out:], batch)
            seen.add(records)
            yield replace(batch, columns=tuple(_values(text, records, column, batch) for column in columns))
    seen.end()


class _SeenFields:
    """Looks for the columns asked for among the fields of the first JSON records."""

    def __init__(self, name: str, columns: Sequence[str]) -> None:
        self._name, self._missing = name, {*columns}
        self._fields = dict[str, None]()
        self._records = 0

    def add(self, records: Sequence[dict[str, object]]) -> None:
        """Look at some more records.

        Raises:
            TextError: they are enough to say that a column is missing.
        """
        if self._missing:
            for record in records:
                self._fields.update(dict.fromkeys(record))
            self._missing -= {*self._fields}
            self._records += len(records)
            if self._records >= _MIN_LOOKED_AT:
                self.end()

    def end(self) -> None:
        """There are no more records; raises as `add` does."""
        if self._missing and self._records:
            raise missing_column(self._name, min(self._missing), self._fields)


def _parsed(text: TextFile, lines: Sequence[str], batch: Batch) -> list[dict[str, object]]:
    """Return the JSON objects on ``lines``, whose places are those of ``batch``."""
    try:
        records: list[Any] = json.loads(f"[{','.join(lines)}]")
    except (ValueError, RecursionError):
        records = []
    if len(records) != len(lines):  # a line is damaged: find it
        records = [_parsed_line(text, line, batch.place(index)) for index, line in enumerate(lines)]
    for index, record in enumerate(records):
        if type(record) is not dict:
            example = "{" + '"text": "..."' + "}"
            raise _damaged(text, batch.place(index), f"is not a JSON object, like {example}")
    return records


def _parsed_line(text: TextFile, line: str, place: str) -> object:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise _damaged(
            text, place, f"is not JSON ({error.msg.removesuffix(' at')} at character {error.colno:,})"
        ) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(text, place, f"is not JSON that can be read ({error})") from error


def _values(text: TextFile, records: Sequence[dict[str, object]], column: str, batch: Batch) -> Values:
    """Return the text in the field ``column`` of each record."""
    values = [record.get(column) for record in records]
    if not {*map(type, values)} <= {str, type(None)}:
        index, value = next((at, value) for at, value in enumerate(values) if not isinstance(value, str | None))
        raise _damaged(text, batch.place(index), f"has no text in {column!r}, but {json.dumps(value)[:40]}")
    return cast("Values", values)


def _table_records(text: TextFile, columns: Sequence[str], skip: int, rows: Any) -> Iterator[Batch]:
    """Yield the records of ``rows``, a reader of the module csv."""
    csv.field_size_limit(MAX_RECORD)  # the module has one limit for all readers, 131,072 by default
    no_fields: list[str] = []
    try:
        header: list[str] = next(rows, no_fields)
        for column in columns:
            if column not in header:
                raise missing_column(text.name, column, header)
        places = [header.index(column) for column in columns]
        full: Iterator[tuple[int, list[str]]] = ((rows.line_num, row) for row in rows if row)
        full = islice(full, skip, None)
        while found := [*islice(full, _ROWS)]:
            for number, row in found:
                if len(row) != len(header):
                    what = f"has {len(row)} fields, but the first line names {len(header)} columns"
                    raise _damaged(text, f"line {number:,}", what)
            yield Batch("line", [number for number, _ in found], tuple([row[at] for _, row in found] for at in places))
    except csv.Error as error:
        raise _damaged(text, f"line {rows.line_num:,}", f"is damaged ({error})") from error


def _damaged(text: TextFile, place: str, what: str) -> TextError:
    return TextError(
        f"{text.name}, {place}, {what}. Repair or remove that record, or leave --column out to read the file as "
        "plain text."
    )


def _parquet_records(text: TextFile, columns: Sequence[str], skip: int) -> Iterator[Batch]:
    pyarrow, parquet = _pyarrow(text.name)
    try:
        with text.path.open("rb") as stream, parquet.ParquetFile(stream) as file:
            schema = file.schema_arrow
            for column in columns:
                _check_column(text, column, schema, pyarrow)
            groups, number = _groups_from(file.metadata, skip)
            for rows in file.iter_batches(_ROWS, row_groups=groups, columns=[*columns]):
                found = rows.slice(max(0, skip - number))
                number += rows.num_rows
                if found.num_rows:
                    numbers = range(number - found.num_rows + 1, number + 1)
                    yield Batch("row", numbers, tuple(found.column(column).to_pylist() for column in columns))
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        raise TextError(f"{text.name} is damaged Parquet ({error}): download or write it again.") from error
    except OSError as error:
        raise TextError(f"{text.name} cannot be read as Parquet ({error}): download or write it again.") from error


def _pyarrow(name: str) -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")  # they have no types
    except ImportError as error:
        raise MissingDependencyError(
            f'Reading {name} needs pyarrow, which is not installed ({error}): pip install "nextchar[data]".'
        ) from error


def _check_column(text: TextFile, column: str, schema: Any, pyarrow: Any) -> None:
    if column not in schema.names:
        raise missing_column(text.name, column, schema.names)
    kind = schema.field(column).type
    kind = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
    if not (pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)):
        of_text = [name for name in schema.names if pyarrow.types.is_string(schema.field(name).type)]
        raise TextError(
            f"The column {shortened(column)} of {text.name} holds {kind}, not text. Columns of text: "
            f"{', '.join(map(repr, of_text)) or 'none'}."
        )


def _groups_from(metadata: Any, skip: int) -> tuple[list[int], int]:
    """Return the row groups that hold the rows after the first ``skip``, and the number of rows before them."""
    first = before = 0
    while first < metadata.num_row_groups and before + metadata.row_group(first).num_rows <= skip:
        before += metadata.row_group(first).num_rows
        first += 1
    return [*range(first, metadata.num_row_groups)], before
