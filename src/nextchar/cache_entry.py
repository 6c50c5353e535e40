"""Entries of a cache: folders that are made under a temporary name, renamed, and made again where they are damaged."""

from __future__ import annotations

import shutil
import time
import zlib
from functools import partial
from pathlib import Path

UNFINISHED = ".encoding-"
"""What the name of an entry begins with while it is made."""
_ABANDONED = 2 * 86400.0
"""Seconds after which an unfinished entry is nobody's."""
_BLOCK = 1 << 20


def remove_entry(path: Path) -> None:
    """Remove what is at ``path``: a file, a link wherever it leads, or a folder, read-only or not.

    Raises:
        OSError: it cannot be removed.
    """
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    path.chmod(0o700)
    for inside in path.rglob("*"):
        if inside.is_dir() and not inside.is_symlink():
            inside.chmod(0o700)
    shutil.rmtree(path)


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed long ago left unfinished in ``folder``."""
    for leftover in folder.glob(f"{UNFINISHED}*"):
        try:
            old = time.time() - leftover.stat().st_mtime > _ABANDONED
        except FileNotFoundError:
            continue  # just finished
        if old:
            shutil.rmtree(leftover, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make ``folder`` and those it is in, unless they are there.

    Raises:
        OSError: something else is in its place, which the error names, or it cannot be made.
    """
    for place in (folder, *folder.parents):
        if (place.exists() or place.is_symlink()) and not place.is_dir():
            raise OSError(f"{place} is in its place and is not a folder")
    folder.mkdir(parents=True, exist_ok=True)


def crc32_of_file(path: Path) -> int:
    """Return the CRC-32 of the file, read rather than mapped so that it does not stay in memory."""
    checksum = 0
    with path.open("rb") as file:
        for block in iter(partial(file.read, _BLOCK), b""):
            checksum = zlib.crc32(block, checksum)
    return checksum
