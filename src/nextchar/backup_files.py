"""Files that lie beside texts and are not meant to be read: back-ups of editors, and what systems leave behind.

A back-up is mostly the same text once more: learned from, it would be learned twice, and what was held out of one
would be in the other.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

_BACKUPS = (
    *("*~", "#*#", ".#*", "~$*", "*.bak", "*.backup", "*.old", "*.orig", "*.rej", "*.save"),
    *("*.swp", "*.swo", "*.swn", "*.tmp", "*.temp", "*.part", "*.crdownload", ".~lock.*#", "*.autosave"),
)
_OF_SYSTEMS = ("desktop.ini", "thumbs.db", "ehthumbs.db", ".ds_store", "._*")


def why_left_out(name: str) -> str | None:
    """Return what the file called ``name`` is that nobody means to be read; None if it may be a text."""
    lowered = name.lower()
    if any(fnmatchcase(lowered, pattern) for pattern in _OF_SYSTEMS):
        return "a file of the operating system"
    return "a back-up or temporary file" if any(fnmatchcase(lowered, pattern) for pattern in _BACKUPS) else None
