"""Compressed files: gzip, bzip2, xz and Zstandard, known by their first bytes and read as a stream.

A file that is cut off or damaged is an error in all four. (So Zstandard is read with the module of Python 3.14, or its
copy for older versions: `zstandard` returns what comes before the damage, and only the first of several frames.)
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Literal, cast

from nextchar.errors import MissingDependencyError

Compression = Literal["gzip", "bzip2", "xz", "Zstandard"]

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
"""Suffixes of compressed files. They only help to find the suffix before them; the first bytes decide."""
HEAD = 10
"""Number of first bytes that show the compression."""


class CompressedDataError(Exception):
    """Compressed data is damaged or cut off; the message names the compression."""


def compression_of(head: bytes) -> Compression | None:
    """Return the compression of a file that begins with ``head``, at least `HEAD` bytes; None for other files."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"BZh") and head[4:10] in {b"1AY&SY", b"\x17rE8P\x90"}:
        return "bzip2"
    if head.startswith(b"\xfd7zXZ\0"):
        return "xz"
    # Several programs begin a file with a frame to skip.
    is_skipped = head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] < 0x60
    return "Zstandard" if head.startswith(b"\x28\xb5\x2f\xfd") or is_skipped else None


def read_compressed(path: Path, block: int) -> Iterator[bytes]:
    """Yield the content of the file at ``path``, decompressed, at most ``block`` bytes at a time.

    Raises:
        CompressedDataError: it is damaged or cut off.
        MissingDependencyError: it is Zstandard, and no package for that is installed.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        kind = compression_of(file.read(HEAD))
        file.seek(0)
        stream, damage = _opened(file, kind)
        try:
            while content := stream.read(block):
                yield content
        except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, *damage) as error:
            raise CompressedDataError(f"damaged {kind} data ({error})") from error
        except OSError as error:
            if error.errno is not None:
                raise
            raise CompressedDataError(f"damaged {kind} data ({error})") from error  # so does bz2 report damage


def _opened(file: IO[bytes], kind: Compression | None) -> tuple[IO[bytes], tuple[type[Exception], ...]]:
    """Return a stream of the decompressed ``file``, and errors of its own that show damage."""
    match kind:
        case None:
            return file, ()
        case "gzip":
            return cast(IO[bytes], gzip.open(file)), ()
        case "bzip2":
            return bz2.open(file), ()
        case "xz":
            return cast(IO[bytes], lzma.open(file)), ()
        case "Zstandard":
            zstd = _zstandard()
            return zstd.ZstdFile(file), (zstd.ZstdError,)


def _zstandard() -> Any:
    """Return the module that reads Zstandard.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        return import_module("compression.zstd") if sys.version_info >= (3, 14) else import_module("backports.zstd")
    except ImportError as error:
        raise MissingDependencyError(
            f'Reading Zstandard (.zst) needs a package that is not installed ({error}): pip install "nextchar[data]".'
        ) from error
