"""Bytes that do not decode: what stands around them, and what is read in their place where an error is not wanted."""

from __future__ import annotations

import codecs
import re
from typing import Literal

Errors = Literal["strict", "replace", "latin"]
"""What wrong bytes are: an error; U+FFFD for each sequence of them; or characters of cp1252, each byte one."""

_HANDLERS = {"strict": "strict", "replace": "nextchar.replace", "latin": "nextchar.latin"}
_MARKER = 0xDC00
"""Wrong bytes are decoded as lone surrogates from here on, which no encoding of texts has, to be told from others."""
_MARKED = re.compile("[\udc00-\udcff]")
_AROUND = 20
"""Characters before and after a wrong byte that its error repeats."""


class Mender:
    """Puts characters in place of wrong bytes, and counts them."""

    def __init__(self, errors: Errors) -> None:
        self.count = 0
        """Sequences of wrong bytes so far, or wrong bytes, that were replaced."""
        self._errors: Errors = errors

    @property
    def handler(self) -> str:
        """The name of an error handler for Python's decoders, to decode what `mend` is given."""
        if self._errors != "strict":
            codecs.register_error(_HANDLERS["replace"], _mark_sequence)
            codecs.register_error(_HANDLERS["latin"], _mark_bytes)
        return _HANDLERS[self._errors]

    def mend(self, text: str) -> str:
        """Return ``text`` with characters where the decoder marked wrong bytes."""
        if self._errors == "strict" or text.isascii():
            return text
        text, count = _MARKED.subn(self._in_place_of, text)
        self.count += count
        return text

    def _in_place_of(self, marked: re.Match[str]) -> str:
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


def surroundings(error: UnicodeDecodeError, encoding: str) -> str:
    """Return what stands before and after the wrong bytes in ``encoding``, like "'the caf' and 's in'"."""
    before = error.object[: error.start].decode(encoding, "ignore")[-_AROUND:]
    after = error.object[error.end :][: 4 * _AROUND].decode(encoding, "replace")[:_AROUND]
    return f"{before!r} and {after!r}"
