"""Files that are either as they were or whole: written under a temporary name, synced, then renamed.

The temporary file stands beside the one that it will replace. Its name is drawn, and it is made by this process or not
at all, so that a link or a file planted there is never written to. What is replaced keeps its permissions; a new file
gets those of the umask. A symbolic link stays one: the file that it leads to is replaced.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

TEMPORARY = ".*.tmp"
"""Pattern that all temporary names fit."""
_ATTEMPTS = 100
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that the file is either as it was or whole, whatever happens in between.

    Raises:
        OSError: it cannot be written, or ``path`` is a folder or a device; a file that was there stays as it was, and
            the temporary one is removed.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """Give a file to write to, which takes the place of ``path`` at the end of the block, unless that fails.

    Raises:
        OSError: like `write_atomically`.
    """
    target = Path(os.path.realpath(path))
    mode = _permissions(target)
    temporary, handle = _create_beside(target)
    try:
        with os.fdopen(handle, "wb") as file:
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _permissions(target: Path) -> int | None:
    """Return the permissions of the file at ``target``; None where there is none."""
    try:
        mode = target.stat(follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):  # to rename a file over a device would remove the device
        number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(number, os.strerror(number) if number == errno.EISDIR else "Not a regular file", str(target))
    return stat.S_IMODE(mode)


def _create_beside(target: Path) -> tuple[Path, int]:
    """Make a file of a drawn name in the folder of ``target``; return its path and a handle to write to it."""
    for _ in range(_ATTEMPTS):
        temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            return temporary, os.open(temporary, _NEW, 0o666)
        except FileExistsError:
            continue
    raise FileExistsError(errno.EEXIST, "No temporary name is free", str(target.parent))


def _sync_folder(folder: Path) -> None:
    """Make the new name in ``folder`` last through a power cut, where the system can open folders."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
