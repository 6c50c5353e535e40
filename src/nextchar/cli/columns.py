"""Columns of text side by side on the terminal, whatever the width of their characters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from nextchar.runs.screen import cell_width, cut_to

GAP = 2
"""Columns between two columns of text."""


def aligned(rows: Sequence[Sequence[str]], width: int, right: Collection[int] = ()) -> Iterator[str]:
    """Yield ``rows``, each with the same number of cells, as lines of at most ``width`` columns.

    What does not fit is cut in the last cell. The cells of the columns ``right`` are aligned to the right.
    """
    widths = [max(map(cell_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        sized = enumerate(zip(row, widths, strict=True))
        cells = [_padded(cell, size, number in right) for number, (cell, size) in sized]
        yield cut_to((" " * GAP).join(cells).rstrip(), width)


def _padded(cell: str, size: int, right: bool) -> str:
    space = " " * (size - cell_width(cell))
    return space + cell if right else cell + space
