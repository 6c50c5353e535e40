"""What bytes are: the encoding of a text that does not say it, or the kind of a file that is not text.

In the order in which `nextchar.text` asks: `forms` (marks, zero bytes, escapes, binary files), `damage` (UTF-8 with
wrong bytes in it), `legacy` (code pages, told apart by `latin` where they are of Latin script). Everything here judges
bytes that were read already and knows no file. Nothing is certain, not even a byte order mark: whatever the answer, the
whole file is decoded before a text is handed out.
"""

from nextchar.detection.damage import Damage, find_damage, is_damaged_utf8
from nextchar.detection.forms import (
    WIDTHS,
    find_foreign_bytes,
    kind_of_binary,
    marked_encoding,
    unmarked_encoding,
    wide_reading,
)
from nextchar.detection.legacy import gather_evidence, legacy_encoding

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
