"""A text in one of Unicode's normalization forms, whole or piece by piece."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from nextchar.settings import Normalization


def in_form(text: str, form: Normalization) -> str:
    """Return ``text`` in Unicode's normalization ``form``."""
    return unicodedata.normalize("NFC" if form == "nfc" else "NFKC", text)


def normalized(pieces: Iterable[str], form: Normalization) -> Iterator[str]:
    """Yield ``pieces`` in Unicode's normalization ``form``, as if they were one string.

    A mark may compose with the letter before it, so they are not cut there, except after 1,000 marks.
    """
    held = ""
    for piece in pieces:
        text = held + piece
        last = text[-1000:]
        begun = next((place for place in range(1, len(last) + 1) if not _goes_on(last[-place])), len(last))
        cut = len(text) - begun if begun < 1000 else len(text)
        held = text[cut:]
        yield in_form(text[:cut], form)
    yield in_form(held, form)


def _goes_on(character: str) -> bool:
    """Return whether ``character`` may compose with what is before it, or change places with it."""
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.combining(first) > 0 or first in _second_parts()


@cache
def _second_parts() -> frozenset[str]:
    """Return the characters that others are composed with, but for jamo of which syllables are: those are all added."""
    parts = (unicodedata.decomposition(chr(point)).split() for point in range(0xC0, 0x20000))
    seconds = {chr(int(part[1], 16)) for part in parts if len(part) == 2 and not part[0].startswith("<")}
    return frozenset(seconds | {chr(point) for point in range(0x1160, 0x1200)})
