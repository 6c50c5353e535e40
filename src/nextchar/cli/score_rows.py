"""What `nextchar score` prints for an entry: the scores after a line, or in the record that it came in."""

from __future__ import annotations

import csv
import heapq
import io
import json
import math
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from nextchar.cli.entries import Entry, Source
from nextchar.errors import TextError
from nextchar.model.text_score import TextScore
from nextchar.text.records import Format

RowFormat = Literal["tsv", "jsonl"]
NO_SCORE = TextScore(math.nan, None, 0)
"""Stands for the score of a record without a text."""


class Row(NamedTuple):
    """A line of output."""

    bits_per_character: float
    """By which rows are compared: -inf where there is none."""
    text: str


class RowFormatter:
    """Formats the scores of the entries of a file."""

    def __init__(self, kind: Format | None, form: RowFormat | None, *, echo: bool, has_quantiles: bool) -> None:
        """Choose how.

        Args:
            kind: of records; None for lines.
            form: what to print; None passes records through as they are, and prints scores separated by tabs for lines.
            echo: whether the text is repeated where records are not passed through.
            has_quantiles: whether scores say how odd a text is.
        """
        self._kind, self._echo = kind, echo
        self.form: Format = form or kind or "tsv"
        """Of the rows."""
        self._passes = kind is not None and self.form in {kind, "jsonl"}
        self._names = [name for name in TextScore._fields if has_quantiles or name != "odder_than"]
        self._columns = [name for name in self._names if name != "characters"]
        """The scores of a row of a table."""
        self._first: list[str] | None = None

    def begin(self) -> None:
        """Begin another output, which has a first line of its own."""
        self._first = None

    def head(self, source: Source) -> str:
        """Return the first line of a table; empty where there is none, or it was printed for the file before.

        Raises:
            TextError: ``source`` has other columns than the file before.
        """
        if not self._passes or self._kind == "jsonl":
            return ""
        taken = sorted({*source.header} & {*self._names})
        if taken:
            raise taken_name(source.name, taken[0])
        if self._first is not None and self._first != source.header:
            raise TextError(f"{source.name} has other columns than the file before it: score it by itself.")
        is_first, self._first = self._first is None, source.header
        return self._table_row([*source.header, *self._columns]) if is_first and self.form != "jsonl" else ""

    def row(self, source: Source, entry: Entry, score: TextScore) -> Row:
        """Return the line for ``entry`` of ``source``."""
        mean = score.bits_per_character
        return Row(-math.inf if mean is None else mean, self._text(source, entry, score))

    def _text(self, source: Source, entry: Entry, score: TextScore) -> str:
        if not self._passes:
            text = entry.text if self._echo else None
            return self._scores(score, text) if self.form == "tsv" else self._object(score, text)
        if self._kind == "jsonl":
            return self._spliced(source, entry, score)
        assert entry.source is not None
        if self.form == "jsonl":
            return json.dumps({**dict(zip(source.header, entry.source, strict=True)), **self._fields(score)}) + "\n"
        values = ["" if value == "nan" else value for value in self._values(score)]
        return self._table_row([*entry.source, *values])

    def _fields(self, score: TextScore) -> dict[str, object]:
        """Return the scores of a JSON object; all null for a record without a text."""
        return {name: None if score is NO_SCORE else getattr(score, name) for name in self._names}

    def _values(self, score: TextScore) -> list[str]:
        """Return the scores of a row of a table."""
        return [_shown(name, getattr(score, name)) for name in self._columns]

    def _scores(self, score: TextScore, text: str | None) -> str:
        fields = self._values(score)
        return "\t".join(fields if text is None else [*fields, text.replace("\n", "\\n")]) + "\n"

    def _object(self, score: TextScore, text: str | None) -> str:
        fields = self._fields(score)
        return json.dumps(fields if text is None else {**fields, "text": text}) + "\n"

    def _spliced(self, source: Source, entry: Entry, score: TextScore) -> str:
        """Return the JSON object of ``entry``, byte for byte, with the scores at its end."""
        assert isinstance(entry.source, str)
        members = entry.source.strip()[1:-1].rstrip()
        taken = next(
            (name for name in self._names if f'"{name}"' in members and name in json.loads(entry.source)), None
        )
        if taken is not None:
            raise taken_name(f"{source.name}, line {entry.number:,},", taken)
        added = json.dumps(self._fields(score))[1:-1]
        return "{" + (f"{members}, " if members else "") + added + "}\n"

    def _table_row(self, fields: list[str]) -> str:
        if self.form == "tsv":
            return "\t".join(fields) + "\n"
        row = io.StringIO()
        csv.writer(row, lineterminator="\n").writerow(fields)
        return row.getvalue()


def taken_name(place: str, name: str) -> TextError:
    """Return the error for a record that has a field of the name of a score."""
    return TextError(f"{place} has a field {name!r} already, which would be that of a score: rename it.")


def _shown(name: str, value: float | str | None) -> str:
    """Return ``value`` as a table shows it."""
    if isinstance(value, str):
        return value if value.isprintable() else value.encode("unicode_escape", "surrogatepass").decode()
    if value is None:
        return "" if name in {"surprise_column", "surprise_character"} else "nan"
    return str(value) if isinstance(value, int) else f"{value:.4f}"


def ordered(rows: Iterable[Row], worst: int | None) -> Iterator[Row]:
    """Yield ``rows`` from the most surprising on, equal ones as they came: all, or the ``worst`` so many, which takes
    memory in proportion to these."""
    numbered = ((row.bits_per_character, -number, row) for number, row in enumerate(rows))
    found = sorted(numbered, reverse=True) if worst is None else heapq.nlargest(worst, numbered)
    return (row for _, _, row in found)
