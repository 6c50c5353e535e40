from __future__ import annotations

import gzip
import io
import os
import threading
import unicodedata
from pathlib import Path

import pytest

from nextchar.errors import TextError
from nextchar.settings import Errors
from nextchar.text import catalog
from nextchar.text.catalog import find, listing, resolve
from nextchar.text.decoding import BYTES
from nextchar.text.known_texts import CatalogEntry
from nextchar.text.reading_options import ReadingOptions
from tests.downloaders import FakeDownloader, refuse

pytestmark = pytest.mark.usefixtures("no_corpora")

KOREAN = "동해물과 백두산이 마르고 닳도록 하느님이 보우하사 우리나라 만세.\n" * 3


def names_of(resolved: catalog.Resolved) -> list[str]:
    return [file.name for file in resolved.files]


def text_of(resolved: catalog.Resolved) -> str:
    return "".join("".join(file.chunks()) for file in resolved.files)


def test_the_corpora_folder_is_named_by_the_environment(
    corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTCHAR_CORPORA", str(corpora))
    resolved = resolve(["names", "tinyshakespeare"], cache=tmp_path, downloader=refuse)
    assert names_of(resolved) == ["names", "tinyshakespeare"]
    assert resolved.notes == ()
    assert {entry["name"]: entry["here"] for entry in listing(tmp_path)}["names"] is True


def test_unknown_names_bring_near_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mybook.txt").write_text("text", encoding="utf-8")
    for wrong, message in (
        ("nietzche", r"'nietzche'\. Did you mean nietzsche\? `nextchar corpora`"),
        ("mybok.txt", "Did you mean mybook.txt"),
        (str(tmp_path / "mybook.tx"), f"Did you mean {tmp_path}/mybook.txt"),
        ("no/such/folder/file", "There is no file"),
        ("a\0b", "There is no file"),
        ("once upon a time " * 400, "There is no file, folder or known text 'once .*…'"),
    ):
        with pytest.raises(TextError, match=message):
            resolve([wrong], cache=tmp_path)
    with pytest.raises(TextError, match="no file, folder or known text 'nietzche'"):
        find("nietzche", cache=tmp_path)


def test_a_file_wins_over_a_name_and_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("names").write_text("my own", encoding="utf-8")
    resolved = resolve(["names"], cache=tmp_path / "cache")
    assert text_of(resolved) == "my own"
    assert "not the text of this name in the catalogue" in resolved.notes[0]


def test_files_keep_their_order_and_encodings_are_said(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(KOREAN.encode("cp949"))
    (tmp_path / "a.txt").write_bytes(gzip.compress(b"plain"))
    (tmp_path / "c.txt").write_text("wide", encoding="utf-16")
    names = [str(tmp_path / name) for name in ("b.txt", "a.txt", "c.txt", "b.txt")]
    resolved = resolve(names, cache=tmp_path / "cache")
    assert names_of(resolved) == names
    assert text_of(resolved) == KOREAN + "plain" + "wide" + KOREAN
    assert resolved.notes[0] == f"{names[0]}: read as cp949 (detected)"
    assert resolved.notes[1] == f"{names[2]}: read as utf-16-le (byte order mark)"


def test_a_folder_is_read_in_the_order_of_its_paths(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for name, data in {
        "b.txt": b"B",
        "a/z.txt": b"A/Z",
        "a/1.md": KOREAN.encode("cp949"),
        "a.txt": b"A",
        "c/2.txt": KOREAN.encode("cp949"),
        ".hidden": b"H",
        ".git/config": b"G",
        "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "empty.txt": b"",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    resolved = resolve([str(folder)], cache=tmp_path / "cache")
    assert [Path(name).relative_to(folder).as_posix() for name in names_of(resolved)] == [
        "a/1.md", "a/z.txt", "a.txt", "b.txt", "c/2.txt",
    ]  # fmt: skip
    skipped = [note for note in resolved.notes if note.startswith("skipped: ")]
    assert len(skipped) == 2
    assert "empty.txt is empty" in skipped[0]
    assert "picture.png is a PNG image" in skipped[1]
    assert resolved.notes[-1] == f"2 files in {folder}: read as cp949 (detected)"


def test_many_skipped_files_are_told_in_few_notes(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number}.bin").write_bytes(bytes(100))
    with pytest.raises(TextError, match=r"has no text in it .*35 more files"):
        resolve([str(tmp_path)], cache=tmp_path / "cache")
    (tmp_path / "text").write_text("text")
    assert len(resolve([str(tmp_path)], cache=tmp_path / "cache").notes) == 6


def test_a_folder_without_files(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"has no text in it: give a folder with text files"):
        resolve([str(tmp_path)], cache=tmp_path / "cache")


def test_standard_input_is_kept_under_its_content(tmp_path: Path) -> None:
    first = resolve(["-"], stdin=io.BytesIO(KOREAN.encode("cp949")), cache=tmp_path)
    again = resolve(["-"], stdin=io.BytesIO(KOREAN.encode("cp949")), cache=tmp_path)
    other = resolve(["-"], stdin=io.BytesIO(b"other"), cache=tmp_path)
    assert text_of(first) == KOREAN
    assert first == again
    assert first.notes == ("standard input: read as cp949 (detected)",)
    assert other.files[0].path != first.files[0].path
    assert sorted(path.name for path in (tmp_path / "texts").iterdir()) == sorted(
        {first.files[0].path.name, other.files[0].path.name}
    )


def test_standard_input_that_is_missing_closed_or_empty(tmp_path: Path) -> None:
    closed = io.BytesIO()
    closed.close()
    for stdin, message in ((None, "no standard input"), (closed, "closed file"), (io.BytesIO(), "is empty")):
        with pytest.raises(TextError, match=message):
            resolve(["-"], stdin=stdin, cache=tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_kept_like_standard_input(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"through a pipe",))
    writer.start()
    resolved = resolve([str(pipe)], cache=tmp_path / "cache")
    writer.join()
    assert names_of(resolved) == [str(pipe)]
    assert text_of(resolved) == "through a pipe"


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(TextError, match=r"cannot be kept in .*NEXTCHAR_CACHE"):
        resolve(["-"], stdin=io.BytesIO(b"text"), cache=tmp_path / "file")


def test_a_given_encoding_is_for_files_and_not_for_the_catalogue(served: CatalogEntry, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_bytes("é".encode("cp1252"))
    resolved = resolve(
        [str(tmp_path / "mine.txt"), "served"],
        ReadingOptions(encoding="cp1252"),
        cache=tmp_path / "cache",
        downloader=FakeDownloader(b"served text\n"),
    )
    assert text_of(resolved) == "éserved text\n"
    assert [file.determined for file in resolved.files] == ["given", "UTF-8"]


def test_a_file_linked_twice_is_read_once(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_text("text")
    (folder / "b.txt").symlink_to("a.txt")
    os.link(folder / "a.txt", folder / "c.txt")
    resolved = resolve([str(folder)], cache=tmp_path)
    assert names_of(resolved) == [str(folder / "a.txt")]
    assert resolved.notes == tuple(
        f"skipped: {folder / name} is the same file as {folder / 'a.txt'}, which has already been read"
        for name in ("b.txt", "c.txt")
    )


def test_a_file_of_a_folder_that_is_named_too_is_read_once(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_text("text")
    file = str(folder / "a.txt")
    for names in ([str(folder), file], [file, str(folder)], [str(folder)] * 2):
        resolved = resolve(names, cache=tmp_path)
        assert names_of(resolved) == [file]
        assert resolved.notes == (f"skipped: {file} has already been read",)


def test_back_ups_are_left_out_of_a_folder_and_named(tmp_path: Path) -> None:
    left_out = (
        "a.txt~",
        "a.bak",
        ".a.txt.swp",
        "~$a.doc",
        "Thumbs.db",
        "desktop.ini",
        ".DS_Store",
        "#a#",
        ".#a",
        "a.orig",
    )
    for name in (*left_out, "a.txt", "bakery.txt", ".hidden"):
        (tmp_path / name).write_text("text")
    resolved = resolve([str(tmp_path)], cache=tmp_path / "cache")
    assert [Path(name).name for name in names_of(resolved)] == ["a.txt", "bakery.txt"]
    assert len(resolved.notes) == 6
    assert resolved.notes[-1].startswith("skipped: 5 more files")
    assert names_of(resolve([str(tmp_path / "a.bak")], cache=tmp_path)) == [str(tmp_path / "a.bak")]


@pytest.mark.parametrize(
    ("data", "errors", "note"),
    [
        (b"ATCG\n" * 99 + bytes(5), "strict", "zero bytes at its end are left out (5)"),
        (b"AT\0CG\n" + b"ATCG\n" * 99, "strict", "zero characters in it are read like any others (1)"),
        ("déjà là ".encode() * 9 + b"\x92\x93", "replace", "bytes that do not decode are read as U+FFFD (2)"),
        ("déjà là ".encode() * 9 + b"\x92 ", "latin", "bytes that do not decode are read as characters of cp1252 (1)"),
        ("½ cup flour\n".encode("cp1252"), "strict", "read as cp1252 (detected), with ½ cup"),
    ],
)
def test_what_was_done_to_a_text_is_told(tmp_path: Path, data: bytes, errors: Errors, note: str) -> None:
    (tmp_path / "text.txt").write_bytes(data)
    resolved = resolve([str(tmp_path / "text.txt")], ReadingOptions(errors=errors), cache=tmp_path)
    assert resolved.notes == (f"{tmp_path / 'text.txt'}: {note}",)


def test_a_column_is_read_from_files_of_records_and_others_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "so it goes"}\n{"text": null}\n'))
    (folder / "b.csv").write_bytes("글,text\n0,갔다\n1,왔다\n".encode("cp949"))
    (folder / "readme.txt").write_text("what this is")
    resolved = resolve([str(folder)], ReadingOptions(column="text"), cache=tmp_path / "cache")
    assert ["".join(file.decoded()) for file in resolved.files] == ["so it goes\n", "갔다\n왔다\n"]
    skipped, documents, left_out, encoding = resolved.notes
    assert skipped.startswith(f"skipped: {folder / 'readme.txt'} has no columns: --column is for files of records")
    assert documents == f"2 files in {folder}: 3 documents in the column 'text'"
    assert left_out == f"2 files in {folder}: records without text in that column are left out (1)"
    assert encoding == f"{folder / 'b.csv'}: read as cp949 (detected)"


def test_files_of_records_without_a_column_are_plain_text_except_parquet(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n1,one\n")
    resolved = resolve([str(tmp_path / "a.csv")], cache=tmp_path)
    assert "".join(resolved.files[0].decoded()) == "id,text\n1,one\n"
    assert resolved.notes == (
        f"{tmp_path / 'a.csv'}: read as plain text; --column NAME reads one column of the records",
    )
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(TextError, match=r"a.parquet is a Parquet file: name the column with the text in --column"):
        resolve([str(tmp_path / "a.parquet")], cache=tmp_path)
    with pytest.raises(TextError, match=r"python-docs has no columns"):
        resolve(["python-docs"], ReadingOptions(column="text"), cache=tmp_path)


def test_a_text_at_an_address_is_kept_and_found_again_by_its_address(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\none\n")
    address = f"file://{tmp_path}/a.csv"
    (file,) = resolve([address], ReadingOptions(column="text"), cache=tmp_path / "cache").files
    assert (file.name, file.address, file.place) == (address, address, address)
    assert file.path.is_relative_to(tmp_path / "cache")
    assert "".join(file.decoded()) == "one\n"
    with pytest.raises(TextError, match=r"is not on this computer, and nothing is fetched here"):
        resolve([address], ReadingOptions(column="text"), cache=tmp_path / "cache", offline=True)


def test_standard_input_is_read_as_asked(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", KOREAN)
    resolved = resolve(["-"], ReadingOptions(normalize="nfc"), stdin=io.BytesIO(decomposed.encode()), cache=tmp_path)
    assert text_of(resolved) == KOREAN
    anything = bytes(range(256)) + KOREAN.encode("cp949") + b"\r\n\0\0"
    resolved = resolve(["-"], ReadingOptions(encoding=BYTES), stdin=io.BytesIO(anything), cache=tmp_path)
    assert text_of(resolved).encode("utf-8", "surrogateescape") == anything


def test_files_folders_and_known_texts_are_read_as_asked(tmp_path: Path, served: CatalogEntry) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_text(unicodedata.normalize("NFD", KOREAN), encoding="utf-8")
    (folder / "b.txt").write_bytes(b"\xff\xfe\r\n" * 9 + b"x")
    downloader = FakeDownloader(b"served text\n")
    names = [str(folder / "a.txt"), served.name]
    texts = resolve(names, ReadingOptions(normalize="nfkc"), cache=tmp_path, downloader=downloader)
    assert text_of(texts) == KOREAN + "served text\n"
    assert {text.normalize for text in texts.files} == {"nfkc"}
    texts = resolve([str(folder), served.name], ReadingOptions(encoding=BYTES), cache=tmp_path, downloader=downloader)
    assert len(texts.files) == 3
    assert all(text.is_of_bytes for text in texts.files)
    assert text_of(texts).encode("utf-8", "surrogateescape").endswith(b"\xff\xfe\r\nxserved text\n")
