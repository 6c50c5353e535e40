from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from nextchar.errors import TextError
from nextchar.settings import Errors
from nextchar.text.files import open_text
from nextchar.text.text_file import BLOCK, TextFile

KOREAN = "동해물과 백두산이 마르고 닳도록 하느님이 보우하사 우리나라 만세.\n"


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def read(text: TextFile) -> str:
    return "".join(text.chunks())


@pytest.mark.parametrize(
    ("file", "encoding"),
    [
        ("korean_stories.txt", "cp949"),
        ("korean_bible_krv.txt", "cp949"),
        ("japanese_neko.txt", "cp932"),
        ("japanese_neko.txt", "euc_jp"),
        ("chinese_hongloumeng.txt", "gb18030"),
        ("nietzsche.txt", "cp1252"),
        ("nietzsche.txt", "utf-16-le"),
        ("persian_hafez.txt", "utf-16-be"),
        ("chinese_hongloumeng.txt", "utf-16-le"),
        ("emoji_test.txt", "utf-32-le"),
    ],
)
def test_real_texts_are_read_right_whatever_their_encoding(
    corpora: Path, tmp_path: Path, file: str, encoding: str
) -> None:
    original = (corpora / file).read_bytes().decode("utf-8")
    encodable = original.encode(encoding, "ignore").decode(encoding)
    text = open_text(write(tmp_path / "text", encodable.encode(encoding)))
    assert text.determined == "detected"
    assert "".join(text.decoded()) == encodable


@pytest.mark.parametrize("piece", [300, 3_000])
@pytest.mark.parametrize(
    ("file", "encoding"),
    [("korean_stories.txt", "cp949"), ("japanese_neko.txt", "cp932"), ("chinese_hongloumeng.txt", "gb18030")],
)
def test_short_passages_of_real_texts_are_read_right(
    corpora: Path, tmp_path: Path, file: str, encoding: str, piece: int
) -> None:
    original = (corpora / file).read_bytes().decode("utf-8")
    for start in range(10_000, 150_000, 20_000):
        passage = original[start : start + piece].encode(encoding, "ignore")
        text = open_text(write(tmp_path / "text", passage))
        assert "".join(text.decoded()) == passage.decode(encoding)


def test_utf8_is_known_by_reading_the_whole_file(tmp_path: Path) -> None:
    text = open_text(write(tmp_path / "text", b"a" * BLOCK * 2 + "가\r\n".encode()))
    assert (text.encoding, text.determined, text.compressed) == ("utf-8", "UTF-8", False)
    assert text.name == str(tmp_path / "text")
    assert read(text) == "a" * BLOCK * 2 + "가\n"


def test_legacy_letters_far_into_plain_ascii_are_found(tmp_path: Path) -> None:
    data = b"plain text and nothing else\n" * 100_000 + (KOREAN * 3).encode("cp949")
    text = open_text(write(tmp_path / "text", data))
    assert (text.encoding, text.determined) == ("cp949", "detected")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-be"])
