"""Detect legacy encodings from the lines that have bytes beyond ASCII."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from nextchar.text.latin_code_pages import best_latin_page

# In order of preference if they fit equally well: first those in wide use, which are also the largest of their family
# (a text that looks like euc_kr may have a syllable further on that only cp949 has).
_EAST_ASIAN = {
    "cp949": ("euc_kr", 0xA1, 0xA3, 0xB0, 0xC8),
    "cp932": ("cp932", 0x81, 0x83, 0x88, 0x97),
    "euc_jp": ("cp932", 0x81, 0x83, 0x88, 0x97),
    "gb18030": ("gb2312", 0xA1, 0xA3, 0xB0, 0xD7),
    "cp950": ("big5", 0xA1, 0xA3, 0xA4, 0xC6),
    "big5hkscs": ("big5", 0xA1, 0xA3, 0xA4, 0xC6),
    "johab": ("euc_kr", 0xA1, 0xA3, 0xB0, 0xC8),
}
"""The standard of each language, and the ranges of first bytes of its signs and of its common characters."""
_OTHERS = (
    *("cp1251", "koi8_r", "koi8_u", "cp866", "cp855", "iso8859_5", "mac_cyrillic", "cp1253", "iso8859_7"),
    *("mac_greek", "cp1255", "iso8859_8", "cp1256", "iso8859_6", "cp874"),
)
_MAX_STRANGENESS = 0.4
"""None of the 385 pages in chardet's tests is stranger in its own encoding."""
_SURE, _LIKELY = 0.85, 0.5
"""How plausible the best code page of Latin script must be to be the answer, or to compete with the other encodings. No
page or passage in another script reaches 0.7."""
_MAX_EVIDENCE_OF_A_BLOCK, _MAX_EVIDENCE = 1 << 16, 1 << 18
"""In bytes."""
_MAY_BE_LAST = bytes(range(0x30, 0x100))
"""Bytes that may end a multi-byte character in the encodings of East Asia."""


def gather_evidence(blocks: Iterable[bytes]) -> bytes:
    """Return the lines with bytes beyond ASCII: up to 64 KiB of each block, and about 256 KiB in all.

    In a text that is mostly ASCII, only these few lines distinguish one encoding from another.
    """
    pieces: list[bytes] = []
    for lines in _whole_lines(blocks):
        beyond_ascii = b"".join(line for line in lines if not line.isascii())
        pieces.append(_cut(beyond_ascii, _MAX_EVIDENCE_OF_A_BLOCK))
        if sum(map(len, pieces)) >= _MAX_EVIDENCE:
            break
    return b"".join(pieces)


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines of ``blocks`` up to the end, or up to a line too long to keep in memory, which is cut."""
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).splitlines(keepends=True)
        yield lines
        if len(rest) > _MAX_EVIDENCE:
            break
    yield [rest]


def _cut(lines: bytes, length: int) -> bytes:
    """Cut ``lines`` to at most ``length``, after a byte below 0x30: no multi-byte character ends in such a byte."""
    if len(lines) <= length:
        return lines
    kept = lines[:length].rstrip(_MAY_BE_LAST)
    return kept or lines[:length]


def legacy_encoding(evidence: bytes) -> str | None:
    """Return the most plausible encoding of ``evidence``, which is not UTF-8, or None if none is plausible.

    If a code page of Latin script fits nearly all of it (`latin_code_pages`), the answer is that. Otherwise
    charset-normalizer judges each encoding separately, because it would stop at the first good one.

    Of the 385 pages in chardet's tests, this function reads 381 correctly, charset-normalizer by itself 352, and
    chardet 7.7, which believes what a page says about itself, 384. Of 1,304 passages of 60 to 3,000 characters in 21
    languages, this function reads 1,276 correctly and chardet 7.7 1,279. But chardet mistakes Italian for Cyrillic,
    Catalan and English quotes in cp1252 for central European, and fractions in a recipe for accents; this function
    makes mistakes only with pages of DOS and the old Macintosh. chardet's licence changed from LGPL to MIT and 0BSD
    with a rewrite, and its first author publicly disputes the right to do so. So it is not used.
    """
    if b"\0" in evidence:
        return None
    page, sense = best_latin_page(evidence) or (None, 0.0)
    if page and sense >= _SURE:
        return page
    candidates = (*_EAST_ASIAN, *_OTHERS, *([page] if page and sense >= _LIKELY else []))
    strangeness = {e: s for e in candidates if (s := _strangeness(evidence, e)) < _MAX_STRANGENESS}
    return min(strangeness, key=lambda e: strangeness[e], default=None)


def _strangeness(evidence: bytes, encoding: str) -> float:
    """Return how unlike a language ``evidence`` is in ``encoding``: 0 is like one, infinity is impossible."""
    if encoding not in _EAST_ASIAN:
        # Most single bytes are valid in most of these encodings; that all bytes form valid pairs is seldom chance.
        return 0.05 + _disorder(evidence, encoding)
    text = evidence.decode(encoding, "replace")
    wrong = text.count("\ufffd")
    if wrong > len(text) // 1000:
        return math.inf
    # A few wrong bytes are damage: judge the rest; decoding the file reports where they are.
    whole = text.replace("\ufffd", "")
    uncommon = 1 - _share_in_common_use(whole, *_EAST_ASIAN[encoding])
    return 0.3 * uncommon + _disorder(whole.encode(encoding) if wrong else evidence, encoding)


def _disorder(evidence: bytes, encoding: str) -> float:
    from charset_normalizer import from_bytes  # slow to import, and most files are UTF-8

    isolated = [encoding]
    best = from_bytes(evidence, 20, 1024, 1.0, cp_isolation=isolated, enable_fallback=False).best()
    return math.inf if best is None else best.chaos - 0.05 * best.coherence


def _share_in_common_use(text: str, standard: str, *firsts: int) -> float:
    """Return the share of common characters of ``standard`` among the first 2,000 characters beyond ASCII."""
    beyond_ascii = [c for c in text if not c.isascii()][:2000]
    codes = [c.encode(standard, "ignore")[:1] for c in beyond_ascii]
    common = sum(any(bytes([a]) <= code <= bytes([b]) for a, b in (firsts[:2], firsts[2:])) for code in codes)
    return common / max(1, len(codes))
