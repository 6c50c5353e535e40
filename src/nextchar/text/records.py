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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Literal, cast

from nextchar.errors import MissingDependencyError, TextError
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
"""If none of so many JSON records, from the start, has a column, it is an error."""
_BATCH = 1024
"""Rows of Parquet in memory at once."""


@dataclass(frozen=True)
class Record:
    """A record of a file."""

    place: str
    """Where it is, for messages: "line 3", "row 12"."""
    values: tuple[str | None, ...]
    """The text in each of the columns asked for; None where it is missing or null."""


def format_of(name: str) -> Format | None:
    """Return the format of records in a file of this name or address, by the suffix before one of compression; None for
    other files."""
    path = Path(name.partition("?")[0].lower() if "://" in name else name.lower())
    if path.suffix in SUFFIXES:
        path = path.with_suffix("")
    return _FORMATS.get(path.suffix)


def read_records(text: TextFile, kind: Format, columns: Sequence[str], skip: int = 0) -> Iterator[Record]:
    """Yield the records of a file.

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
            return _table_records(text, columns, skip, lambda lines: csv.reader(lines, strict=True))
        case "tsv":
            return _table_records(
                text, columns, skip, lambda lines: csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            )


def missing_column(name: str, column: str, columns: Iterable[str]) -> TextError:
    """Return the error for a file that lacks a column."""
    present = [*columns]
    more = f" and {len(present) - 20:,} more" if len(present) > 20 else ""
    return TextError(
        f"{name} has no column {column!r}: it has {', '.join(map(repr, present[:20])) or 'none'}{more}. Name the one "
        "with the text in --column."
    )


def _lines(text: TextFile) -> Iterator[str]:
    """Yield the lines of ``text``, each with its line end. (`str.splitlines` would also cut at U+2028 and others.)"""
    rest = ""
    for chunk in text.chunks():
        first, *others = chunk.split("\n")
        rest += first
        if others:
            yield rest + "\n"
            *whole, rest = others
            for line in whole:
                yield line + "\n"
        if len(rest) > MAX_RECORD:
            raise TextError(
                f"{text.name} has a line of more than {MAX_RECORD:,} characters: it is not a file with a record on "
                "each line. Leave --column out to read it as plain text."
            )
    if rest:
        yield rest


def _json_records(text: TextFile, columns: Sequence[str], skip: int) -> Iterator[Record]:
    numbered = ((number, line) for number, line in enumerate(_lines(text), 1) if not line.isspace())
    unseen, fields = {*columns}, dict[str, None]()
    count = 0
    for number, line in islice(numbered, skip, None):
        place = f"line {number:,}"
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            reason, at = error.msg.removesuffix(" at"), min(error.pos, len(line.rstrip())) + 1
            raise _damaged(text, place, f"is not JSON ({reason} at character {at:,})") from error
        except (ValueError, RecursionError) as error:
            raise _damaged(text, place, f"is not JSON that can be read ({error})") from error
        if not isinstance(record, dict):
            raise _damaged(text, place, "is not a JSON object, like {" + f'"{columns[0]}": "..."' + "}")
        fields_of_record = cast("dict[str, object]", record)
        if unseen and not skip and count < _MIN_LOOKED_AT:
            unseen.difference_update(fields_of_record)
            fields.update(dict.fromkeys(fields_of_record))
            if unseen and count == _MIN_LOOKED_AT - 1:
                raise missing_column(text.name, min(unseen), fields)
        count += 1
        yield Record(place, tuple(_text(text, place, column, fields_of_record.get(column)) for column in columns))
    if unseen and not skip and 0 < count < _MIN_LOOKED_AT:
        raise missing_column(text.name, min(unseen), fields)


def _text(text: TextFile, place: str, column: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise _damaged(text, place, f"has no text in {column!r}, but {json.dumps(value)[:40]}")


def _table_records(
    text: TextFile, columns: Sequence[str], skip: int, reader: Callable[[Iterable[str]], Any]
) -> Iterator[Record]:
    csv.field_size_limit(MAX_RECORD)  # the module has one limit for all readers, 131,072 by default
    rows = reader(_lines(text))
    no_fields: list[str] = []
    try:
        header: list[str] = next(rows, no_fields)
        for column in columns:
            if column not in header:
                raise missing_column(text.name, column, header)
        places = [header.index(column) for column in columns]
        full = (row for row in rows if row)
        for row in islice(full, skip, None):
            place = f"line {rows.line_num:,}"
            if len(row) != len(header):
                raise _damaged(text, place, f"has {len(row)} fields, but the first line names {len(header)} columns")
            yield Record(place, tuple(row[at] for at in places))
    except csv.Error as error:
        raise _damaged(text, f"line {rows.line_num:,}", f"is damaged ({error})") from error


def _damaged(text: TextFile, place: str, what: str) -> TextError:
    return TextError(
        f"{text.name}, {place}, {what}. Repair or remove that record, or leave --column out to read the file as "
        "plain text."
    )


def _parquet_records(text: TextFile, columns: Sequence[str], skip: int) -> Iterator[Record]:
    pyarrow, parquet = _pyarrow(text.name)
    try:
        with text.path.open("rb") as stream, parquet.ParquetFile(stream) as file:
            schema = file.schema_arrow
            for column in columns:
                _check_column(text, column, schema, pyarrow)
            groups, before = _groups_from(file.metadata, skip)
            number = before
            for batch in file.iter_batches(_BATCH, row_groups=groups, columns=[*columns]):
                values = [batch.column(column).to_pylist() for column in columns]
                for row in zip(*values, strict=True):
                    number += 1
                    if number > skip:
                        yield Record(f"row {number:,}", row)
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
            f"The column {column!r} of {text.name} holds {kind}, not text. Columns of text: "
            f"{', '.join(map(repr, of_text)) or 'none'}."
        )


def _groups_from(metadata: Any, skip: int) -> tuple[list[int], int]:
    """Return the row groups that hold the rows after the first ``skip``, and the number of rows before them."""
    first = before = 0
    while first < metadata.num_row_groups and before + metadata.row_group(first).num_rows <= skip:
        before += metadata.row_group(first).num_rows
        first += 1
    return [*range(first, metadata.num_row_groups)], before
