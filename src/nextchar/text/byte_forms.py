"""What the first bytes of a file show: byte order marks, zeros, escapes, and files that are not text."""

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
"""Bytes of a character in each wide encoding; a character of UTF-16 may also take twice as many."""
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
_MAX_CONTROL_SHARE = 0.02
"""Largest share of control characters in a text: compressed data has about 0.1, programs more."""
_MAX_JUDGED, _MIN_JUDGED = 20_000, 8
"""Characters that are looked at to judge an encoding: at most, and at least."""
_CROWDED, _NEAR = 3, 256
"""3 unassigned characters within 256 are no accident. A text may have one, since Unicode adds new characters."""
_FOREIGN = re.compile(
    rb"(?:[\t\n\r -~]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}){24,}"
)
"""Bytes that are text in UTF-8 and random ideographs in UTF-16."""
_MIN_FOREIGN = 64
"""Length of a run of such bytes that is no accident: in half a million characters of Japanese, no run reaches 40."""
_KEPT = 128
"""Bytes of a block that are kept, to find a run that continues in the next block."""


def marked_encoding(head: bytes) -> str | None:
    """Return the encoding of the byte order mark at the start of ``head``, or None without a mark."""
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)


def kind_of_binary(head: bytes) -> str | None:
    """Return the kind of a file that begins with ``head``, such as "a PDF document", or None if it may be a text.

    Zeros at the end are padding and are ignored.
    """
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    head = head.rstrip(b"\0") or head
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return kind or ("binary data" if controls > _MAX_CONTROL_SHARE * len(head) else None)


def unmarked_encoding(head: bytes) -> str | None:
    """Return the encoding of ``head`` if zeros or escapes among ASCII show it, or None.

    Such encodings are UTF-32, UTF-16, ISO-2022-KR and ISO-2022-JP.
    """
    for escape, encoding in _ESCAPES.items():
        if escape in head and _reading(head, encoding) is not None:
            return encoding
    content = head.rstrip(b"\0")  # zeros at the end are padding, or half a line end
    if b"\0" not in content:
        return None
    narrow = _is_narrow(content)
    return next((encoding for encoding in WIDTHS if _is_plain(content, encoding, latin=narrow)), None)


def wide_reading(head: bytes) -> str | None:
    """Return the encoding of `WIDTHS` in which ``head`` is mostly letters, or None."""
    if _reading(head, "utf-8") is not None:
        return None
    for encoding in WIDTHS:
        text = (_reading(head.rstrip(b"\0"), encoding) or "")[:_MAX_JUDGED]
        if len(text) >= _MIN_JUDGED and _odd(text) <= len(text) // 100 and 2 * sum(map(str.isalpha, text)) > len(text):
            return encoding
    return None


def _is_narrow(data: bytes) -> bool:
    """Return whether ``data`` is UTF-8 with zeros in it; text in Latin script is also that in UTF-16."""
    without = data.replace(b"\0", b"")
    return _reading(without, "utf-8") is not None and kind_of_binary(without) is None


def _is_plain(data: bytes, encoding: str, *, latin: bool) -> bool:
    """Return whether ``data`` in ``encoding`` is assigned characters with spaces or line ends between them.

    The wrong byte order turns ASCII and its spaces into ideographs, and Chinese into unassigned characters. With
    ``latin``, more than half of the characters must be in Latin-1.
    """
    text = (_reading(data, encoding) or "")[:_MAX_JUDGED]
    spaced = " " in text or "\n" in text
    return spaced and _odd(text) <= len(text) // 100 and (not latin or 2 * sum(c < "\u0100" for c in text) > len(text))


def _odd(text: str) -> int:
    """Return how many characters of ``text`` do not belong in a text: unassigned, private or control characters."""
    return sum(unicodedata.category(c) in {"Cn", "Co", "Cc"} and c not in "\t\n\f\r" for c in text)


def _reading(head: bytes, encoding: str) -> str | None:
    """Return ``head`` decoded, or None if it does not decode; its last character may be cut."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return None


def find_foreign_bytes(blocks: Iterable[bytes], encoding: str) -> int | None:
    """Return the offset at which a file in UTF-16 or UTF-32 continues in another encoding, or None.

    From there on it decodes to random ideographs and unassigned code points.
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
            if match.end() - start >= _MIN_FOREIGN or not expected:
                return offset + start
        undecoded = len(decoder.getstate()[0])
        text = decoder.decode(block)
        ideographs = ideographs or _has_ideographs(text)
        unassigned = _find_unassigned(text)
        if unassigned is not None:
            return offset + len(rest) - undecoded + len(unassigned.encode(encoding, "replace"))
        kept = max(0, len(data) - _KEPT)
        rest, offset = data[kept:], offset + kept
    return None


def _has_ideographs(text: str) -> bool:
    return any("\u3000" <= character < "\ufe00" for character in set(text))


def _find_unassigned(text: str) -> str | None:
    """Return the part of ``text`` before its first crowd of unassigned characters, or None if there is no crowd.

    Only the first plane counts: it is almost full, and Unicode adds new characters in the others.
    """
    unassigned = {c for c in set(text) if c <= "\uffff" and unicodedata.category(c) == "Cn"}
    places = [place for place, c in enumerate(text) if c in unassigned] if unassigned else []
    crowds = (first for first, last in zip(places, places[_CROWDED - 1 :], strict=False) if last - first < _NEAR)
    first = next(crowds, None)
    return None if first is None else text[:first]
