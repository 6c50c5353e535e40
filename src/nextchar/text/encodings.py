"""What bytes are: the encoding of a text that does not say it, or the kind of a file that is no text.

Everything here judges bytes that were read already and knows no file; `text` reads files and asks the
questions in order. Nothing but a byte order mark is certain: whatever the answer, `text` decodes the whole
file strictly.
"""

from __future__ import annotations

import codecs
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
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
# Control characters that no text needs: not tab, line ends, form feed, backspace, escape, DOS's end of file.
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\v\f\r\b\x1a\x1b"))
_MOST_CONTROLS = 0.02
"""Largest share of them in a text: compressed data has about 0.1, programs more."""

# In order of preference where nothing tells them apart: those in wide use first, which are also the largest
# of their family (what was read as euc_kr may meet a syllable further on that only cp949 has).
_LATIN = ("cp1252", "cp1250", "iso8859_2", "cp1254", "cp1257", "iso8859_15", "iso8859_9", "cp1258")
_OLD_LATIN = ("mac_roman", "cp850", "cp437", "cp852", "mac_latin2")
_EAST_ASIAN = {
    "cp949": ("euc_kr", 0xA1, 0xA3, 0xB0, 0xC8),
    "cp932": ("cp932", 0x81, 0x83, 0x88, 0x97),
    "euc_jp": ("cp932", 0x81, 0x83, 0x88, 0x97),
    "gb18030": ("gb2312", 0xA1, 0xA3, 0xB0, 0xD7),
    "cp950": ("big5", 0xA1, 0xA3, 0xA4, 0xC6),
    "big5hkscs": ("big5", 0xA1, 0xA3, 0xA4, 0xC6),
    "johab": ("euc_kr", 0xA1, 0xA3, 0xB0, 0xC8),
}
"""Where each language's standard has its signs and its common characters: first bytes, from and to, twice."""
_OTHERS = (
    *("cp1251", "koi8_r", "koi8_u", "cp866", "cp855", "iso8859_5", "mac_cyrillic", "cp1253", "iso8859_7"),
    *("mac_greek", "cp1255", "iso8859_8", "cp1256", "iso8859_6", "cp874"),
)
_ALPHABETS = (
    *("àâæçèéêëîïôœùûüÿ", "äöüß", "áéíóúüñ¡¿ªº", "àáâãçéêíóôõúü", "àèéìíîòóùú", "åäöé", "æøåé", "þðæöáéíóúý"),
    *("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîșțşţ", "çğıöşüâîû"),
    *("āčēģīķļņšūž", "ąčęėįšųūž", "õäöüšž", "áâêîôûŵŷ", "àèéíïòóúüç", "ëïéèêöüáó", "ĉĝĥĵŝŭ", "ëç"),
)
"""Letters beyond ASCII of languages in Latin script: French, German, Spanish, Portuguese …."""
_SIGNS = frozenset("“”‘’„‚«»‹›–—…•°§©®™€£·\u00a0\u00ad")
"""Characters beyond ASCII that are at home in every language."""
_MOST_STRANGENESS = 0.4
"""Of the 385 pages in chardet's tests none is stranger in its own encoding."""
_EVIDENCE_OF_A_BLOCK, _EVIDENCE = 1 << 16, 1 << 18
_MAY_BE_LAST = bytes(range(0x30, 0x100))
"""Bytes that a character of several bytes may end in, in the encodings of East Asia."""


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
    for escape, encoding in _ESCAPES.items():
        if escape in head and _reading(head, encoding) is not None:
            return encoding
    return next((encoding for encoding in _WIDE if b"\0" in head and _plain(head, encoding)), None)


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
    for lines in _whole_lines(blocks):
        beyond_ascii = b"".join(line for line in lines if not line.isascii())
        pieces.append(_cut(beyond_ascii, _EVIDENCE_OF_A_BLOCK))
        if sum(map(len, pieces)) >= _EVIDENCE:
            break
    return b"".join(pieces)


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines of ``blocks`` up to the end, or to a line too long to hold, which is cut and last."""
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).splitlines(keepends=True)
        yield lines
        if len(rest) > _EVIDENCE:
            break
    yield [rest]


def _cut(lines: bytes, length: int) -> bytes:
    """Cut ``lines`` to ``length`` or less, after a byte below 0x30: no multi-byte character ends in one."""
    if len(lines) <= length:
        return lines
    kept = lines[:length].rstrip(_MAY_BE_LAST)
    return kept or lines[:length]


def legacy_encoding(evidence: bytes) -> str | None:
    """Return the encoding that makes most sense of ``evidence``, which is not UTF-8; none if none does.

    charset-normalizer judges each encoding alone, since it would stop at the first good one. Where it cannot
    tell western code pages from central European ones, that reading wins which is nearest to the alphabet of
    one language. Of the 385 pages in chardet's tests this reads 379 right; charset-normalizer by itself, 352.
    """
    if b"\0" in evidence:
        return None
    candidates = (*_LATIN, *_OLD_LATIN, *_EAST_ASIAN, *_OTHERS)
    strangeness = {e: s for e in candidates if (s := _strangeness(evidence, e)) < _MOST_STRANGENESS}
    best = min(strangeness, key=lambda e: strangeness[e], default=None)
    if best not in (*_LATIN, *_OLD_LATIN):
        return best
    rivals = _LATIN if best in _LATIN else (*_LATIN, *_OLD_LATIN)
    near = [e for e in rivals if strangeness.get(e, 1) <= strangeness[best] + 0.02]
    return max(near, key=lambda e: _share_in_one_alphabet(evidence.decode(e)))


def _strangeness(evidence: bytes, encoding: str) -> float:
    """Return how unlike a language ``evidence`` is in ``encoding``: 0 is like one, infinity cannot be."""
    if encoding not in _EAST_ASIAN:
        # Most single bytes mean something in most of these, while that all bytes pair up is seldom chance.
        return 0.05 + _disorder(evidence, encoding)
    text = evidence.decode(encoding, "replace")
    wrong = text.count("\ufffd")
    if wrong > len(text) // 1000:
        return math.inf
    # A few wrong bytes are damage: the rest is judged, and decoding the file will say where they are.
    whole = text.replace("\ufffd", "")
    uncommon = 1 - _share_in_common_use(whole, *_EAST_ASIAN[encoding])
    return 0.3 * uncommon + _disorder(whole.encode(encoding) if wrong else evidence, encoding)


def _disorder(evidence: bytes, encoding: str) -> float:
    from charset_normalizer import from_bytes  # slow to import, and most files are UTF-8

    isolated = [encoding]
    best = from_bytes(evidence, 20, 1024, 1.0, cp_isolation=isolated, enable_fallback=False).best()
    return math.inf if best is None else best.chaos - 0.05 * best.coherence


def _share_in_one_alphabet(text: str) -> float:
    """Return the largest share of the characters of ``text`` beyond ASCII that one language uses, to 0.01."""
    counts = Counter(c for c in text.lower() if c not in _SIGNS and not c.isascii())
    largest = max(sum(counts[letter] for letter in alphabet) for alphabet in _ALPHABETS)
    return round(largest / counts.total(), 2) if counts else 1.0


def _share_in_common_use(text: str, standard: str, *firsts: int) -> float:
    """Return what share of the first 2,000 characters beyond ASCII is common by ``standard``."""
    beyond_ascii = [c for c in text if not c.isascii()][:2000]
    codes = [c.encode(standard, "ignore")[:1] for c in beyond_ascii]
    common = sum(any(bytes([a]) <= code <= bytes([b]) for a, b in (firsts[:2], firsts[2:])) for code in codes)
    return common / max(1, len(codes))


def is_damaged_utf8(evidence: bytes) -> bool:
    """Return whether ``evidence`` is UTF-8 but for a few bytes: ten good characters for each bad one.

    Only characters beyond ASCII count. Text of a legacy encoding has far more bad ones than good.
    """
    reading = evidence.decode("utf-8", "replace")
    bad = reading.count("\ufffd")
    good = len(reading) - len(reading.encode("ascii", "ignore")) - bad
    return good >= 10 * bad and good > 0
