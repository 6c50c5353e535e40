"""Is a text a list? What the lengths of its lines say: many short ones, no long ones, hardly any empty ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from nextchar.text.lines import lines_of

MIN_LINES = 200
"""Fewest lines of a list."""
MAX_MEDIAN = 80
"""Most characters of the median line of a list."""
MAX_LENGTH = 500
"""Most characters of any line of a list."""
MAX_EMPTY = 0.01
"""Largest share of empty lines in a list: verse and wrapped prose have 3 to 38 %, between stanzas and paragraphs."""


@dataclass(frozen=True)
class LineSurvey:
    """The lengths of the lines of a text, in characters without their ends."""

    lengths: tuple[tuple[int, int], ...]
    """Each length that occurs and the number of lines that have it, the shortest first; empty lines are not counted."""
    empty: int
    """Number of empty lines."""

    @property
    def lines(self) -> int:
        """Number of lines that are not empty."""
        return sum(count for _, count in self.lengths)

    @property
    def shortest(self) -> int:
        """Characters of the shortest line that is not empty; 0 if there is none."""
        return self.lengths[0][0] if self.lengths else 0

    @property
    def longest(self) -> int:
        """Characters of the longest line."""
        return self.lengths[-1][0] if self.lengths else 0

    @property
    def median(self) -> int:
        """Median of the characters of the lines that are not empty, the lower one of two; 0 if there is none."""
        reached = accumulate(count for _, count in self.lengths)
        half = (self.lines + 1) // 2
        return next((length for (length, _), sum_ in zip(self.lengths, reached, strict=True) if sum_ >= half), 0)

    @property
    def is_list(self) -> bool:
        """Whether the text looks like a list with an entry on each line."""
        return (
            self.lines >= MIN_LINES
            and self.median <= MAX_MEDIAN
            and self.longest <= MAX_LENGTH
            and self.empty <= MAX_EMPTY * (self.lines + self.empty)
        )


def survey_lines(lines: Iterable[str]) -> LineSurvey:
    """Return the lengths of ``lines``, which are without their ends, in memory that does not grow with them."""
    lengths = Counter(map(len, lines))
    empty = lengths.pop(0, 0)
    return LineSurvey(tuple(sorted(lengths.items())), empty)


def survey_text(pieces: Iterable[str]) -> LineSurvey:
    """Return the lengths of the lines of a text in ``pieces``, every line end a ``\\n``."""
    return survey_lines(line for lines in lines_of(pieces) for line in lines)
