"""Pieces of HTML; every text in a page passes through here and is escaped."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from html import escape

_SHOWN = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍"}
# Hangul, kana, then only Han, which Japanese has too: browsers draw Han characters by the language given.
_LANGUAGES = (("ko", "\uac00", "\ud7a3"), ("ja", "\u3041", "\u30ff"), ("zh", "\u4e00", "\u9fff"))


def element(tag: str, content: str, **attributes: str | None) -> str:
    """Return ``content``, which is HTML, in an element; attributes are escaped, and left out if None.

    A trailing underscore in the name of an attribute is dropped, so that you can give ``class_``.
    """
    given = (f' {name.rstrip("_")}="{escape(value)}"' for name, value in attributes.items() if value is not None)
    return f"<{tag}{''.join(given)}>{content}</{tag}>"


def text_element(tag: str, text: str, **attributes: str | None) -> str:
    """Return ``text`` escaped in an element."""
    return element(tag, escape(text), **attributes)


def pairs_table(title: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Return a table of names and values, both plain text, with a row for each pair; "" if there are no pairs."""
    rows = "".join(
        element("tr", text_element("th", name, scope="row") + text_element("td", value, dir="auto"))
        for name, value in pairs
    )
    return element("table", text_element("caption", title) + rows, class_="pairs") if rows else ""


def grid_table(heads: Sequence[str], rows: Iterable[str], class_: str) -> str:
    """Return a table that scrolls sideways if the page is too narrow; ``heads`` and ``rows`` are HTML."""
    head = element("tr", "".join(element("th", name, scope="col") for name in heads))
    table = element("table", element("thead", head) + element("tbody", "".join(rows)), class_=class_)
    return element("div", table, class_="scroll", tabindex="0")


def visible(character: str) -> str:
    """Return ``character`` in visible form: a sign for white space, or its code point if it has no shape."""
    if character in _SHOWN:
        return _SHOWN[character]
    category = unicodedata.category(character)
    if category.startswith("M"):
        return "◌" + character
    return f"U+{ord(character):04X}" if category[0] in "CZ" else character


def visible_lines(text: str) -> str:
    """Return ``text`` on one line, with a sign for each line end and tab."""
    return "".join(c if c == " " else visible(c) if c in _SHOWN else c for c in text)


def language_of(characters: str) -> str:
    """Return the language tag with which browsers draw these characters correctly; "" if none is needed."""
    return next((tag for tag, low, high in _LANGUAGES if any(low <= c <= high for c in characters)), "")
