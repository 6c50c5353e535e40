"""The lines of a text as they come: from a pipe without waiting for more, from a file a block at a time."""

from __future__ import annotations

import select
from collections.abc import Iterable, Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO

from nextchar.settings import Errors
from nextchar.text.files import known_encoding
from nextchar.text.text_file import BLOCK, TextFile


def lines_of(pieces: Iterable[str]) -> Iterator[list[str]]:
    """Yield the lines that each of ``pieces`` of a text completes, without their ends.

    Args:
        pieces: the text, every line end a ``\\n``. What follows the last one is a line too, unless it is empty.
    """
    begun: list[str] = []
    for piece in pieces:
        first, *rest = piece.split("\n")
        begun.append(first)
        if rest:
            yield ["".join(begun), *rest[:-1]]
            begun = [rest[-1]]
    if last := "".join(begun):
        yield [last]


def arriving_text(stream: BinaryIO, name: str, encoding: str | None, errors: Errors) -> Iterator[str]:
    """Yield the text of ``stream`` as it comes, every line end a ``\\n``.

    Args:
        stream: where it comes from.
        name: its name in messages.
        encoding: its encoding; UTF-8 if None, since nothing can be detected before all of it is there.
        errors: how to read wrong bytes.

    Raises:
        TextError: the encoding is not known, or bytes do not decode.
    """
    determined = "UTF-8" if encoding is None else "given"
    text = TextFile(Path(name), name, known_encoding(encoding or "utf-8"), determined, errors=errors)
    return text.chunks(arriving_blocks(stream))


def arriving_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what ``stream`` has, at most `BLOCK` bytes at a time; wait for more only where it has nothing."""
    read = stream.read1 if isinstance(stream, BufferedIOBase) else stream.read
    while block := read(BLOCK):
        parts, size = [block], len(block)
        while size < BLOCK and _is_ready(stream) and (more := read(BLOCK - size)):
            parts.append(more)
            size += len(more)
        yield b"".join(parts)


def _is_ready(stream: BinaryIO) -> bool:
    """Return whether more can be read of ``stream`` without waiting; false where the system cannot say."""
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError):  # Windows has it for sockets alone; a stream in memory has no descriptor
        return False
