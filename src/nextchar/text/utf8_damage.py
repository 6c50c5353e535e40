"""UTF-8 files with wrong bytes, and files that are UTF-8 only in part.

A sequence of several bytes that is valid UTF-8 is seldom an accident. Of 385 pages and 200 passages of books in legacy
encodings, the worst (in EUC-JP) has 29 valid sequences in 100, none begins with more than two, and none ends with more
than three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

_SEQUENCE = re.compile(
    rb"(?P<certain>\xe2[\x80-\x8f][\x80-\xbf])"
    rb"|(?P<valid>[\xc2-\xdf][\x80-\xbf]"
    rb"|(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]"
    rb"|(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2})"
    rb"|[\x80-\xff]"
)
"""Dashes, quotes and currency signs in UTF-8, which make no sense in other encodings; other sequences; wrong bytes."""
_CERTAIN_WEIGHT = 10
"""How many sequences a certain one counts for."""
_MIN_SEQUENCES = 2
"""Fewest sequences in a damaged file: one may be an accident."""
_MIN_PART = 5
"""Fewest valid sequences, or wrong bytes, in a part of a file."""
_MAX_ACCIDENTS = 0.35
"""Largest share of valid sequences in a part that is not UTF-8."""
_MAX_EXAMINED = 1_000_000
"""Characters beyond ASCII that are examined before and after the first wrong byte."""
_MAX_LENGTH = 4
"""Bytes of the longest sequence."""

Kind = Literal["damaged", "cut", "legacy after UTF-8", "UTF-8 after legacy"]


@dataclass(frozen=True)
class Damage:
    """What is wrong with a file that is UTF-8 only in part."""

    kind: Kind
    offset: int
    """Offset of the first wrong byte, or of the first character in UTF-8 if the file begins in a legacy encoding."""


@dataclass
class _Census:
    """Counts of the bytes beyond ASCII in a part of a file."""

    valid: int = 0
    """Number of UTF-8 sequences."""
    weight: int = 0
    """The same, with certain sequences counted `_CERTAIN_WEIGHT` times."""
    wrong: int = 0
    valid_since_wrong: int = 0
    """Number of UTF-8 sequences after the last wrong byte."""
    turn: int = 0
    """Offset of the first of those."""

    def add(self, kind: str | None, offset: int) -> None:
        """Count a sequence of this ``kind``, or a wrong byte if that is None."""
        if kind is None:
            self.wrong += 1
            self.valid_since_wrong = 0
            return
        if self.valid_since_wrong == 0:
            self.turn = offset
        self.valid += 1
        self.valid_since_wrong += 1
        self.weight += _CERTAIN_WEIGHT if kind == "certain" else 1


def find_damage(blocks: Iterable[bytes], wrong: int, *, at_end: bool = False) -> Damage | None:
    """Return what is wrong with a file that is UTF-8 in part, or None if it is in a legacy encoding.

    Args:
        blocks: the bytes of the file.
        wrong: offset of the first byte that is not UTF-8.
        at_end: whether the file ends inside the character that begins there.
    """
    before, after = _Census(), _Census()
    for kind, offset in _sequences(blocks):
        census = before if offset < wrong else after
        if census.valid + census.wrong < _MAX_EXAMINED:
            census.add(kind, offset)
        elif census is after:
            break
    if at_end:
        return Damage("cut", wrong) if before.valid else None
    if before.valid >= _MIN_PART and _is_legacy(after.valid, after.wrong):
        return Damage("legacy after UTF-8", wrong)
    first = before.valid + after.valid - after.valid_since_wrong
    if after.valid_since_wrong > _MIN_PART and _is_legacy(first, after.wrong):
        return Damage("UTF-8 after legacy", after.turn)
    return Damage("damaged", wrong) if before.weight + after.weight >= max(_MIN_SEQUENCES, after.wrong) else None


def is_damaged_utf8(evidence: bytes) -> bool:
    """Return whether ``evidence`` is not valid UTF-8, but is damaged UTF-8 or UTF-8 in part."""
    try:
        evidence.decode("utf-8")
    except UnicodeDecodeError as error:
        return find_damage([evidence], error.start) is not None
    return not evidence.isascii()


def _is_legacy(valid: int, wrong: int) -> bool:
    """Return whether a part of a file with these numbers of valid sequences and wrong bytes is in a legacy encoding."""
    return wrong >= _MIN_PART and valid <= _MAX_ACCIDENTS * (valid + wrong)


def _sequences(blocks: Iterable[bytes]) -> Iterator[tuple[str | None, int]]:
    """Yield the kind and offset of each UTF-8 sequence and of each wrong byte, whose kind is None."""
    rest, offset = b"", 0
    for block in blocks:
        data = rest + block
        end = len(data) - _MAX_LENGTH
        stop = 0
        for match in _SEQUENCE.finditer(data):
            if match.start() >= end:
                break
            yield match.lastgroup, offset + match.start()
            stop = match.end()
        cut = max(stop, end, 0)
        rest, offset = data[cut:], offset + cut
    for match in _SEQUENCE.finditer(rest):
        yield match.lastgroup, offset + match.start()
