"""How the files of a text are read."""

from __future__ import annotations

from dataclasses import dataclass

from nextchar.settings import Boundary, Errors, Normalization


@dataclass(frozen=True)
class ReadingOptions:
    """How the files of a text are read: those of `nextchar.settings.TextSettings` that come before the first id.

    >>> ReadingOptions(column="text").boundary
    'line'
    """

    encoding: str | None = None
    """Encoding of the files; detected if None. `nextchar.text.decoding.BYTES` reads any file."""
    errors: Errors = "strict"
    """How to read bytes that do not decode; an error by default."""
    column: str | None = None
    """Column of files of records that holds the text; if None, they are read as plain text."""
    label_column: str | None = None
    """Column of the kind of each record, which then stands before its text on a line; None for no labels."""
    boundary: Boundary = "line"
    """What separates the documents of a file of records."""
    normalize: Normalization | None = None
    """The normalization form that the text is brought into; None leaves it as it is."""
