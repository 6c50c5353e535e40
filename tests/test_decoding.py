from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.decoding import Decoding, Errors, UndecodableError


def decode(data: bytes, encoding: str, errors: Errors = "strict", length: int = 5) -> tuple[str, int, int]:
    """Return the text of ``data``, read in blocks, what was replaced, and the padding."""
    decoding = Decoding(encoding, errors)
    text = "".join(decoding.pieces(data[start : start + length] for start in range(0, len(data), length)))
    return text, decoding.replaced, decoding.padding


@given(st.binary(max_size=60), st.sampled_from(["utf-8", "cp949", "gb18030", "cp1252", "utf-16-le"]))
def test_replace_reads_what_python_reads(data: bytes, encoding: str) -> None:
    text, replaced, padding = decode(data + b"!", encoding, "replace")
    whole = (data + b"!").decode(encoding, "replace").removeprefix("\ufeff").rstrip("\0")
    assert (text, padding == 0) == (whole, not (data + b"!").decode(encoding, "replace").endswith("\0"))
    assert replaced <= text.count("\ufffd")


def test_latin_reads_wrong_bytes_as_cp1252_and_counts_them() -> None:
    data = "é ".encode() + "“don’t” é \x81".encode("latin-1", "ignore") + "“don’t” é".encode("cp1252") + b"\x81"
    assert decode(data, "utf-8", "latin") == ("é dont é \x81“don’t” é\x81", 7, 0)


def test_a_replacement_character_of_the_text_is_not_counted() -> None:
    assert decode("a\ufffdb".encode() + b"\xff", "utf-8", "replace") == ("a\ufffdb\ufffd", 1, 0)


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "utf-16-le", "utf-16-be", "utf-32-le", "utf-16"])
@pytest.mark.parametrize("zeros", [1, 2, 3, 11, 12])
def test_zeros_at_the_end_are_padding(encoding: str, zeros: int) -> None:
    data = "가나\nab\n".encode(encoding)
    assert decode(data + bytes(zeros), encoding) == ("가나\nab\n", 0, zeros)


def test_zeros_inside_are_characters() -> None:
    assert decode(b"\0a\0\0b\0", "utf-8") == ("\0a\0\0b", 0, 1)


def test_what_stands_around_wrong_bytes_is_told() -> None:
    with pytest.raises(UndecodableError) as wrong:
        decode("가나다\n".encode() * 9 + b"\xff" + "라마\n".encode(), "utf-8", length=1000)
    error = wrong.value
    assert (str(error), error.offset, error.before[-4:], error.after, error.at_end) == (
        *("ff", 90, "가나다\n", "라마\n", False),
    )
    with pytest.raises(UndecodableError) as wrong:
        decode("가나".encode()[:-1], "utf-8")
    assert (wrong.value.offset, wrong.value.at_end) == (3, True)
