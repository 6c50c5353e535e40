"""What bytes are: the encoding of a text that does not say it, or the kind of a file that is no text.

Everything here judges bytes that were read already and knows no file; `text` reads files and asks the
questions in order. Nothing but a byte order mark is certain: whatever the answer, `text` decodes the whole
file strictly.
"""

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
# Control characters that no text needs: not tab, line ends, form feed, backspace, escape, DOS's end of file.
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\v\f\r\b\x1a\x1b"))
_MOST_CONTROLS = 0.02
"""Largest share of control characters in a text: compressed data has about 0.1, programs more."""

# Where two encodings read the evidence alike, take the one in wide use, which is also the largest of its
# family: what reads the evidence as euc_kr may meet a syllable further on that only cp949 has.
_PREFERRED = (
    *("cp949", "cp932", "euc_jp", "gb18030", "cp950", "big5hkscs", "cp1252", "cp1250", "cp1251", "koi8_r"),
    *(
        "cp866",
        "cp1253",
        "cp1254",
        "cp1255",
        "cp1256",
        "cp1257",
        "cp1258",
        "cp874",
        "iso8859_2",
        "iso8859_15",
    ),
)
_EVIDENCE_OF_A_BLOCK, _EVIDENCE = 1 << 16, 1 << 18


def marked_encoding(head: bytes) -> str | None:
    """Return the encoding whose byte order mark ``head`` begins with; none without a mark."""
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)


def kind_of_binary(head: bytes) -> str | None:
    """Return what the file that begins with ``head`` is, like "a PDF document"; none if it may be a text."""
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return kind or ("binary data" if controls > _MOST_CONTROLS * len(head) else None)


def unmarked_encoding(head: bytes) -> str | None:
    """Return the Unicode or 7-bit encoding of ``head`` that makes it look like ASCII with zeros or escapes.

    None if it is neither UTF-32, UTF-16, ISO-2022-KR nor ISO-2022-JP.
    """
    if b"\x1b$" in head:
        return next((e for e in ("iso2022_kr", "iso2022_jp") if _reading(head, e) is not None), None)
    if b"\0" in head:
        return next(
            (e for e in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be") if _plain(head, e)), None
        )
    return None


def _plain(head: bytes, encoding: str) -> bool:
    """Whether ``encoding`` reads ``head`` as characters that exist, with spaces or line ends between them.

    The wrong byte order turns ASCII and its spaces into ideographs and Chinese into unassigned characters.
    """
    text = (_reading(head, encoding) or "")[:20_000]
    odd = sum(unicodedata.category(c) in {"Cn", "Co", "Cc"} and c not in "\t\n\f\r" for c in text)
    return odd <= len(text) // 100 and (" " in text or "\n" in text)


def _reading(head: bytes, encoding: str) -> str | None:
    """Return ``head`` as ``encoding`` reads it; its last character may be cut."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return None


def gather_evidence(blocks: Iterable[bytes]) -> bytes:
    """Return the lines with bytes beyond ASCII: up to 64 KB of each block, until there are 256 KB.

    In a text of mostly ASCII, these few lines are all that tells one encoding from another.
    """
    pieces: list[bytes] = []
    for block in blocks:
        lines = block[block.find(b"\n") + 1 :] if pieces else block
        beyond_ascii = b"".join(re.findall(rb"[^\n]*[\x80-\xff][^\n]*\n?", lines))
        pieces.append(_cut(beyond_ascii, _EVIDENCE_OF_A_BLOCK))
        if sum(map(len, pieces)) >= _EVIDENCE:
            break
    return b"".join(pieces)


def _cut(lines: bytes, length: int) -> bytes:
    """Cut ``lines`` to ``length`` or less, after a byte below 0x30: no multi-byte character ends in one."""
    if len(lines) <= length:
        return lines
    last = re.search(rb"[\x00-\x2f](?=[^\x00-\x2f]*\Z)", lines[:length])
    return lines[: last.end() if last else length]


def legacy_encoding(evidence: bytes) -> str | None:
    """Return the encoding that makes most sense of ``evidence``, which is not UTF-8; none if none does."""
    if b"\0" in evidence:
        return None
    from charset_normalizer import from_bytes  # slow to import, and most files are UTF-8

    best = from_bytes(evidence, steps=20, chunk_size=1024, enable_fallback=False).best()
    if best is None:
        return None
    reading = str(best)
    return next((e for e in _PREFERRED if _reads_as(evidence, e, reading)), best.encoding)


def _reads_as(evidence: bytes, encoding: str, reading: str) -> bool:
    try:
        return evidence.decode(encoding) == reading
    except UnicodeDecodeError:
        return False


def is_damaged_utf8(evidence: bytes) -> bool:
    """Return whether ``evidence`` is UTF-8 but for a few bytes: ten good characters for each bad one.

    Only characters beyond ASCII count. Text of a legacy encoding has far more bad ones than good.
    """
    reading = evidence.decode("utf-8", "replace")
    bad = reading.count("\ufffd")
    good = len(reading) - len(reading.encode("ascii", "ignore")) - bad
    return good >= 10 * bad and good > 0
