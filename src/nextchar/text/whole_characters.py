"""Which ids spell whole characters: those after which a text may end, and what may come where it may not.

A token may be a part of a character: a byte of it, or a jamo. So not every sequence of ids is a text that can be shown.
An automaton of a few states says which ones are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextchar.text.tokenizer import Tokenizer

WHOLE = 0
"""The state of a text that has no character begun and may go on with any other: it is empty, for example."""
NEVER = -1
"""In place of a state: the id may not come."""

_UTF_8 = (
    # state, bytes from, to, the next state
    (WHOLE, 0x20, 0x7E, WHOLE),
    (WHOLE, 0x09, 0x0A, WHOLE),  # of the control characters, a tab and what ends lines
    (WHOLE, 0x0D, 0x0D, WHOLE),
    (WHOLE, 0xC2, 0xC2, 4),
    (WHOLE, 0xC3, 0xDF, 1),
    (WHOLE, 0xE0, 0xE0, 5),
    (WHOLE, 0xE1, 0xEF, 2),
    (WHOLE, 0xED, 0xED, 6),
    (WHOLE, 0xF0, 0xF0, 7),
    (WHOLE, 0xF1, 0xF3, 3),
    (WHOLE, 0xF4, 0xF4, 8),
    (1, 0x80, 0xBF, WHOLE),
    (2, 0x80, 0xBF, 1),
    (3, 0x80, 0xBF, 2),
    (4, 0xA0, 0xBF, WHOLE),  # below are control characters
    (5, 0xA0, 0xBF, 1),
    (6, 0x80, 0x9F, 1),
    (7, 0x90, 0xBF, 2),
    (8, 0x80, 0x8F, 2),
)
"""UTF-8 without what `nextchar.text.byte_tokenizer.displayed` escapes. Source: The Unicode Standard, table 3-7."""


class WholeCharacters(NamedTuple):
    """The automaton of some tokens."""

    following: NDArray[np.int8]
    """The state after each id in each of S states, or `NEVER`: shape (S, V)."""
    lengths: NDArray[np.intp]
    """Number of characters that begin with each id, shape (V,): 0 where it goes on with one."""

    @classmethod
    def of(cls, tokens: Tokenizer) -> WholeCharacters:
        """Return the automaton of ``tokens``."""
        if tokens.kind == "bytes":
            return cls(np.stack([*_utf_8()]), ((np.arange(tokens.size) & 0xC0) != 0x80).astype(np.intp))
        lengths, succession = tokens.token_lengths(np.arange(tokens.size)), tokens.succession
        if succession is None:
            return cls(np.full((1, tokens.size), WHOLE, np.int8), lengths)
        may_come = succession.may_follow[:, succession.classes]  # (S, V)
        return cls(np.where(may_come, succession.classes, NEVER).astype(np.int8), lengths)

    @property
    def has_parts(self) -> bool:
        """Whether an id may be a part of a character."""
        return bool(self.lengths.min() == 0)

    @property
    def has_many_spellings(self) -> bool:
        """Whether several sequences of ids may spell the same text: an id may be several characters."""
        return bool(self.lengths.max() > 1)


def _utf_8() -> Iterator[NDArray[np.int8]]:
    """Yield the state after each byte in each state, shape (256,)."""
    for state in range(1 + max(row[0] for row in _UTF_8)):
        following = np.full(256, NEVER, np.int8)
        for at, first, last, after in _UTF_8:
            if at == state:
                following[first : last + 1] = after
        yield following
