"""What shows in the first bytes: byte order marks, zeros, escapes, and files that are not text."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
WIDTHS = {"utf-32-le": 4, "utf-32-be": 4, "utf-16-le": 2, "utf-16-be": 2}
"""Encodings whose every character takes so many bytes, or twice as many."""
_ESCAPES = {b"\x1b$)C": "iso2022_kr", b"\x1b$B": "iso2022_jp", b"\x1b$@": "iso2022_jp"}
_MAGIC = {
    b"%PDF-": "a PDF document",
    b"{\\rtf": "a rich text document (RTF)",
    b"PK\x03\x04": "a ZIP archive (as .docx, .hwpx, .odt and .epub files are)",
    b"\xd0\xcf\x11\xe0": "an Office or HWP document",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF89a": "a GIF image",
    b"\x7fELF": "a program",
    b"BZh91AY&SY": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"(\xb5/\xfd": "a Zstandard archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"SQLite format 3\x00": "an SQLite database",
}
# Control characters that no text needs: not tab, line ends, form feed, backspace, escape, end of file, separators.
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\v\f\r\b\x1a\x1b\x1c\x1d\x1e\x1f"))
_MOST_CONTROLS = 0.02
"""Largest share of them in a text: compressed data has about 0.1, programs more."""
_JUDGED, _FEWEST = 20_000, 8
"""Characters of a reading that are looked at, and the fewest that say anything."""
_CROWDED, _NEAR = 3, 256
"""So many unassigned characters within so many are no accident: some are new, and a text may have one."""
_FOREIGN = re.compile(
    rb"(?:[\t\n\r -~]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}){24,}"
)
"""Bytes that are text in UTF-8, and in UTF-16 ideographs at random."""
_LONG_FOREIGN = 64
"""Bytes of those that are no accident even in Japanese: in half a million characters, none of its runs reaches 40."""
_LONGEST_FOREIGN = 128
"""Bytes kept of a block, so that a run is found that goes on in the next."""


def marked_encoding(head: bytes) -> str | None:
    """Return the encoding whose byte order mark ``head`` begins with; none without a mark."""
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)


def kind_of_binary(head: bytes) -> str | None:
    """Return what the file that begins with ``head`` is, like "a PDF document"; none if it may be a text.

    Zeros at the end are padding, and say nothing.
    """
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    head = head.rstrip(b"\0") or head
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return kind or ("binary data" if controls > _MOST_CONTROLS * len(head) else None)


def unmarked_encoding(head: bytes) -> str | None:
    """Return the Unicode or 7-bit encoding of ``head`` that makes it look like ASCII with zeros or escapes.

    None if it is neither UTF-32, UTF-16, ISO-2022-KR nor ISO-2022-JP.
    """
    for escape, encoding in _ESCAPES.items():
        if escape in head and _reading(head, encoding) is not None:
            return encoding
    inside = head.rstrip(b"\0")  # zeros at the end are padding, or half a line end
    if b"\0" not in inside:
        return None
    narrow = _is_narrow(inside)
    return next((encoding for encoding in WIDTHS if _plain(inside, encoding, latin=narrow)), None)


def wide_reading(head: bytes) -> str | None:
    """Return the encoding of `WIDTHS` that reads ``head`` as letters for the most part; None if none does."""
    if _reading(head, "utf-8") is not None:
        return None
    for encoding in WIDTHS:
        text = (_reading(head.rstrip(b"\0"), encoding) or "")[:_JUDGED]
        if len(text) >= _FEWEST and _odd(text) <= len(text) // 100 and 2 * sum(map(str.isalpha, text)) > len(text):
            return encoding
    return None


def _is_narrow(data: bytes) -> bool:
    """Whether ``data`` is UTF-8 with zeros in it: it is UTF-16, too, where it is of Latin script, and only then."""
    without = data.replace(b"\0", b"")
    return _reading(without, "utf-8") is not None and kind_of_binary(without) is None


def _plain(data: bytes, encoding: str, *, latin: bool) -> bool:
    """Whether ``encoding`` reads ``data`` as characters that exist, with spaces or line ends between them.

    The wrong byte order turns ASCII and its spaces into ideographs and Chinese into unassigned characters. Where only
    ``latin`` will do, more than half of the characters must be of Latin-1.
    """
    text = (_reading(data, encoding) or "")[:_JUDGED]
    spaced = " " in text or "\n" in text
    return spaced and _odd(text) <= len(text) // 100 and (not latin or 2 * sum(c < "\u0100" for c in text) > len(text))


def _odd(text: str) -> int:
    """Return how many characters of ``text`` no text has."""
    return sum(unicodedata.category(c) in {"Cn", "Co", "Cc"} and c not in "\t\n\f\r" for c in text)


def _reading(head: bytes, encoding: str) -> str | None:
    """Return ``head`` as ``encoding`` reads it; its last character may be cut."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return None


def find_foreign_bytes(blocks: Iterable[bytes], encoding: str) -> int | None:
    """Return the offset where a file in UTF-16 or UTF-32 goes on in another encoding; None where it does not.

    Its text turns into ideographs at random there, and into code points that stand for nothing.
    """
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    rest, offset, ideographs = b"", 0, False
    for block in blocks:
        data = rest + block
        for match in _FOREIGN.finditer(data):
            start = match.start() + -(offset + match.start()) % WIDTHS[encoding]
            halves = data[start : match.end() : 2], data[start + 1 : match.end() : 2]
            if min(len(set(half)) for half in halves) == 1:
                continue  # one row of Unicode, like kana, may be all ASCII
            expected = ideographs or _has_ideographs(data[:start].decode(encoding, "replace"))
            if match.end() - start >= _LONG_FOREIGN or not expected:
                return offset + start
        undecoded = len(decoder.getstate()[0])
        text = decoder.decode(block)
        ideographs = ideographs or _has_ideographs(text)
        unassigned = _find_unassigned(text)
        if unassigned is not None:
            return offset + len(rest) - undecoded + len(unassigned.encode(encoding, "replace"))
        kept = max(0, len(data) - _LONGEST_FOREIGN)
        rest, offset = data[kept:], offset + kept
    return None


def _has_ideographs(text: str) -> bool:
    return any("\u3000" <= character < "\ufe00" for character in set(text))


def _find_unassigned(text: str) -> str | None:
    """Return what stands before the first crowd of unassigned characters in ``text``; None where there is no crowd.

    The first plane alone is looked at: it is all but full, and new characters are in the others.
    """
    unassigned = {c for c in set(text) if c <= "\uffff" and unicodedata.category(c) == "Cn"}
    places = [place for place, c in enumerate(text) if c in unassigned] if unassigned else []
    crowds = (first for first, last in zip(places, places[_CROWDED - 1 :], strict=False) if last - first < _NEAR)
    first = next(crowds, None)
    return None if first is None else text[:first]
