"""A text in a file: its pieces, line ends and lower case, and what the first reading finds."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from nextchar.errors import TextError
from nextchar.settings import Boundary, Normalization
from nextchar.text.content import LineEnds
from nextchar.text.decoding import BYTES
from nextchar.text.files import open_text
from nextchar.text.text_file import (
    BLOCK,
    TextFile,
    WrongBytesError,
    content_of,
    is_code_page,
    joined_chunks,
    missing_boundary,
    read_through,
    readable,
    text_chunks,
    words_beyond_ascii,
)
from tests.text.test_normalization import MARKED, expected_form


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def read(text: TextFile) -> str:
    return "".join(text.chunks())


def test_line_ends_are_normalised_and_counted_across_blocks(tmp_path: Path) -> None:
    data = b"x" * (BLOCK - 1) + b"\r\n" + b"y\rz\n" + b"x" * (BLOCK - 6) + b"\r" + b"\r\n" + b"end\r"
    text = open_text(write(tmp_path / "text", data))
    assert read(text) == data.decode().replace("\r\n", "\n").replace("\r", "\n")
    assert content_of(text).line_ends == LineEnds(lf=1, crlf=2, cr=3)


def test_texts_are_joined_each_on_a_line_of_its_own(tmp_path: Path) -> None:
    parts = [b"one", b"\xef\xbb\xbftwo\r\n", b"\nthree", "네\r".encode("cp949"), b"five"]
    encodings = [None, None, None, "cp949", None]
    texts = [
        open_text(write(tmp_path / str(i), data), encoding)
        for i, (data, encoding) in enumerate(zip(parts, encodings, strict=True))
    ]
    assert "".join(joined_chunks(texts)) == "one\ntwo\n\nthree\n네\nfive"
    assert "".join(joined_chunks([])) == ""


@pytest.mark.parametrize(
    ("boundary", "ending", "missing"),
    [
        ("line", "a", "\n"),
        ("line", "a\n", ""),
        ("line", "", ""),
        ("blank", "a", "\n\n"),
        ("blank", "a\n", "\n"),
        ("blank", "\n\n", ""),
        ("none", "a", ""),
    ],
)
def test_what_is_missing_between_documents(boundary: Boundary, ending: str, missing: str) -> None:
    assert missing_boundary(ending, boundary) == missing


def test_texts_are_joined_as_asked(tmp_path: Path) -> None:
    texts = [open_text(write(tmp_path / str(i), data)) for i, data in enumerate([b"one", b"\n", b"two\n", b"three"])]
    assert "".join(joined_chunks(texts, boundary="blank")) == "one\n\n\ntwo\n\nthree"
    assert "".join(joined_chunks(texts, boundary="none")) == "one\ntwo\nthree"


def test_lowercase_is_that_of_the_whole_text(tmp_path: Path) -> None:
    unit = "ΟΔΥΣΣΕΥΣ ΚΑΙ ΣΟΦΟΣ\tİstanbul ǅ ẞ ΑΣ\nΣ"
    text = open_text(write(tmp_path / "text", (unit * 60_000).encode()))
    assert sum(1 for _ in text.chunks()) > 2
    assert "".join(joined_chunks([text], lowercase=True)) == (unit * 60_000).lower()


def test_a_long_word_is_lowercased_in_bounded_memory(tmp_path: Path) -> None:
    text = open_text(write(tmp_path / "text", b"A" * 3 * BLOCK))
    pieces = list(joined_chunks([text], lowercase=True))
    assert max(map(len, pieces)) <= BLOCK + 1000
    assert "".join(pieces) == "a" * 3 * BLOCK


def test_words_that_show_how_a_text_was_read(tmp_path: Path) -> None:
    text = open_text(
        write(tmp_path / "text", ("plain text\n" * 9 + "½ cup, the café and another café\n").encode("cp1252"))
    )
    assert words_beyond_ascii(text) == ["½ cup", "café and"]
    assert words_beyond_ascii(open_text(write(tmp_path / "plain", b"plain"))) == []


def test_unicode_line_separators_are_characters_and_not_line_ends(tmp_path: Path) -> None:
    data = "one\u2028two\u2029three\x85four\x0bfive\x1csix\r\nseven\n"
    text = open_text(write(tmp_path / "text", data.encode()))
    assert read(text) == data.replace("\r\n", "\n")
    assert content_of(text).line_ends == LineEnds(lf=1, crlf=1, cr=0)


@pytest.mark.parametrize("lowercase", [False, True])
def test_lengths_are_known_from_the_first_reading(tmp_path: Path, lowercase: bool) -> None:
    (tmp_path / "text.txt").write_bytes("İİ a\r\nb\rc\nΣΑΣ ß\r".encode())
    text = open_text(tmp_path / "text.txt")
    assert text.content is not None
    characters = sum(map(len, text_chunks(text, lowercase)))
    assert text.content.characters(lowercase=lowercase) == characters


def test_one_character_alone_changes_its_length_in_lower_case() -> None:
    assert [chr(point) for point in range(0x110000) if len(chr(point).lower()) != 1] == ["\u0130"]


@pytest.mark.parametrize("compressed", [False, True])
def test_one_reading_finds_size_hash_and_characters(tmp_path: Path, compressed: bool) -> None:
    data = "é\r\nİ\0\n\0\0".encode()
    path = write(tmp_path / "text", gzip.compress(data) if compressed else data)
    text = read_through(TextFile(path, "text", "utf-8", "UTF-8", compressed))
    content = text.content
    assert content is not None
    assert (content.bytes, content.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (content.decoded_characters, content.dotted_capitals) == (6, 1)
    assert (text.padding, text.zeros, text.replaced) == (2, 1, 0)


def test_wrong_bytes_are_reported_with_their_offset(tmp_path: Path) -> None:
    path = write(tmp_path / "text", b"good \xff text")
    with pytest.raises(WrongBytesError, match="offset 5") as wrong:
        read_through(TextFile(path, "text", "utf-8", "given"))
    assert (wrong.value.offset, wrong.value.at_end) == (5, False)
    write(path, b"caf\xc3")
    with pytest.raises(WrongBytesError, match="cut off") as wrong:
        read_through(TextFile(path, "text", "utf-8", "given"))
    assert (wrong.value.offset, wrong.value.at_end) == (3, True)


def test_a_file_is_read_again_only_if_it_has_changed(tmp_path: Path) -> None:
    text = open_text(write(tmp_path / "text", b"before"))
    assert content_of(text) is text.content
    write(text.path, b"after it")
    os.utime(text.path, ns=(0, 0))
    assert content_of(text).sha256 == hashlib.sha256(b"after it").hexdigest()
    text.path.unlink()
    with pytest.raises(TextError, match="text cannot be read"):
        content_of(text)


def test_bytes_that_are_already_read_are_not_read_again(tmp_path: Path) -> None:
    text = TextFile(tmp_path / "nothing", "text", "utf-8", "given")
    assert "".join(text.chunks([b"one\r", b"\ntwo"])) == "one\ntwo"


@pytest.mark.parametrize("encoding", ["cp1252", "koi8_r", "iso8859_6"])
def test_a_code_page_has_one_byte_for_each_character(encoding: str) -> None:
    assert is_code_page(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "cp932", "gb18030", "utf-16-le", "iso2022_jp"])
def test_other_encodings_are_not_code_pages(encoding: str) -> None:
    assert not is_code_page(encoding)


def test_a_name_that_is_not_utf8_is_readable() -> None:
    assert readable(Path(os.fsdecode(b"caf\xe9.txt"))) == "caf\\xe9.txt"
    assert readable(Path("café.txt")) == "café.txt"


@pytest.mark.parametrize("form", ["nfc", "nfkc"])
@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("block", [5, BLOCK])
def test_a_file_is_read_normalized(
    form: Normalization, lowercase: bool, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextchar.text.text_file.BLOCK", block)
    text = open_text(write(tmp_path / "text", MARKED.encode()), normalize=form)
    whole = expected_form(form, MARKED).replace("\r\n", "\n")
    assert "".join(text_chunks(text, lowercase)) == (whole.lower() if lowercase else whole)
    assert content_of(text).characters(lowercase=lowercase) == len(whole.lower() if lowercase else whole)
    assert content_of(text).sha256 == hashlib.sha256(MARKED.encode()).hexdigest(), "of the file as it is"


ANYTHING = {
    "marked": b"\xef\xbb\xbfa\r\nb\rc\n",
    "utf-16": "\ufeff한글\r\n".encode("utf-16-le"),
    "zeros": b"text\n" + b"\0" * 900,
    "only zeros": b"\0" * 50,
    "cp949": "동해물과 백두산이\n".encode("cp949"),
    "mixed": "동해물과 é\n".encode() + "마르고 닳도록".encode("cp949"),
    "image": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)),
    "every byte": bytes(range(256)) * 3,
    "cut": "한글".encode()[:-1],
    "surrogates": b"\xed\xa0\x80 \xed\xb2\x80",
}


@pytest.mark.parametrize("name", ANYTHING)
@pytest.mark.parametrize("block", [1, 3, BLOCK])
def test_any_file_is_read_as_bytes(name: str, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextchar.text.text_file.BLOCK", block)
    data = ANYTHING[name]
    text = open_text(write(tmp_path / "file", data), BYTES)
    whole = read(text)
    assert whole.encode("utf-8", "surrogateescape") == data
    assert (text.is_of_bytes, text.encoding, text.determined) == (True, "bytes", "given")
    assert content_of(text).characters(lowercase=False) == len(whole)
    assert (content_of(text).bytes, text.replaced, text.padding) == (len(data), 0, 0)
    assert text.place


def test_compressed_bytes_are_those_inside(tmp_path: Path) -> None:
    data = ANYTHING["every byte"]
    text = open_text(write(tmp_path / "file.gz", gzip.compress(data)), BYTES)
    assert read(text).encode("utf-8", "surrogateescape") == data
    assert text.compressed


def test_no_bytes_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="is empty"):
        open_text(write(tmp_path / "file", b""), BYTES)
