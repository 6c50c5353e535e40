"""Files whose content ends: what is opened is a regular file and no larger than it may be, or it is not read at all.

A name may stand for a pipe that nobody writes to, a device that never ends, or a file of nothing but a hole. Opening
the first waits for ever, and reading the others takes all memory.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from io import BufferedReader
from pathlib import Path


def open_regular(path: Path, most: int = sys.maxsize) -> BufferedReader:
    """Open the file ``path`` for reading, without waiting.

    Raises:
        OSError: it cannot be opened, is no regular file, or is larger than ``most`` bytes.
    """
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 (the caller closes it)
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a regular file but a pipe, a device or a socket", str(path))
    if status.st_size > most:
        file.close()
        raise OSError(errno.EFBIG, f"it has {status.st_size:,} bytes, and at most {most:,} are read", str(path))
    return file


def read_regular(path: Path, most: int) -> bytearray:
    """Return the content of the file ``path``, of which no more is read than it has when it is opened, in memory that
    arrays can stay in.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger than ``most`` bytes.
    """
    with open_regular(path, most) as file:
        content = bytearray(os.fstat(file.fileno()).st_size)
        del content[file.readinto(content) :]
    return content


def _open_at_once(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has no pipes among its files
