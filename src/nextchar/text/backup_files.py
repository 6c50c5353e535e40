"""Files beside texts that are not texts: editor back-ups and system files.

A back-up is mostly a copy of a text. The model would learn that text twice, and the held-out part of one copy would be
in the training part of the other.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

_BACKUPS = (
    *("*~", "#*#", ".#*", "~$*", "*.bak", "*.backup", "*.old", "*.orig", "*.rej", "*.save"),
    *("*.swp", "*.swo", "*.swn", "*.tmp", "*.temp", "*.part", "*.crdownload", ".~lock.*#", "*.autosave"),
)
_SYSTEM_FILES = ("desktop.ini", "thumbs.db", "ehthumbs.db", ".ds_store", "._*")


def why_left_out(name: str) -> str | None:
    """Return why the file called ``name`` is left out, as a noun; None if it may be a text."""
    lowered = name.lower()
    if any(fnmatchcase(lowered, pattern) for pattern in _SYSTEM_FILES):
        return "a file of the operating system"
    return "a back-up or temporary file" if any(fnmatchcase(lowered, pattern) for pattern in _BACKUPS) else None
