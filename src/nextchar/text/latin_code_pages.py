"""Detect which code page of Latin script a text is in, from the neighbours of its characters.

The same bytes are letters in one code page and signs in another. A reading is plausible if its letters beyond ASCII
belong to one language and form words with normal capitals, and if its signs are where such signs usually are: a
fraction not next to a letter, a pound sign before a number, an opening quote before a word. Even a few bytes have
neighbours, so this works for a text as short as a recipe.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable

_WESTERN = (
    *("àâæçèéêëîïôœùûüÿ", "äöüß", "áéíóúüñ", "àáâãçéêíóôõúü", "àèéìíîòóùú", "åäöé", "æøåé", "þðæöáéíóúý", "õäöüšž"),
    *("àèéíïòóúüç", "ëïéèêöüáó", "ëç", "éèêçñöüïâ"),
)
"""Letters beyond ASCII of French, German, Spanish, Portuguese, Italian, Swedish, Danish, Icelandic, Estonian, Catalan,
Dutch and Albanian, and of loan words in English."""
_CENTRAL = (*("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîșțşţ", "äöüß", "ëç"),)
"""Letters beyond ASCII of Polish, Czech, Slovak, Hungarian, Croatian, Romanian, German and Albanian."""
_BALTIC = ("āčēģīķļņšūž", "ąčęėįšųūž", "õäöüšž")
_TURKISH = ("çğıöşüâîû",)
_PAGES = {
    "cp1252": _WESTERN,
    "cp1250": _CENTRAL,
    "iso8859_2": _CENTRAL,
    "cp1254": _TURKISH,
    "cp1257": _BALTIC,
    "iso8859_15": _WESTERN,
    "iso8859_9": _TURKISH,
    "cp1258": ("àáâăèéêìíđòóôơùúưý",),
    "mac_roman": _WESTERN,
    "cp850": _WESTERN,
    "cp437": _WESTERN,
    "cp852": _CENTRAL,
    "mac_latin2": _CENTRAL,
}
"""Each code page with the alphabets it was made for, in order of preference if they are equally plausible."""
_OLD = frozenset({"mac_roman", "cp850", "cp437", "cp852", "mac_latin2"})
_MARGIN = 0.1
"""How much more plausible a page of DOS or the old Macintosh must be than every later page."""
_MAX_EXAMINED = 1000
"""Characters beyond ASCII that are examined."""

_WORDS_OF_ONE_LETTER = frozenset("àáâãèéêìíîòóôõöåæøúùýāąęėīūőű")

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def best_latin_page(evidence: bytes) -> tuple[str, float] | None:
    """Return the most plausible code page of Latin script for ``evidence``, and how plausible it is, from 0 to 1.

    Of equally plausible pages, the first in `_PAGES` wins; those of DOS and the old Macintosh must be better by
    `_MARGIN`. The result is None if no page decodes every byte.
    """
    sense = {
        page: _plausibility(reading, alphabets)
        for page, alphabets in _PAGES.items()
        if (reading := _reading(evidence, page)) is not None
    }
    if not sense:
        return None
    best = max(sense, key=lambda page: sense[page] - _MARGIN * (page in _OLD))
    return best, sense[best]


def _reading(evidence: bytes, page: str) -> str | None:
    try:
        return evidence.decode(page)
    except UnicodeDecodeError:
        return None


def _plausibility(text: str, alphabets: tuple[str, ...]) -> float:
    """Return the share of characters of ``text`` beyond ASCII that are plausible between their neighbours, to 0.01."""
    letters: Counter[str] = Counter()
    sense, count = 0.0, 0
    for match in _BEYOND_ASCII.finditer(text):
        character, place = match[0], match.start()
        before, after = text[max(0, place - 2) : place], text[place + 1 : place + 2]
        count += 1
        if character.isalpha() and character not in "ªºµ":
            letters[character.lower()] += _fits_into_word(character, before, after)
        else:
            sense += _sense_of_sign(character, before[-1:], after)
        if count == _MAX_EXAMINED:
            break
    sense += max(sum(letters[letter] for letter in alphabet) for alphabet in alphabets)
    return round(sense / count, 2) if count else 0.0


def _fits_into_word(letter: str, before: str, after: str) -> bool:
    """Return whether a word can have ``letter`` here: capitals start or fill a word; few single letters are words."""
    previous = before[-1:]
    if not previous.isalpha() and not after.isalpha():
        return letter.lower() in _WORDS_OF_ONE_LETTER
    if letter.isupper():
        return not previous.islower() and not (previous.isupper() and after.islower())
    return not after.isupper() and not (previous.isupper() and before[:-1].isalpha())


def _sense_of_sign(sign: str, before: str, after: str) -> float:
    """Return how plausible ``sign`` is between the characters ``before`` and ``after``, from 0 to 1."""
    rule = next((rule for signs, rule in _RULES if sign in signs), None)
    if rule is not None:
        return rule(before, after)
    if "\u2500" <= sign <= "\u259f":  # frames and bars come in rows, next to spaces
        return 1.0 if sign in (before, after) else 0.9 if not (before.strip() and after.strip()) else 0.3
    if unicodedata.combining(sign):
        return float(before.isalpha())
    return 0.0 if before.isalpha() or after.isalpha() or unicodedata.category(sign) == "Cc" else 0.2


def _anywhere(_before: str, _after: str) -> float:
    return 1.0


def _seldom_inside_words(before: str, after: str) -> float:
    return 0.5 if before.isalpha() and after.isalpha() else 1.0


def _outside_words(before: str, after: str) -> float:
    return float(not (before.isalpha() and after.isalpha()))


def _before_words(before: str, after: str) -> float:
    return float(not before.isalnum() and not after.isspace())


def _inside_words(before: str, after: str) -> float:
    return float(before.isalpha() and after.isalpha())


def _before_numbers(before: str, after: str) -> float:
    return 0.0 if before.isalpha() else 0.5 if after.isalpha() else 1.0


def _after_words_and_numbers(before: str, after: str) -> float:
    return float(before.isalnum() and not after.isalpha())


def _after_numbers(before: str, after: str) -> float:
    return float(before.isdigit() or (not before.isalpha() and after in "CFK"))


def _before_units(before: str, after: str) -> float:
    return float(not before.isalpha() and after.isalnum())


_RULES: tuple[tuple[str, Callable[[str, str], float]], ...] = (
    ("’–—", _anywhere),
    ("\u00a0…", _seldom_inside_words),
    ("“”«»‹›•·©®™§¶†‡×÷", _outside_words),
    ("„‚‘¿¡", _before_words),
    ("\u00ad", _inside_words),
    ("½¼¾£¥€¢", _before_numbers),
    ("²³¹ªº", _after_words_and_numbers),
    ("°‰", _after_numbers),
    ("±µ", _before_units),
)
"""Where signs that every language uses can be."""
