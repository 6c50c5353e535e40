"""Legacy encodings told apart by the lines of a file that have bytes beyond ASCII."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from nextchar.detection.latin import best_latin_page

# In order of preference where nothing tells them apart: those in wide use first, which are also the largest
# of their family (what was read as euc_kr may meet a syllable further on that only cp949 has).
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
_MOST_STRANGENESS = 0.4
"""Of the 385 pages in chardet's tests none is stranger in its own encoding."""
_SURE, _LIKELY = 0.85, 0.5
"""Share of the evidence that a code page of Latin script makes sense of: nothing else does, or something may. Of the
pages and passages in other scripts none reaches 0.7."""
_EVIDENCE_OF_A_BLOCK, _EVIDENCE = 1 << 16, 1 << 18
_MAY_BE_LAST = bytes(range(0x30, 0x100))
"""Bytes that a character of several bytes may end in, in the encodings of East Asia."""


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

    Where a code page of Latin script makes sense of nearly all of it (`latin`), it is that. Of the others
    charset-normalizer judges each alone, since it would stop at the first good one.

    Of the 385 pages in chardet's tests this reads 381 right, charset-normalizer by itself 352 and chardet 7.7, which
    believes what a page says of itself, 384. Of 1,304 passages of 60 to 3,000 characters in 21 languages this reads
    1,276 right and chardet 7.7 1,279; but it takes Italian for Cyrillic, Catalan and English quotes in cp1252 for
    central European, and fractions in a recipe for accents, where this is mistaken in pages of DOS and the old
    Macintosh only. Its licence changed from LGPL to MIT and 0BSD with a rewrite whose right to do so its first author
    disputes in public. So it is not taken.
    """
    if b"\0" in evidence:
        return None
    page, sense = best_latin_page(evidence) or (None, 0.0)
    if page and sense >= _SURE:
        return page
    candidates = (*_EAST_ASIAN, *_OTHERS, *([page] if page and sense >= _LIKELY else []))
    strangeness = {e: s for e in candidates if (s := _strangeness(evidence, e)) < _MOST_STRANGENESS}
    return min(strangeness, key=lambda e: strangeness[e], default=None)


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


def _share_in_common_use(text: str, standard: str, *firsts: int) -> float:
    """Return what share of the first 2,000 characters beyond ASCII is common by ``standard``."""
    beyond_ascii = [c for c in text if not c.isascii()][:2000]
    codes = [c.encode(standard, "ignore")[:1] for c in beyond_ascii]
    common = sum(any(bytes([a]) <= code <= bytes([b]) for a, b in (firsts[:2], firsts[2:])) for code in codes)
    return common / max(1, len(codes))
