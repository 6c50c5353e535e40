"""What `nextchar score` reads: lines and records, with their numbers."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path

import pytest

from nextchar.cli.entries import STANDARD_INPUT, Entry, Source, records_of
from nextchar.errors import TextError, UsageError


def entries(path: Path | str, column: str | None = None, encoding: str | None = None) -> list[Entry]:
    return [entry for some in Source(str(path), encoding, "strict", column).entries() for entry in some]


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_lines_have_numbers(tmp_path: Path) -> None:
    assert entries(written(tmp_path / "a.txt", "one\n\nthree")) == [Entry(1, "one"), Entry(2, ""), Entry(3, "three")]
    assert entries(written(tmp_path / "empty.txt", "")) == []


def test_lines_are_read_in_the_encoding_given(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "caf\u00e9\n".encode("cp437"))
    assert entries(path, encoding="cp437") == [Entry(1, "caf\u00e9")]


def test_objects_are_kept_and_empty_lines_left_out(tmp_path: Path) -> None:
    lines = ['{"id": 1, "name": "Ann"}', "", '{"name": null}', '{"id": 3}']
    path = written(tmp_path / "a.jsonl", "\n".join(lines) + "\n")
    assert entries(path, "name") == [Entry(1, "Ann", lines[0]), Entry(3, None, lines[2]), Entry(4, None, lines[3])]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{'name': 1}\n", "line 1, is not JSON"),
        ("[1]\n", "line 1, is not a JSON object"),
        ('{"name": "a"}\n{"name": 5}\n', "line 2, has no text in 'name', but 5"),
        ('{"id": 1}\n', "line 1, has no field 'name': it has 'id'"),
    ],
)
def test_damaged_objects_are_named(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(TextError, match=words):
        entries(written(tmp_path / "a.jsonl", content), "name")


def test_rows_of_a_table_may_have_several_lines(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 'id,name\n1,Ann\n\n2,"Bo,\nB."\n')
    source = Source(str(path), None, "strict", "name")
    found = [entry for some in source.entries() for entry in some]
    assert found == [Entry(2, "Ann", ["1", "Ann"]), Entry(5, "Bo,\nB.", ["2", "Bo,\nB."])]
    assert source.header == ["id", "name"]


def test_quotes_mean_nothing_between_tabs(tmp_path: Path) -> None:
    assert entries(written(tmp_path / "a.tsv", 'name\tid\n"Ann\t1\n'), "name") == [Entry(2, '"Ann', ['"Ann', "1"])]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,name\n1,Ann,x\n", "line 2, has 3 fields, but the first line names 2 columns"),
        ('id,name\n1,"Ann"x\n', "line 2, is damaged"),
        ("id,title\n1,a\n", "'name'"),
    ],
)
def test_damaged_tables_are_named(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(TextError, match=words):
        entries(written(tmp_path / "a.csv", content), "name")


@pytest.mark.parametrize(
    ("content", "column", "found"),
    [
        (b"one\ntwo\n", None, [Entry(1, "one"), Entry(2, "two")]),
        (b'{"name": "Ann"}\n', "name", [Entry(1, "Ann", '{"name": "Ann"}')]),
    ],
)
def test_standard_input_is_lines_or_json_lines(
    monkeypatch: pytest.MonkeyPatch, content: bytes, column: str | None, found: list[Entry]
) -> None:
    with io.TextIOWrapper(os.fdopen(_pipe_with(content), "rb"), encoding="utf-8") as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        assert entries(STANDARD_INPUT, column) == found


def _pipe_with(content: bytes) -> int:
    """Return what reads ``content`` from a pipe."""
    read, write = os.pipe()
    with os.fdopen(write, "wb") as stream:
        stream.write(content)
    return read


def test_a_named_pipe_is_read_as_its_name_says(tmp_path: Path) -> None:
    pipe = tmp_path / "rows.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("name\nAnn\n",))
    writer.start()
    assert entries(pipe, "name") == [Entry(2, "Ann", ["Ann"])]
    writer.join()


@pytest.mark.parametrize(
    ("name", "kind"), [(STANDARD_INPUT, "jsonl"), ("a.jsonl", "jsonl"), ("a.csv", "csv"), ("a.tsv", "tsv")]
)
def test_the_name_tells_the_kind_of_records(name: str, kind: str) -> None:
    assert records_of(name) == kind


@pytest.mark.parametrize(("name", "words"), [("a.txt", "a.txt has no columns"), ("a.parquet", "nextchar.ray")])
def test_other_files_have_no_records_to_score(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        records_of(name)
