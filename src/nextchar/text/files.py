"""Open a text: detect the encoding of the file and check that all of it decodes, in bounded memory.

The encoding is the given one, or that of a byte order mark, or UTF-16 or UTF-32 if zero bytes show it, or UTF-8 if the
whole file is valid UTF-8, or else a legacy encoding that is detected. In any case, the whole file is decoded before a
`TextFile` is returned: no byte is lost silently. Wrong bytes are an error unless `Errors` says otherwise. Zeros at the
end of a file are padding: they are left out and counted.
"""

from __future__ import annotations

import codecs
import difflib
import encodings.aliases
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nextchar.errors import TextError, shortened
from nextchar.settings import Errors, Normalization
from nextchar.text.compression import HEAD, compression_of
from nextchar.text.decoding import BYTES
from nextchar.text.encodings import (
    WIDTHS,
    Damage,
    find_damage,
    find_foreign_bytes,
    gather_evidence,
    kind_of_binary,
    legacy_encoding,
    marked_encoding,
    unmarked_encoding,
    wide_reading,
)
from nextchar.text.text_file import NotTextError, TextFile, WrongBytesError, read_through, readable, unreadable

_NOT_OF_FILES = {"unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"}
"""Encodings of Python that no file uses."""


def open_text(
    path: Path,
    encoding: str | None = None,
    name: str | None = None,
    errors: Errors = "strict",
    normalize: Normalization | None = None,
) -> TextFile:
    """Detect how to read the file at ``path``, and read it once to check that all of it decodes.

    Args:
        path: a plain or compressed file (`nextchar.text.compression`).
        encoding: its encoding, any that Python knows; detected if None; `nextchar.text.decoding.BYTES` reads any file.
        name: its name in messages; the path if None.
        errors: how to read wrong bytes; an error by default.
        normalize: the normalization form that the text is brought into; None leaves it as it is.

    Raises:
        TextError: the file cannot be read, is empty, is not text, or does not decode.
    """
    name = name or readable(path)
    text = TextFile(path, name, "utf-8", "UTF-8", is_compressed(path, name), errors, normalize=normalize)
    if encoding is not None:
        text = replace(text, encoding=known_encoding(encoding), determined="given")
    else:
        text = _determine(text, head=next(text.blocks(), b""))
    if text.content is None:
        text = read_through(text)
    if errors == "latin" and text.replaced and text.encoding.startswith(("utf-16", "utf-32")):
        raise TextError(f"--errors latin reads single bytes, but {name} is in {text.encoding}: give --errors replace.")
    return text


def _determine(text: TextFile, head: bytes) -> TextFile:
    marked = marked_encoding(head)
    if marked:
        return _checked(replace(text, encoding=marked, determined="byte order mark"))
    unmarked = unmarked_encoding(head)
    if unmarked:
        return _checked(replace(text, encoding=unmarked, determined="detected"))
    kind = kind_of_binary(head)
    if kind:
        raise NotTextError(
            f"{text.name} is {kind}, not plain text: save its text as a .txt file and give that.{_wide_hint(head)}"
        )
    try:
        return replace(read_through(replace(text, errors="strict")), errors=text.errors)
    except WrongBytesError as wrong:
        return _not_utf8(text, wrong, head)


def _checked(text: TextFile) -> TextFile:
    """Return ``text`` if all of it makes sense in the encoding that its mark or zeros show."""
    foreign = find_foreign_bytes(text.blocks(), text.encoding) if text.encoding in WIDTHS else None
    if foreign is None:
        return text
    raise TextError(
        f"{text.name} begins in {text.encoding} and continues in another encoding at offset {foreign:,}: from there on "
        f"its characters make no sense. Save it in one encoding, or give --encoding {text.encoding} to read it anyway."
    )


def _wide_hint(head: bytes) -> str:
    wide = wide_reading(head)
    return f" If it is UTF-16 without a byte order mark, give --encoding {wide}." if wide else ""


def _not_utf8(text: TextFile, wrong: WrongBytesError, head: bytes) -> TextFile:
    """Return ``text`` as UTF-8 with wrong bytes, if errors are allowed, or in a legacy encoding."""
    damage = find_damage(text.blocks(), wrong.offset, at_end=wrong.at_end)
    if damage is not None:
        if text.errors == "strict":
            raise _damaged(text, damage, wrong)
        return text
    encoding = legacy_encoding(gather_evidence(text.blocks()).rstrip(b"\0"))  # zeros at the end are padding
    if encoding is None:
        raise NotTextError(
            f"The encoding of {text.name} was not recognised (it is not UTF-8: see the byte at offset "
            f"{wrong.offset:,}). If it is text, give its encoding, for example --encoding "
            f"{wide_reading(head) or 'cp949'}."
        )
    return replace(text, encoding=encoding, determined="detected")


def _damaged(text: TextFile, damage: Damage, wrong: WrongBytesError) -> NotTextError:
    """Return the error for a file that is UTF-8 only in part."""
    latin = "--encoding utf-8 --errors latin, which reads what is not UTF-8 as cp1252."
    match damage.kind:
        case "damaged":
            return NotTextError(f"{wrong} The rest is good UTF-8. If the wrong bytes are letters, try {latin}")
        case "cut":
            return NotTextError(f"{wrong} Everything before is good UTF-8: download or copy the file again.")
        case "legacy after UTF-8":
            other = legacy_encoding(gather_evidence(_part(text, damage.offset, None))) or "another encoding"
            parts = f"UTF-8 up to offset {damage.offset:,} and {other} from there"
        case "UTF-8 after legacy":
            other = legacy_encoding(gather_evidence(_part(text, 0, damage.offset))) or "another encoding"
            parts = f"{other} up to offset {damage.offset:,} and UTF-8 from there"
    return NotTextError(f"{text.name} is in two encodings, {parts}: save it in one, or give {latin}")


def _part(text: TextFile, start: int, stop: int | None) -> Iterator[bytes]:
    """Yield the bytes of ``text`` from ``start`` up to ``stop``, or to the end if that is None."""
    offset = 0
    for block in text.blocks():
        yield block[max(0, start - offset) : None if stop is None else max(0, stop - offset)]
        offset += len(block)


def known_encoding(encoding: str) -> str:
    """Return Python's name of ``encoding``; `BYTES` is its own.

    Raises:
        TextError: it is not known, or no file uses it; the message names similar ones.
    """
    if encoding == BYTES:
        return encoding
    try:
        if codecs.lookup(encoding).name in _NOT_OF_FILES:
            raise LookupError
        b"a".decode(encoding)
    except LookupError:
        near = difflib.get_close_matches(encoding.lower(), encodings.aliases.aliases, n=3)
        hint = f"did you mean {' or '.join(near)}" if near else "give one such as utf-8, cp949 or gb18030"
        raise TextError(f"{shortened(encoding)} is not a known encoding of text files: {hint}.") from None
    except UnicodeError:
        pass  # in some encodings one byte is not a character
    return codecs.lookup(encoding).name


def is_compressed(path: Path, name: str) -> bool:
    """Return whether the file at ``path`` is compressed; ``name`` is its name in messages.

    Raises:
        TextError: it is not a regular file, or cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise TextError(f"{name} is {kind}: give a file.")
        with path.open("rb") as stream:
            return compression_of(stream.read(HEAD)) is not None
    except OSError as error:
        raise unreadable(name, error) from error
