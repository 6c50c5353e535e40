"""The encoding of a text, or the kind of a file that is not text: the functions of four modules.

`nextchar.text.files` uses them in this order: `byte_forms` (byte order marks, zero bytes, escapes, binary files),
`utf8_damage` (UTF-8 with wrong bytes), `code_pages` (with `latin_code_pages` for Latin script). They judge bytes and
open no file. No answer is certain, not even a byte order mark: the whole file is decoded before a text is returned.
"""

from nextchar.text.byte_forms import (
    WIDTHS,
    find_foreign_bytes,
    kind_of_binary,
    marked_encoding,
    unmarked_encoding,
    wide_reading,
)
from nextchar.text.code_pages import gather_evidence, legacy_encoding
from nextchar.text.utf8_damage import Damage, find_damage, is_damaged_utf8

__all__ = [
    "WIDTHS",
    "Damage",
    "find_damage",
    "find_foreign_bytes",
    "gather_evidence",
    "is_damaged_utf8",
    "kind_of_binary",
    "legacy_encoding",
    "marked_encoding",
    "unmarked_encoding",
    "wide_reading",
]
