"""The columns of JSON lines, CSV, TSV and Parquet files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nextchar.errors import MissingDependencyError, TextError
from nextchar.text import records as records_module
from nextchar.text.records import Format, format_of, read_records
from nextchar.text.text_file import TextFile

Record = tuple[str, tuple[str | None, ...]]
"""The place of a record, and its values."""


def read(path: Path, kind: Format, columns: list[str], skip: int = 0) -> list[Record]:
    batches = read_records(TextFile(path, path.name, "utf-8", "UTF-8"), kind, columns, skip)
    return [
        (batch.place(index), values)
        for batch in batches
        for index, values in enumerate(zip(*batch.columns, strict=True))
    ]


def write(path: Path, content: str) -> Path:
    path.write_bytes(content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jsonl", "jsonl"),
        ("a.JSONL.zst", "jsonl"),
        ("a.b.ndjson.gz", "jsonl"),
        ("a.csv.xz", "csv"),
        ("a.tsv.bz2", "tsv"),
        ("a.parquet", "parquet"),
        ("https://example.org/a.csv?token=x.txt", "csv"),
        ("what?.csv", "csv"),
        ("a.json", None),
        ("a.txt.gz", None),
        ("jsonl", None),
    ],
)
def test_the_format_is_in_the_name(name: str, kind: Format | None) -> None:
    assert format_of(name) == kind


def test_json_lines(tmp_path: Path) -> None:
    rows = ['{"text": "one\\nline \u2028 more", "label": "a"}', "", '{"text": null}', '{"label": "b"}']
    path = write(tmp_path / "a.jsonl", "\r\n".join(rows))
    assert read(path, "jsonl", ["text", "label"]) == [
        ("line 1", ("one\nline \u2028 more", "a")),
        ("line 3", (None, None)),
        ("line 4", (None, "b")),
    ]
    assert [place for place, _ in read(path, "jsonl", ["text"], skip=2)] == ["line 4"]


def test_csv_as_spreadsheets_write_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", '\ufeffid,text\r\n1,"two\r\nlines, ""quoted"""\r\n\r\n2,plain\r\n')
    assert read(path, "csv", ["text"]) == [
        ("line 3", ('two\nlines, "quoted"',)),
        ("line 5", ("plain",)),
    ]
    assert read(path, "csv", ["text", "id"], skip=1) == [("line 5", ("plain", "2"))]


def test_quotes_are_characters_in_tsv(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", 'id\ttext\n1\t"not closed\n2\tand, so on\n')
    assert [values for _, values in read(path, "tsv", ["text"])] == [('"not closed',), ("and, so on",)]


def test_parquet_is_read_by_groups_of_rows(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(10)]
    table = pa.table({"id": list(range(10)), "text": texts, "kind": pa.array(["x"] * 10).dictionary_encode()})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=4)
    found = read(tmp_path / "a.parquet", "parquet", ["text", "kind"])
    assert [values for _, values in found] == [(text, "x") for text in texts]
    for skip in (4, 5, 9, 10):
        assert read(tmp_path / "a.parquet", "parquet", ["text", "kind"], skip) == found[skip:]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"body": "x", "id": 1}\n' * 3, "a.jsonl has no column 'text': it has 'body', 'id'. Name"),
        ("a.csv", "body,id\nx,1\n", "a.csv has no column 'text': it has 'body', 'id'"),
        ("a.csv", "", "a.csv has no column 'text': it has none"),
        ("a.tsv", "body\tid\n", "a.tsv has no column 'text': it has 'body', 'id'"),
        ("a.jsonl", '{"text": "x"}\n{"text": "y"\n', r"a.jsonl, line 2, is not JSON \(.* at character 13\). Repair"),
        ("a.jsonl", '{"text": "x"}\n["y"]\n', r'line 2, is not a JSON object, like {"text": "..."}'),
        ("a.jsonl", '{"text": "x"}\n{"text": 5}\n', "line 2, has no text in 'text', but 5. Repair"),
        ("a.jsonl", "[" * 100_000, "line 1, is not JSON that can be read"),
        ("a.csv", "id,text\n1,x\n2\n", "a.csv, line 3, has 1 fields, but the first line names 2 columns"),
        ("a.csv", 'text\n"x" y\n', r"a.csv, line 2, is damaged \(',' expected after '\"'\)"),
        ("a.csv", 'text\n"x\n\n', r"a.csv, line 3, is damaged \(unexpected end of data\)"),
        ("a.tsv", "id\ttext\n1\tx\ty\n", "a.tsv, line 2, has 3 fields"),
        ("a.parquet", "PAR1 is not enough", "a.parquet is damaged Parquet"),
    ],
)
def test_what_does_not_fit_is_named_by_its_place(name: str, content: str, message: str, tmp_path: Path) -> None:
    kind = format_of(name)
    assert kind
    with pytest.raises(TextError, match=message):
        read(write(tmp_path / name, content), kind, ["text"])


def test_a_column_may_begin_late_but_not_too_late(tmp_path: Path) -> None:
    without = json.dumps({"body": "x"}) + "\n"
    path = write(tmp_path / "a.jsonl", without * 900 + json.dumps({"text": "here"}))
    assert read(path, "jsonl", ["text"])[-1][1] == ("here",)
    path = write(tmp_path / "a.jsonl", without * 1500 + json.dumps({"text": "here"}))
    with pytest.raises(TextError, match="no column 'text': it has 'body'"):
        read(path, "jsonl", ["text"])


def test_columns_of_parquet_must_be_there_and_be_text(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1], "text": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(TextError, match="no column 'body': it has 'id', 'text'"):
        read(tmp_path / "a.parquet", "parquet", ["body"])
    with pytest.raises(TextError, match=r"The column 'id' of a.parquet holds int64, not text. .* of text: 'text'."):
        read(tmp_path / "a.parquet", "parquet", ["id"])


def test_a_file_without_line_ends_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_module, "MAX_RECORD", 1000)
    with pytest.raises(TextError, match="a line of more than 1,000 characters"):
        read(write(tmp_path / "a.jsonl", "x" * 1001), "jsonl", ["text"])


def test_a_line_may_be_longer_than_a_block(tmp_path: Path) -> None:
    long = "한" * 1_500_000
    path = write(tmp_path / "a.csv", f"text,id\n{long},1\nshort,2\n")
    assert [values[0] for _, values in read(path, "csv", ["text"])] == [long, "short"]


def test_without_pyarrow_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r'Reading a.parquet needs pyarrow.*"nextchar\[data\]"'):
        read(write(tmp_path / "a.parquet", ""), "parquet", ["text"])
