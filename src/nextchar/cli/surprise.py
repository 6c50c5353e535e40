"""A text coloured by surprise, for the terminal, and the most surprising places below it."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, tee

from nextchar.cli.cells import joined, safe_line, shown
from nextchar.cli.columns import aligned, line_width
from nextchar.model.surprise import LEVELS, Place, Surprises
from nextchar.report.markup import visible
from nextchar.runs.screen import cell_width, colours_of

PALETTES = {
    256: ("", "38;5;130", "30;48;5;137", "30;48;5;173", "30;48;5;203", "1;97;48;5;160"),
    16: ("", "1", "30;46", "30;43", "30;45", "1;37;41"),
}
"""Codes of each of `LEVELS`, by the number of colours. Those of 256 can be read on light and on dark grounds."""
UNKNOWN, RESET = "4", "\x1b[0m"
GUTTER = 9
"""Columns before each line where marks stand for colours: the number of the line."""


@dataclass(frozen=True)
class Cell:
    """What is drawn as one character: a letter with its marks, or a sign for a character that cannot be drawn."""

    text: str
    bits: float
    is_unknown: bool

    @property
    def level(self) -> int:
        """The number of its colour."""
        return max(0, bisect_right(LEVELS, self.bits) - 1)

    @property
    def ends_line(self) -> bool:
        """Whether it is a line end."""
        return self.text == "\n"

    def shown(self, column: int) -> str:
        """Return what is drawn at ``column`` of a line, from 0; a line end is drawn only where it is surprising."""
        return "" if self.ends_line and self.level == 0 else shown(self.text, column)


def cells(pieces: Iterable[Surprises]) -> Iterator[Cell]:
    """Yield the cells of a text; the bits of a letter and its marks are added up."""
    scored, again = tee(
        (character, bits / len(token), unknown)
        for piece in pieces
        for token, bits, unknown in zip(piece.tokens, piece.bits.tolist(), piece.unknown.tolist(), strict=True)
        for character in token
    )
    for text in joined(character for character, *_ in scored):
        members = list(islice(again, len(text)))
        yield Cell(text, sum(bits for _, bits, _ in members), any(unknown for *_, unknown in members))


def show(pieces: Iterable[Surprises]) -> None:
    """Print a text coloured by surprise, or with marks where there are no colours, and a legend."""
    colours = colours_of(sys.stdout)
    if colours:
        sys.stdout.writelines(coloured(cells(pieces), PALETTES[colours]))
        print(f"\n{legend(PALETTES[colours])}\n")
    else:
        sys.stdout.writelines(f"{row}\n" for row in marked(cells(pieces), line_width()))
        print(
            "\nA digit below a character is the bits it cost, 9 for nine or more; none is less than 1.\n"
            "A ? stands below a character that the model does not know.\n"
        )


def coloured(text: Iterable[Cell], palette: Sequence[str]) -> Iterator[str]:
    """Yield ``text`` with codes for its colours, which begin anew on each line."""
    style, column = "", 0
    for cell in text:
        drawn = cell.shown(column)
        wanted = _style(cell, palette) if drawn else style
        if wanted != style:
            yield (RESET if style else "") + (f"\x1b[{wanted}m" if wanted else "")
        yield drawn
        style, column = wanted, column + cell_width(drawn)
        if cell.ends_line:
            yield (RESET if style else "") + "\n"
            style, column = "", 0
    yield (RESET if style else "") + ("\n" if column else "")


def legend(palette: Sequence[str]) -> str:
    """Return the colours and what they stand for."""
    ends = [f"{low}–{high}" for low, high in pairwise(LEVELS)] + [f"{LEVELS[-1]} or more"]
    swatches = (f"\x1b[{code}m {end} {RESET}" if code else f" {end} " for code, end in zip(palette, ends, strict=True))
    return f"bits: {''.join(swatches)}  \x1b[{UNKNOWN}munknown to the model{RESET}"


def marked(text: Iterable[Cell], width: int) -> Iterator[str]:
    """Yield the lines of ``text``, broken at ``width`` columns, each with a line of marks below it."""
    line, row, is_first = 1, _Row(), True

    def rows() -> Iterator[str]:
        yield f"{line if is_first else '':>{GUTTER - 3}} | {row.text}".rstrip()
        if row.marks.strip():
            yield " " * GUTTER + row.marks.rstrip()

    for cell in text:
        drawn = cell.shown(row.columns)
        if row.columns and row.columns + cell_width(drawn) > width - GUTTER:
            yield from rows()
            row, is_first = _Row(), False
            drawn = cell.shown(0)
        row.add(drawn, cell)
        if cell.ends_line:
            yield from rows()
            line, row, is_first = line + 1, _Row(), True
    if row.text:
        yield from rows()


@dataclass
class _Row:
    """A line on the terminal that is being filled."""

    text: str = ""
    marks: str = ""
    columns: int = 0

    def add(self, drawn: str, cell: Cell) -> None:
        width = cell_width(drawn)
        mark = "?" if cell.is_unknown else " " if cell.bits < 1 else str(min(9, int(cell.bits)))
        self.text += drawn
        self.marks += mark[:width] + " " * (width - 1)
        self.columns += width


def list_worst(places: Sequence[Place], characters: int) -> None:
    """Print a table of the most surprising places of so many ``characters``."""
    if places:
        print(f"The most surprising of {characters:,} characters (line:column):")
        print(*worst_lines(places, line_width()), "", sep="\n")


def worst_lines(places: Sequence[Place], width: int) -> Iterator[str]:
    """Yield the lines of a table of the most surprising places, at most ``width`` columns wide."""
    rows = [("place", "bits", "character", "expected", "after")]
    for place in places:
        expected = ", ".join(f"{named(token)} {percent(share)}" for token, share in place.expected)
        bits = f"{place.bits:.1f}" + ("?" if place.is_unknown else "")
        rows.append((f"{place.line}:{place.column}", bits, named(place.token), expected, safe_line(place.before)))
    yield from aligned(rows, width, right={0, 1})


def named(token: str) -> str:
    """Return a character by itself, so that spaces and marks are seen."""
    return "".join(map(visible, token))


def percent(share: float) -> str:
    """Return a probability for readers."""
    return "<1 %" if share < 0.005 else f"{100 * share:.0f} %"


def _style(cell: Cell, palette: Sequence[str]) -> str:
    return ";".join(filter(None, [palette[cell.level], UNKNOWN if cell.is_unknown else ""]))
