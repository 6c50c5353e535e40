"""Tokens that are bytes: any file can be learned, whatever its encoding, or if it is no text at all.

A text is its bytes in UTF-8. What is not UTF-8 in a file is one lone surrogate for each byte while it is text, as
Python has it (PEP 383), and so comes back as it was; where it is displayed, such a byte is escaped: \\xff.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nextchar.settings import TokenKind
from nextchar.text.tokenizer import REPLACEMENT, Replacement, TextDecoder

ESCAPE = "surrogateescape"
"""How bytes that are not UTF-8 are read into text and written back, as the name of Python's handler."""
VALUES = 256
_LINE_END = 10
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def displayed(text: str) -> str:
    r"""Return ``text`` with control characters, and bytes that are not UTF-8, escaped.

    >>> print(displayed(b"caf\xe9".decode("utf-8", ESCAPE)))
    caf\xe9
    """
    return _without_controls(_bytes_of(text).decode("utf-8", "backslashreplace"))


def _bytes_of(text: str) -> bytes:
    try:
        return text.encode("utf-8", ESCAPE)
    except UnicodeEncodeError:  # a lone surrogate that is no byte
        return "".join(REPLACEMENT if "\ud800" <= c < "\udc80" or "\udd00" <= c < "\ue000" else c for c in text).encode(
            "utf-8", ESCAPE
        )


class ByteTokenizer:
    """The 256 bytes: a `nextchar.text.tokenizer.Tokenizer`. Nothing is unknown.

    >>> tokens = ByteTokenizer()
    >>> tokens.encode("né").tolist(), tokens.token_lengths(tokens.encode("né")).tolist()
    ([110, 195, 169], [1, 1, 0])
    """

    kind: ClassVar[TokenKind] = "bytes"
    size: int = VALUES
    dtype: np.dtype[np.unsignedinteger] = np.dtype(np.uint8)
    characters: str = "".join(map(chr, range(128)))
    start_id: int = _LINE_END
    has_unknown: bool = False
    never_drawn: tuple[int, ...] = ()
    succession: None = None
    word_symbols: Sequence[str] = [chr(byte) if byte < 128 else "é" for byte in range(VALUES)]
    """Beyond ASCII, bytes are of letters."""

    def __eq__(self, other: object) -> bool:
        """Return whether ``other`` has the same tokens."""
        return isinstance(other, ByteTokenizer)

    def __hash__(self) -> int:
        """Return a hash of the tokens."""
        return hash(self.kind)

    def __repr__(self) -> str:
        """Return the kind."""
        return "<ByteTokenizer>"

    def header(self) -> dict[str, Any]:
        """Return what a file says of the tokens."""
        return {"kind": self.kind}

    def knows(self, text: str) -> bool:  # noqa: ARG002
        """Return whether the model knows every character of ``text``: always."""
        return True

    def fold(self, prompt: str, *, strict: bool = False) -> tuple[str, list[Replacement]]:  # noqa: ARG002
        """Return ``prompt``, of which nothing has to be replaced."""
        return prompt, []

    def begun(self, text: str) -> int:  # noqa: ARG002
        """Return 0: no token goes on where a text ends."""
        return 0

    def encode(self, text: str) -> NDArray[np.unsignedinteger]:
        """Return the bytes of ``text``, shape (T,); a lone surrogate that is no byte becomes U+FFFD."""
        return np.frombuffer(_bytes_of(text), np.uint8)

    def split(self, text: str) -> list[str]:
        """Return the piece of ``text`` for each of its ids; the first of a character has all of it."""
        return [piece for c in text for piece in (c, *[""] * (len(self.encode(c)) - 1))]

    def displayed(self, text: str) -> str:
        """Return ``text`` with control characters, and bytes that are not UTF-8, escaped."""
        return displayed(text)

    def decode(self, ids: NDArray[np.integer] | Sequence[int], unknown: str = REPLACEMENT) -> str:  # noqa: ARG002
        """Return the text of ``ids``, of any shape, in order; bytes that are not UTF-8 are lone surrogates."""
        return np.asarray(ids).astype(np.uint8).tobytes().decode("utf-8", ESCAPE)

    def decoder(self) -> TextDecoder:
        """Return a decoder of ids that come piece by piece; bytes that are not UTF-8 are lone surrogates."""
        return _ByteDecoder()

    def token_texts(self, ids: NDArray[np.integer] | Sequence[int]) -> list[str]:
        """Return each of ``ids`` (T,) as text; bytes beyond ASCII are escaped."""
        return [bytes([int(id_)]).decode("ascii", "backslashreplace") for id_ in ids]

    def token_lengths(self, ids: NDArray[np.integer]) -> NDArray[np.intp]:
        """Return 1 for each byte that begins a character, 0 for those that go on: shape (T,)."""
        values = np.asarray(ids).astype(np.uint8)
        goes_on = (values & 0xC0) == 0x80
        if not goes_on.any():
            return np.ones(len(values), np.intp)
        text = self.decode(values)
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")  # (C,)
        widths = np.select(
            [points < 0x80, points < 0x800, (points >= 0xDC80) & (points < 0xDD00), points < 0x10000], [1, 2, 1, 3], 4
        )
        lengths = np.zeros(len(values), np.intp)
        lengths[np.cumsum(widths) - widths] = 1
        return lengths

    def unknown_in(self, text: str) -> NDArray[np.bool_]:
        """Return that no character of ``text`` is unknown, shape (T,)."""
        return np.zeros(len(text), np.bool_)

    def unknown_cost(self, ids: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return that no id costs more than itself, shape (T,)."""
        return np.zeros(len(ids))


class _ByteDecoder:
    """Decodes bytes piece by piece."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(ESCAPE)

    def push(self, ids: NDArray[np.integer] | Sequence[int]) -> str:
        """Return the characters that the next ``ids`` complete."""
        return self._decoder.decode(np.asarray(ids).astype(np.uint8).tobytes())

    def finish(self) -> str:
        """Return what is left of a character, as bytes that are not UTF-8."""
        return self._decoder.decode(b"", final=True)


def _without_controls(text: str) -> str:
    """Return ``text`` with its control characters escaped, but for line ends and tabs, so that they command nothing."""
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
