"""The format of a file: a number that is checked when the file is read, and the version that wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from nextchar.errors import MAX_SHOWN, shortened

FIRST = 1
"""Format of files without a format number."""

STAMP = ("format", "written_by")
"""Names of the entries that `format_stamp` returns."""


class NewerFormatError(ValueError):
    """Only a newer version can read the format of a file; the message completes the words "it was"."""


def format_stamp(number: int) -> dict[str, Any]:
    """Return the entries that say a file has format ``number`` and which version wrote it."""
    return {"format": number, "written_by": _this_version()}


def check_format(header: Mapping[str, Any], newest: int) -> int:
    """Return the format number in ``header``, or 1 if it has none.

    Args:
        header: header of a file, with the entries of `format_stamp`.
        newest: the highest number that this version reads.

    Raises:
        NewerFormatError: the number is higher.
        ValueError: it is not a valid format number.
    """
    number = header.get("format", FIRST)
    if type(number) is not int or number < FIRST:
        raise ValueError(f"its format, {shortened(number)}, is not a whole number of {FIRST} or more")
    if number > newest:
        writer = str(header.get("written_by", "a newer nextchar"))[:MAX_SHOWN]
        raise NewerFormatError(
            f"written by {writer}, format {str(number)[:MAX_SHOWN]}; this is {_this_version()}, which reads up to "
            f"{newest}: update nextchar"
        )
    return number


def _this_version() -> str:
    return f"nextchar {version('nextchar')}"
