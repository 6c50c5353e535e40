"""Bytes into characters, with replacements for wrong bytes and without zeros at the end."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from nextchar.settings import Errors

_HANDLERS = {"strict": "strict", "replace": "nextchar.replace", "latin": "nextchar.latin"}
_MARKER = 0xDC00
"""Wrong bytes are decoded as lone surrogates from this code point on: no text encoding has them, so they are unique."""
_MARKED = re.compile("[\udc00-\udcff]")
BYTES = "bytes"
"""In place of an encoding: read every byte as it is, as UTF-8 where it is UTF-8, else as a lone surrogate, which a
`nextchar.text.byte_tokenizer.ByteTokenizer` turns back into that byte."""
_READ_MARKS = {"utf-8-sig", "utf-16", "utf-32"}
"""Encodings whose decoders remove the byte order mark themselves."""
_AROUND = 20
"""Characters before and after wrong bytes that an error quotes."""


class UndecodableError(Exception):
    """Bytes do not decode; the message gives them in hexadecimal."""

    def __init__(self, wrong: str, offset: int, line: int, before: str, after: str, *, at_end: bool) -> None:
        super().__init__(wrong)
        self.offset, self.line, self.before, self.after = offset, line, before, after
        self.at_end = at_end
        """Whether the file ends inside a character that begins with them."""


class Decoding:
    """Decodes a file from its first byte to its last, and counts what it replaces and leaves out."""

    def __init__(self, encoding: str, errors: Errors = "strict") -> None:
        self.replaced = 0
        """Number of wrong bytes, or sequences of them, replaced so far."""
        self.padding = 0
        """Number of zero bytes at the end."""
        self._encoding = encoding
        self._errors: Errors = errors

    def pieces(self, blocks: Iterable[bytes]) -> Iterator[str]:
        """Yield the text of ``blocks``, without a byte order mark and without zeros at the end.

        Raises:
            UndecodableError: bytes do not decode, and ``errors`` is strict.
        """
        if self._encoding == BYTES:
            decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
            yield from filter(None, map(decoder.decode, blocks))
            yield from filter(None, [decoder.decode(b"", final=True)])
            return
        pieces = map(self._mended, self._decoded(blocks))
        if codecs.lookup(self._encoding).name not in _READ_MARKS:
            pieces = chain([next(pieces, "").removeprefix("\ufeff")], pieces)
        zeros = 0
        for piece in pieces:
            content = piece.rstrip("\0")
            if content:
                yield "\0" * zeros + content
                zeros = 0
            zeros += len(piece) - len(content)
        width = len("\0\0".encode(self._encoding)) - len("\0".encode(self._encoding))  # without the mark
        self.padding += zeros * width

    def _decoded(self, blocks: Iterable[bytes]) -> Iterator[str]:
        if self._errors != "strict":
            codecs.register_error(_HANDLERS["replace"], _mark_sequence)
            codecs.register_error(_HANDLERS["latin"], _mark_bytes)
        decoder, offset = codecs.getincrementaldecoder(self._encoding)(_HANDLERS[self._errors]), 0
        lines = 0
        for block in chain(blocks, [b""]):
            pending = decoder.getstate()[0]
            if not block and pending and not pending.strip(b"\0"):
                self.padding += len(pending)  # an odd number of zeros at the end of UTF-16
                return
            try:
                piece = decoder.decode(block, final=not block)
            except UnicodeError as error:
                raise self._undecodable(error, offset - len(pending), lines, at_end=not block) from error
            offset += len(block)
            lines += piece.count("\n")
            if piece:
                yield piece

    def _undecodable(self, error: UnicodeError, offset: int, lines: int, *, at_end: bool) -> UndecodableError:
        if not isinstance(error, UnicodeDecodeError):
            return UndecodableError(str(error), offset, lines + 1, "", "", at_end=at_end)
        wrong = error.object[error.start : error.end].hex(" ")
        before = error.object[: error.start].decode(self._encoding, "ignore")
        after = error.object[error.end :][: 4 * _AROUND].decode(self._encoding, "replace")[:_AROUND]
        line = lines + before.count("\n") + 1
        return UndecodableError(wrong, offset + error.start, line, before[-_AROUND:], after, at_end=at_end)

    def _mended(self, text: str) -> str:
        """Return ``text`` with the marks of wrong bytes replaced by characters."""
        if self._errors == "strict" or text.isascii():
            return text
        text, count = _MARKED.subn(self._replacement, text)
        self.replaced += count
        return text

    def _replacement(self, marked: re.Match[str]) -> str:
        if self._errors == "replace":
            return "\ufffd"
        byte = bytes([ord(marked[0]) - _MARKER])
        return byte.decode("cp1252", "ignore") or byte.decode("latin-1")


def _mark_sequence(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError), "nothing is encoded with this handler"
    return chr(_MARKER), error.end


def _mark_bytes(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError), "nothing is encoded with this handler"
    return "".join(chr(_MARKER + byte) for byte in error.object[error.start : error.end]), error.end
