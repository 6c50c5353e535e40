"""The format of a file: a number that is checked when it is read, beside the version that wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

FIRST = 1
"""The format of files that do not say theirs."""


STAMP = ("format", "written_by")
"""The names that `format_stamp` uses."""


class NewerFormatError(ValueError):
    """A file is of a format that only a newer version reads; the message completes "it was ..."."""


def format_stamp(number: int) -> dict[str, Any]:
    """Return what a file of format ``number`` says of itself, to be written into it."""
    return {"format": number, "written_by": _this_version()}


def check_format(header: Mapping[str, Any], newest: int) -> int:
    """Return the format number that ``header`` gives, 1 where it gives none.

    Args:
        header: of a file, with what `format_stamp` put into it.
        newest: the highest number that can be read.

    Raises:
        NewerFormatError: the number is higher.
        ValueError: it is no number of a format.
    """
    number = header.get("format", FIRST)
    if type(number) is not int or number < FIRST:
        raise ValueError(f"its format, {number!r}, is not a whole number from {FIRST} on")
    if number > newest:
        raise NewerFormatError(
            f"written by {header.get('written_by', 'a newer nextchar')}, format {number}; this is {_this_version()}, "
            f"which reads up to {newest}: update nextchar"
        )
    return number


def _this_version() -> str:
    return f"nextchar {version('nextchar')}"
