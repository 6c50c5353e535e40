"""Columns of text side by side on the terminal, whatever the width of their characters."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence

from nextchar.runs.screen import cell_width, cut_to, width_of

WIDTH = 80
"""Columns where the output is not a terminal."""
GAP = 2
"""Columns between two columns of text."""


MIN_CELL = 4
"""Columns that a cell has however narrow the terminal."""


def line_width() -> int:
    """Return the columns of standard output."""
    return width_of(sys.stdout) or WIDTH


def aligned(rows: Sequence[Sequence[str]], width: int, right: Collection[int] = ()) -> Iterator[str]:
    """Yield ``rows``, each with the same number of cells, as lines of at most ``width`` columns.

    What does not fit is cut in the last cell. The cells of the columns ``right`` are aligned to the right.
    """
    widths = [max(map(cell_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        sized = enumerate(zip(row, widths, strict=True))
        cells = [_padded(cell, size, number in right) for number, (cell, size) in sized]
        yield cut_to((" " * GAP).join(cells).rstrip(), width)


def fitted(rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """Return ``rows`` with their cells cut, all but the first of a row to the same size, so that they fit in ``width``
    columns."""
    first = max(cell_width(row[0]) for row in rows)
    room = max(MIN_CELL, (width - first) // max(1, len(rows[0]) - 1) - GAP)
    return [[row[0], *(cut_to(cell, room) for cell in row[1:])] for row in rows]


def _padded(cell: str, size: int, right: bool) -> str:
    space = " " * (size - cell_width(cell))
    return space + cell if right else cell + space
