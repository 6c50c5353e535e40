"""Characters as a terminal draws them. Nothing that passes through here is a command to it.

Control characters, marks without a letter and signs that change the direction of writing are shown by their code
points.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from nextchar.report.markup import visible
from nextchar.runs.screen import cell_width

TAB = 8
MAX_JOINED = 8
"""Most characters drawn as one: more marks on a letter would cover the lines above."""
JOINER, NON_JOINER = "\u200d", "\u200c"
"""Characters without a shape that the words of some scripts need after a letter."""


def joined(characters: Iterable[str]) -> Iterator[str]:
    """Yield ``characters`` in groups that are drawn as one: a letter with its marks, a syllable."""
    group = ""
    for character in characters:
        if group and _takes(group, character):
            group += character
        else:
            if group:
                yield group
            group = character
    if group:
        yield group


def shown(group: str, column: int = TAB - 1) -> str:
    """Return what is drawn for a ``group`` of `joined` that begins at ``column`` of a line, from 0."""
    if group == "\t":
        return visible("\t") + " " * (TAB - 1 - column % TAB)
    return _sign(group[0]) + group[1:]


def safe_line(text: str) -> str:
    """Return ``text`` on one line, with signs for line ends and tabs."""
    return "".join(map(shown, joined(text)))


def _takes(group: str, character: str) -> bool:
    """Return whether ``character`` is drawn as a part of ``group``."""
    if len(group) >= MAX_JOINED or unicodedata.category(group[0])[0] in "CZM":
        return False
    if character.isascii() or cell_width(character) > 0:
        return group.endswith(JOINER) and _sign(character) == character
    return character in {JOINER, NON_JOINER} or unicodedata.category(character)[0] in "ML"


def _sign(character: str) -> str:
    """Return ``character``, or a sign that does nothing to the terminal."""
    category = unicodedata.category(character)
    if category[0] not in "CM" and category not in {"Zl", "Zp"}:
        return character
    sign = visible(character)
    return f"<{sign}>" if sign.startswith("U+") else sign
