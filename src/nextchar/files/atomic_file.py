"""Files written completely or not at all: under a temporary name, synced, then renamed.

The temporary file is in the same folder as the target. Its name is random, and this process must create it, so a link
or file that somebody planted there is never written to. A replaced file keeps its permissions; a new one gets those of
the umask. If the target is a symbolic link, the link stays and the file it points to is replaced.
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
"""Pattern that matches all temporary names."""
_ATTEMPTS = 100
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``; if anything fails, the old file stays unchanged.

    Raises:
        OSError: the file cannot be written, or ``path`` is a folder or a device. An existing file stays unchanged, and
            the temporary file is removed.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """Open a temporary file for writing; it replaces ``path`` at the end of the block, unless the block fails.

    Raises:
        OSError: as for `write_atomically`.
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
    """Return the permissions of the file at ``target``, or None if it does not exist."""
    try:
        mode = target.stat(follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):  # renaming a file over a device would remove the device
        number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(number, os.strerror(number) if number == errno.EISDIR else "Not a regular file", str(target))
    return stat.S_IMODE(mode)


def _create_beside(target: Path) -> tuple[Path, int]:
    """Create a file with a random name in the folder of ``target``; return its path and a handle for writing."""
    for _ in range(_ATTEMPTS):
        temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            return temporary, os.open(temporary, _NEW, 0o666)
        except FileExistsError:
            continue
    raise FileExistsError(errno.EEXIST, "No temporary name is free", str(target.parent))


def _sync_folder(folder: Path) -> None:
    """Sync ``folder``, so that the new name survives a power cut, if the system can open folders."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
