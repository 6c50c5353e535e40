"""What a stream can show: colours, a redrawn line, its width."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

NARROW = 20
"""Columns that a text needs after its indent; with fewer it starts on a new line."""


def error_console() -> Console:
    """Return the console of standard error.

    Only a terminal that can move its cursor gets cursor codes. ``FORCE_COLOR`` adds colours to a file or a pipe, and
    nothing else.
    """
    from rich.console import Console

    terminal, redraws = is_terminal(sys.stderr), can_redraw(os.environ)
    return Console(
        stderr=True,
        force_terminal=terminal,
        force_interactive=terminal and redraws,
        color_system="auto" if terminal and redraws else "standard" if os.environ.get("FORCE_COLOR") else None,
        highlight=False,
        # rich does not ask a terminal for its width if it cannot redraw.
        width=width_of(sys.stderr) if terminal and not redraws else None,
        height=25 if terminal and not redraws else None,
    )


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether ``stream`` is a terminal, whatever the environment says. It is None if the process lacks it."""
    return stream is not None and not stream.closed and stream.isatty()


def can_redraw(environment: Mapping[str, str]) -> bool:
    """Return whether a terminal in this ``environment`` can and may move its cursor."""
    kind = environment.get("TERM", "dumb" if os.name == "posix" else "windows")
    return kind.lower() not in {"", "dumb", "unknown"} and environment.get("TTY_INTERACTIVE") != "0"


def colours_of(stream: TextIO | None) -> int:
    """Return how many colours ``stream`` shows: 0, 16 or 256.

    ``NO_COLOR`` means none; ``FORCE_COLOR`` adds them to a file or a pipe, like ``less -R``.
    """
    wanted = bool(os.environ.get("FORCE_COLOR")) or (is_terminal(stream) and can_redraw(os.environ))
    if os.environ.get("NO_COLOR") or not wanted:
        return 0
    from rich.console import Console

    return 256 if Console(file=stream, force_terminal=True).color_system in {"256", "truecolor"} else 16


def width_of(stream: TextIO | None) -> int | None:
    """Return the columns of the terminal behind ``stream``; None if it is not a terminal: lines stay whole."""
    if stream is None or not is_terminal(stream):
        return None
    setting = os.environ.get("COLUMNS", "")
    try:
        columns = int(setting) if setting.isdecimal() else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 0
    return columns or 80  # some terminals report 0


def cell_width(text: str) -> int:
    """Return the columns that ``text`` takes: two for characters of some scripts, none for combining marks."""
    from rich.cells import cell_len

    return cell_len(text)


def cut_to(text: str, columns: int) -> str:
    """Return ``text`` in at most ``columns``, at least two; what is cut off becomes an ellipsis."""
    from rich.cells import set_cell_size

    return text if cell_width(text) <= columns else set_cell_size(text, columns - 1).rstrip() + "…"


def wrap_words(text: str, width: int | None, indent: int = 0) -> str:
    """Return ``text`` in lines of ``width`` columns. All but the first are indented by ``indent``, and the first leaves
    room for as many columns.

    Words, numbers and file names stay whole; the terminal breaks those longer than a line.
    """
    lines = text.split("\n")
    if width is not None:
        lines = [part for line in lines for part in _parts(line, width - indent)]
    return f"\n{' ' * indent}".join(lines)


def _parts(line: str, room: int) -> Iterator[str]:
    """Yield ``line`` in parts of at most ``room`` columns, unless a word is longer."""
    part, *words = line.split(" ")  # textwrap does not know that characters of some scripts take two columns
    for word in words:
        if cell_width(f"{part} {word}") <= room:
            part = f"{part} {word}"
        else:
            yield part
            part = word
    yield part
