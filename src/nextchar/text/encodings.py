"""What bytes are: the encoding of a text that does not say it, or the kind of a file that is not text.

In the order in which `nextchar.text.files` asks: `byte_forms` (marks, zero bytes, escapes, binary files),
`utf8_damage` (UTF-8 with wrong bytes in it), `code_pages` (told apart by `latin_code_pages` where they are of Latin
script). Everything here judges bytes that were read already and knows no file. Nothing is certain, not even a byte
order mark: whatever the answer, the whole file is decoded before a text is handed out.
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
