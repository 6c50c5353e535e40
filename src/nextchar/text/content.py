"""What reading all of a text finds: its hash, size, length and line ends."""

from __future__ import annotations

from dataclasses import dataclass

DOTTED_CAPITAL = "\u0130"
"""The only character that becomes two in lower case: i and a combining dot above."""


@dataclass(frozen=True)
class LineEnds:
    """How many lines of a text have each kind of line end."""

    lf: int = 0
    crlf: int = 0
    cr: int = 0


@dataclass(frozen=True)
class Section:
    """A part of a file of records that begins and ends with a document."""

    records: int
    """Number of records before it in the file."""
    characters: int
    dotted_capitals: int
    """As in `Content`."""


Stamp = tuple[int, int]
"""Size in bytes and modification time in nanoseconds of a file, to detect changes."""


@dataclass(frozen=True)
class Content:
    """What reading a whole file found."""

    stamp: Stamp
    """Size and time of the file before it was read."""
    sha256: str
    """Hash of its bytes, decompressed."""
    bytes: int
    """Its size, decompressed."""
    decoded_characters: int
    """Number of characters, with line ends as in the file."""
    line_ends: LineEnds
    dotted_capitals: int
    """Number of capital I with a dot, which become two characters in lower case."""
    sections: tuple[Section, ...] = ()
    """The sections of a file of records; empty for a plain text."""

    def characters(self, *, lowercase: bool) -> int:
        """Return the length of the text in characters, with every line end a ``\\n`` and lower-cased if requested."""
        return self.decoded_characters - self.line_ends.crlf + (self.dotted_capitals if lowercase else 0)

    def lengths(self, *, lowercase: bool) -> tuple[int, ...]:
        """Return the length of each section in characters, or of the text if it has none."""
        return tuple(
            section.characters + (section.dotted_capitals if lowercase else 0) for section in self.sections
        ) or (self.characters(lowercase=lowercase),)


class LineEndCounter:
    """Counts the line ends of a text in pieces."""

    def __init__(self) -> None:
        self._lf = self._crlf = self._cr = 0
        self._held = False
        """Whether the last piece ended in \\r, which a \\n may follow."""

    def add(self, piece: str) -> None:
        """Count the line ends of the next piece."""
        if self._held:
            piece = "\r" + piece
        if "\r" not in piece:  # true of most texts, and much faster to count
            self._held = False
            self._lf += piece.count("\n")
            return
        self._held = piece.endswith("\r")
        pairs, returns = piece.count("\r\n"), piece.count("\r") - self._held
        self._crlf += pairs
        self._lf += piece.count("\n") - pairs
        self._cr += returns - pairs

    def total(self) -> LineEnds:
        """Return the counts of the whole text."""
        return LineEnds(self._lf, self._crlf, self._cr + self._held)