def test_a_byte_order_mark_is_obeyed_and_dropped(tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding in {"utf-8-sig", "utf-16", "utf-32"} else "\ufeff"
    text = open_text(write(tmp_path / "text", (mark + KOREAN + "\ufeff").encode(encoding)))
    assert text.determined == "byte order mark"
    assert text.encoding == encoding.removesuffix("-sig") + ("-le" if encoding in {"utf-16", "utf-32"} else "")
    assert read(text) == KOREAN + "\ufeff", "a mark inside the text is a character like any other"


@pytest.mark.parametrize("given", ["utf-8", "utf-8-sig", "UTF8"])
def test_a_mark_is_dropped_under_a_given_encoding(tmp_path: Path, given: str) -> None:
    text = open_text(write(tmp_path / "text", "\ufeff\ufeffabc".encode()), given)
    assert read(text) == "\ufeffabc"
    assert text.determined == "given"


def test_gzip_is_known_by_its_bytes(tmp_path: Path) -> None:
    text = open_text(write(tmp_path / "text.txt", gzip.compress((KOREAN * 100_000).encode("cp949"))))
    assert (text.compressed, text.encoding) == (True, "cp949")
    assert read(text) == KOREAN * 100_000


def test_multibyte_characters_across_blocks(tmp_path: Path) -> None:
    for encoding in ("utf-8", "cp949", "utf-16-le", "gb18030"):
        data = ("x" + KOREAN * 40_000).encode(encoding)
        assert len(data) > BLOCK
        assert read(open_text(write(tmp_path / "text", data), encoding)) == "x" + KOREAN * 40_000


@pytest.mark.parametrize(
    ("data", "encoding", "offset"),
    [
        ("좋다".encode() * 500_000 + b"\xff", "utf-8", 3_000_000),
        ("좋다".encode() * 500_000 + b"\xea\xb0", "utf-8", 3_000_000),
        (("ab" + "가" * 600_000).encode("cp949") + b"\xff\xff", "cp949", 1_200_002),
        (b"abc\x81", "cp1252", 3),
        ("abc".encode("utf-16-le") + b"\x00\xd8a\x00", "utf-16-le", 6),
    ],
)
def test_wrong_bytes_are_named_by_their_offset(tmp_path: Path, data: bytes, encoding: str, offset: int) -> None:
    with pytest.raises(TextError, match=rf"given as {encoding}.* at offset {offset:,} .*--encoding"):
        open_text(write(tmp_path / "text", data), encoding)


def test_damaged_utf8_is_not_taken_for_a_legacy_encoding(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"is utf-8.* at offset 91 .*: ff\. .*good UTF-8"):
        open_text(write(tmp_path / "text", KOREAN.encode()[:91] + b"\xff" + KOREAN.encode() * 9))


@pytest.mark.parametrize("repeats", [100, 40_000])
def test_damaged_legacy_text_is_not_taken_for_another_encoding(tmp_path: Path, repeats: int) -> None:
    half = (KOREAN * repeats).encode("cp949")
    with pytest.raises(TextError, match=rf"looks like cp949.* at offset {len(half):,} .*: ff.*--encoding"):
        open_text(write(tmp_path / "text", half + b"\xff\xff" + half))


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\xff\xfe", gzip.compress(b"", mtime=0)])
def test_empty_files(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(TextError, match="is empty"):
        open_text(write(tmp_path / "text", data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"%PDF-1.4", "PDF document"),
        (os.urandom(100_000), "binary data, not plain text"),
        (bytes(10_000), "binary data"),
        (gzip.compress(bytes(10_000), mtime=0), "binary data"),
        (gzip.compress(b"text\n" * 1000, mtime=0)[:-9], "damaged gzip"),
        (b"\x1f\x8b\x08 not gzip at all", "damaged gzip"),
        (bytes(range(0x80, 0x100)) * 9, "The encoding of .* was not recognised"),
    ],
)
def test_what_is_not_text(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(TextError, match=message):
        open_text(write(tmp_path / "text", data))


def test_an_unknown_encoding_names_the_nearest(tmp_path: Path) -> None:
    for wrong, message in (
        ("cp99", "did you mean"),
        ("base64", "not a known encoding"),
        ("punycode", "not a known encoding"),
        ("???", "utf-8, cp949"),
    ):
        with pytest.raises(TextError, match=message):
            open_text(write(tmp_path / "text", b"abc"), wrong)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="No such file"):
        open_text(tmp_path / "nothing")
    with pytest.raises(TextError, match="is a folder"):
        open_text(tmp_path)
    with pytest.raises(TextError, match="not a regular file"):
        open_text(Path("/dev/zero"), name="zero")
    text = open_text(write(tmp_path / "text", b"abc"), name="my text")
    text.path.unlink()
    with pytest.raises(TextError, match="my text cannot be read"):
        read(text)


def test_no_permission(tmp_path: Path) -> None:
    path = write(tmp_path / "text", b"abc")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("the super-user may read anything")
    with pytest.raises(TextError, match="Permission denied"):
        open_text(path)


def test_surrogates_of_odd_encodings_do_not_break_reading(tmp_path: Path) -> None:
    text = open_text(write(tmp_path / "text", b"a+2AA-b"), "utf-7")
    assert read(text) == "a\ud800b"


def test_a_text_padded_with_zeros_loses_them_and_counts_them(tmp_path: Path) -> None:
    text = open_text(write(tmp_path / "text", b"ATCG" * 1000 + b"\n" + bytes(95)))
    assert (read(text), text.padding, text.zeros, text.encoding) == ("ATCG" * 1000 + "\n", 95, 0, "utf-8")
    text = open_text(write(tmp_path / "text", "Il est allé à l’école, où l’été".encode("cp1252") + bytes(9)))
    assert (read(text), text.padding, text.encoding) == ("Il est allé à l’école, où l’été", 9, "cp1252")
    text = open_text(write(tmp_path / "text", b"one\n\0\0two\n\0" + b"and more " * 60))
    assert (text.padding, text.zeros) == (0, 3)


def test_padding_longer_than_a_block_is_not_kept_in_memory(tmp_path: Path) -> None:
    text = open_text(write(tmp_path / "text", gzip.compress(b"text\n" * 300_000 + bytes(4 * BLOCK + 1))))
    assert (text.padding, sum(map(len, text.chunks()))) == (4 * BLOCK + 1, 1_500_000)


@pytest.mark.parametrize("mark", [True, False])
def test_utf16_that_goes_on_in_ascii_is_refused_and_read_if_asked_for(tmp_path: Path, mark: bool) -> None:
    wide = ("\ufeff" * mark + "Garden paper\n" * 200).encode("utf-16-le")
    path = write(tmp_path / "text", wide + b"more plain text, appended by a program\n" * 40)
    with pytest.raises(TextError, match=rf"begins in utf-16-le .* at offset {len(wide):,}: .*--encoding utf-16-le"):
        open_text(path)
    assert read(open_text(path, "utf-16-le")).startswith("Garden paper\n")


def test_utf16_without_mark_or_space_names_the_way(tmp_path: Path) -> None:
    data = "今天我们去河边散步，天气很好。" * 100
    with pytest.raises(TextError, match=r"--encoding utf-16-be"):
        open_text(write(tmp_path / "text", data.encode("utf-16-be")))
    assert read(open_text(tmp_path / "text", "utf-16-be")) == data


@pytest.mark.parametrize("given", ["utf-8", None])
@pytest.mark.parametrize(("errors", "wrong"), [("replace", "\ufffd"), ("latin", "’")])
def test_wrong_bytes_are_read_if_asked_for_and_counted(
    tmp_path: Path, given: str | None, errors: Errors, wrong: str
) -> None:
    path = write(tmp_path / "text", (KOREAN * 9).encode() + b"\x92" + (KOREAN * 9).encode())
    text = open_text(path, given, errors=errors)
    assert (read(text), text.replaced) == (KOREAN * 9 + wrong + KOREAN * 9, 1)
    whole = open_text(write(tmp_path / "whole", KOREAN.encode()), given, errors=errors)
    assert (read(whole), whole.replaced) == (KOREAN, 0)


def test_wide_encodings_have_no_single_bytes_to_read(tmp_path: Path) -> None:
    assert read(open_text(write(tmp_path / "whole", KOREAN.encode("utf-16-be")), "utf-16-be", errors="latin")) == KOREAN
    path = write(tmp_path / "text", b"a\0\0\xd8a\0")
    with pytest.raises(TextError, match="give --errors replace"):
        open_text(path, "utf-16-le", errors="latin")
    assert read(open_text(path, "utf-16-le", errors="replace")) == "a\ufffda"
