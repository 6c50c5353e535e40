"""What the first bytes of a file show: marks, zeros, escapes, and files that are not text."""

from __future__ import annotations

import codecs
import zlib

import pytest

from nextchar.text.byte_forms import (
    find_foreign_bytes,
    kind_of_binary,
    marked_encoding,
    unmarked_encoding,
    wide_reading,
)


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        ("\ufeff".encode("gb18030"), "gb18030"),
    ],
)
def test_marks(mark: bytes, encoding: str) -> None:
    assert marked_encoding(mark + "a".encode(encoding)) == encoding
    assert marked_encoding(b"plain") is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["Call me Ishmael. ", "이 글은 짧다.\n", "第一回此开卷一\n", "Привет, мир\n"])
def test_unicode_without_a_mark(text: str, encoding: str) -> None:
    assert unmarked_encoding((text * 20).encode(encoding)) == encoding


def test_unicode_cut_inside_a_character() -> None:
    assert unmarked_encoding("안녕 하세요\n".encode("utf-16-le")[:-1]) == "utf-16-le"


@pytest.mark.parametrize(("text", "encoding"), [("安い。\n", "iso2022_jp"), ("안녕\n", "iso2022_kr")])
def test_seven_bit_encodings(text: str, encoding: str) -> None:
    assert unmarked_encoding((text * 9).encode(encoding)) == encoding


def test_colour_codes_and_plain_text_are_neither() -> None:
    assert unmarked_encoding(b"\x1b[31mred\x1b[0m costs \x1b$5") is None
    assert unmarked_encoding(b"plain") is None
    assert unmarked_encoding(bytes(range(256)) * 8) is None
    assert unmarked_encoding(b"\0" * 64) is None


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7\nall ASCII", "a PDF document"),
        (b"{\\rtf1\\ansi Hello}", "a rich text document"),
        (b"PK\x03\x04rest", "a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "HWP"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (zlib.compress(bytes(range(256)) * 99, 9) * 9, "binary data"),
        (b"\0\1\2\3", "binary data"),
    ],
)
def test_kinds_of_binary(head: bytes, kind: str) -> None:
    assert kind in (kind_of_binary(head) or "")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"text\r\n\tand \x0c more\x1a",
        b"\x1b[1mbold\x1b[0m" * 9,
        b"o\bov\bve\ber\br" * 9,
        "가나다".encode(),
    ],
)
def test_kinds_of_text(head: bytes) -> None:
    assert kind_of_binary(head) is None


@pytest.mark.parametrize("zeros", [1, 2, 3, 100, 4000])
@pytest.mark.parametrize("text", ["ATCG" * 500 + "\n", "plain words\r\n" * 50, "déjà vu\n" * 50, "안녕 하세요\n" * 50])
def test_zeros_at_the_end_are_padding_and_neither_utf16_nor_binary(text: str, zeros: int) -> None:
    data = text.encode() + bytes(zeros)
    assert unmarked_encoding(data) is None
    assert kind_of_binary(data) is None


@pytest.mark.parametrize(
    "data",
    [b"ATCG" * 500 + b"\n\0" + b"ATCG" * 500 + b"\n", b"\0\0" + b"ATCG\n" * 99, "déjà\n\0\0\0".encode() * 40],
)
def test_zeros_between_plain_text_do_not_make_it_utf16(data: bytes) -> None:
    assert unmarked_encoding(data) is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("zeros", [0, 1, 2, 3, 8])
def test_unicode_without_a_mark_and_zeros_behind_it(encoding: str, zeros: int) -> None:
    for text in ("Call me Ishmael.\n", "Ça va, où est l’été\n", "第一回此开卷一\n"):
        assert unmarked_encoding((text * 20).encode(encoding) + bytes(zeros)) == encoding


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_what_may_be_utf16_without_spaces(encoding: str) -> None:
    data = ("今天我们去河边散步，天气很好。" * 40).encode(encoding)
    assert unmarked_encoding(data) is None
    assert wide_reading(data) == encoding
    assert wide_reading(zlib.compress(bytes(range(256)) * 99, 9) * 9) is None
    assert wide_reading(b"") is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize(
    "tail", [b"Plain words from here to the end of it.\n" * 20, b"ATCG" * 100, "Съешь ещё мягких булок.\n".encode() * 9]
)
def test_a_file_that_goes_on_in_another_encoding_is_told_where(encoding: str, tail: bytes) -> None:
    start = ("\ufeff" + "Garden paper, 안녕\n" * 50).encode(encoding)
    for length in (len(start) + len(tail), 100, 64):
        data = start + tail
        blocks = [data[place : place + length] for place in range(0, len(data), length)]
        found = find_foreign_bytes(blocks, encoding)
        assert found is not None
        assert len(start) - 4 <= found <= len(start) + 4


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-be"])
@pytest.mark.parametrize(
    "text",
    [
        "今天我们去河边散步，天气很好。" * 200,
        "あいうえおかきくけこ" * 200,
        "동해물과 백두산이" * 200,
        "Plain\n" * 200,
        "नमस्ते दुनिया\n" * 200,
        "a new sign \u0c5c in a text\n" + "plain " * 200,
        "\U0001fae9\U0001fadf" * 50,
    ],
)
def test_text_that_goes_on_as_it_began_is_left_alone(encoding: str, text: str) -> None:
    assert find_foreign_bytes([text.encode(encoding)], encoding) is None


def test_a_crowd_of_unassigned_characters_is_told_where_it_begins() -> None:
    text = "plain\n" * 30
    data = (text + "\u0c5c\u0378\u2065 \u2072").encode("utf-16-le")
    assert find_foreign_bytes([data[:50], data[50:]], "utf-16-le") == 2 * len(text)
