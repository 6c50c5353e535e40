"""Whether a text is a list: many short entries, one a line, in an order that means nothing; and how long they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np

from nextchar.text.text_file import TextFile

LOOKED_AT = 20_000
"""Lines from the beginning of a text that are looked at."""
MIN_LINES = 200
"""Fewest different lines of a list."""
MAX_MEDIAN, MAX_LONG, LONG_SHARE = 64, 160, 0.99
"""Most characters of a line in the middle of a list by length, and of this share of its lines."""
MAX_WORDS = 3
"""Most words of a line in the middle by their number: verse has more."""
MAX_BLANK, MAX_INDENTED, MAX_ENDED = 0.02, 0.05, 0.1
"""Largest shares of lines that are empty, that are indented, as code is, and that end like a sentence."""
_ENDS = tuple(".,;:!?…。、！？»”\"'")


def is_list(lines: Sequence[str]) -> bool:
    """Return whether ``lines``, without their ends, look like entries of a list.

    Verse, code and prose that is wrapped do not: they have more words a line, empty or indented lines, or lines that
    end like sentences.

    >>> is_list([f"R-{number} resistor" for number in range(200)])
    True
    >>> is_list([f"The resistor R-{number} is the part to look at first." for number in range(200)])
    False
    """
    entries = [line for line in lines if line.strip()]
    if len({*entries}) < MIN_LINES or len(lines) - len(entries) > MAX_BLANK * len(lines):
        return False
    lengths = np.array([len(line) for line in entries])
    words = np.array([len(line.split()) for line in entries])
    indented = sum(line[0].isspace() for line in entries)
    ended = sum(line.endswith(_ENDS) for line in entries)
    return bool(
        np.median(lengths) <= MAX_MEDIAN
        and np.quantile(lengths, LONG_SHARE) <= MAX_LONG
        and np.median(words) <= MAX_WORDS
        and indented <= MAX_INDENTED * len(entries)
        and ended <= MAX_ENDED * len(entries)
    )


def are_lists(texts: Iterable[TextFile]) -> bool:
    """Return whether each of ``texts`` is a list.

    Raises:
        TextError: a text cannot be read.
    """
    return all(is_list(_first_lines(text)) for text in texts)


def _first_lines(text: TextFile) -> list[str]:
    """Return the first lines of ``text``."""
    pieces = chain.from_iterable(text.sections())
    lines: list[str] = []
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + piece).split("\n")
        lines += whole
        if len(lines) >= LOOKED_AT or len(rest) > LOOKED_AT:
            break
    else:
        lines += [rest] if rest else []
    return lines[:LOOKED_AT]


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


def survey_lines(lines: Iterable[str]) -> LineSurvey:
    """Return the lengths of ``lines``, which are without their ends, in memory that does not grow with them."""
    lengths = Counter(map(len, lines))
    empty = lengths.pop(0, 0)
    return LineSurvey(tuple(sorted(lengths.items())), empty)
