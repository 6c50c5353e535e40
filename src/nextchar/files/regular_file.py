"""Open regular files up to a size limit; refuse everything else without waiting.

A path may lead to a pipe that nobody writes to, a device that never ends, or a sparse file of any size. Opening the
first would wait forever, and reading the others would use up all memory.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from io import BufferedReader
from pathlib import Path


def open_regular(path: Path, max_bytes: int = sys.maxsize) -> BufferedReader:
    """Open the file ``path`` for reading, without waiting.

    Raises:
        OSError: it cannot be opened, is not a regular file, or is larger than ``max_bytes``.
    """
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 (the caller closes it)
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a regular file but a pipe, a device or a socket", str(path))
    if status.st_size > max_bytes:
        file.close()
        raise OSError(errno.EFBIG, f"it has {status.st_size:,} bytes, and the limit is {max_bytes:,}", str(path))
    return file


def read_regular(path: Path, max_bytes: int) -> bytearray:
    """Return the content of the file ``path``, as large as it is when it is opened, in memory that arrays can use.

    Raises:
        OSError: it cannot be read, is not a regular file, or is larger than ``max_bytes``.
    """
    with open_regular(path, max_bytes) as file:
        content = bytearray(os.fstat(file.fileno()).st_size)
        del content[file.readinto(content) :]
    return content


def _open_at_once(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))  # Windows does not need it: it has no pipes in folders
