"""The folders of a cache: built under a temporary name, then renamed, and rebuilt if they are damaged."""

from __future__ import annotations

import shutil
import time
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from filelock import FileLock

UNFINISHED = ".encoding-"
"""Prefix of an entry's name while it is being built."""
_ABANDONED = 2 * 86400.0
"""Age in seconds from which on an unfinished entry is a leftover of a killed process."""
_BLOCK = 1 << 20


def remove_entry(path: Path) -> None:
    """Remove the file, link (not its target) or folder at ``path``, even if it is read-only.

    Raises:
        OSError: it cannot be removed.
    """
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    path.chmod(0o700)
    for member in path.rglob("*"):
        if member.is_dir() and not member.is_symlink():
            member.chmod(0o700)
    shutil.rmtree(path)


def remove_leftovers(folder: Path) -> None:
    """Remove the unfinished entries in ``folder`` that are more than two days old."""
    for leftover in folder.glob(f"{UNFINISHED}*"):
        try:
            is_old = time.time() - leftover.stat().st_mtime > _ABANDONED
        except FileNotFoundError:
            continue  # another process has just finished it
        if is_old:
            shutil.rmtree(leftover, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Create ``folder`` and its parents, unless they exist.

    Raises:
        OSError: one of them is a file, which the error names, or cannot be created.
    """
    for path in (folder, *folder.parents):
        if (path.exists() or path.is_symlink()) and not path.is_dir():
            raise OSError(f"{path} is not a folder")
    folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def locked(folder: Path, key: str) -> Generator[None]:
    """Keep other processes out of the block while it makes the entry ``key``; they wait, and should then look for it.

    Args:
        folder: folder of locks.
        key: name of the entry.

    Raises:
        OSError: the lock cannot be written.
    """
    make_folder(folder)
    lock = folder / f"{key}.lock"
    with FileLock(lock):
        yield
    lock.unlink(missing_ok=True)


def crc32_of_file(path: Path) -> int:
    """Return the CRC-32 of the file. It is read and not mapped, so that it does not stay in memory."""
    checksum = 0
    with path.open("rb") as file:
        for block in iter(partial(file.read, _BLOCK), b""):
            checksum = zlib.crc32(block, checksum)
    return checksum
