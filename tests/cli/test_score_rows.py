"""What `nextchar score` prints for an entry."""

from __future__ import annotations

import json
import math

import pytest

from nextchar.cli.entries import Entry, Source
from nextchar.cli.score_rows import NO_SCORE, Row, RowFormatter, ordered, taken_name
from nextchar.errors import TextError
from nextchar.model.text_score import TextScore
from nextchar.text.records import Format

SCORE = TextScore(bits=12.5, bits_per_character=2.5, characters=5, surprise_column=2, surprise_character="é",
                  surprise_bits=7.25, odder_than=0.125)  # fmt: skip


def source(*header: str, name: str = "a.csv") -> Source:
    made = Source(name, None, "strict", None)
    made.header = [*header]
    return made


def formatter(kind: Format | None, *, has_quantiles: bool = False) -> RowFormatter:
    return RowFormatter(kind, None, echo=False, has_quantiles=has_quantiles)


def test_a_line_is_its_scores_between_tabs() -> None:
    row = formatter(None).row(source(), Entry(1, "canoé"), SCORE)
    assert row == Row(2.5, "12.5000\t2.5000\t2\té\t7.2500\n")
    odd = formatter(None, has_quantiles=True).row(source(), Entry(1, "canoé"), SCORE)
    assert odd.text == "12.5000\t2.5000\t2\té\t7.2500\t0.1250\n"


def test_an_echoed_text_stays_on_its_line() -> None:
    echo = RowFormatter(None, None, echo=True, has_quantiles=False)
    assert echo.row(source(), Entry(1, "a\nb"), SCORE).text.endswith("\t7.2500\ta\\nb\n")


@pytest.mark.parametrize(
    ("character", "shown"), [("\t", "\\t"), ("\x1b", "\\x1b"), ("\udcff", "\\udcff"), ("나", "나")]
)
def test_a_character_that_cannot_be_displayed_is_escaped(character: str, shown: str) -> None:
    row = formatter(None).row(source(), Entry(1, "x"), SCORE._replace(surprise_character=character))
    assert row.text.split("\t")[3] == shown


def test_a_text_without_characters_comes_last_and_has_no_mean() -> None:
    row = formatter(None).row(source(), Entry(1, ""), TextScore(0.0, None, 0))
    assert row == Row(-math.inf, "0.0000\tnan\t\t\tnan\n")


def test_a_table_has_more_columns_and_empty_fields_for_what_is_missing() -> None:
    table, read = formatter("csv"), source("id", "text")
    assert table.head(read) == "id,text,bits,bits_per_character,surprise_column,surprise_character,surprise_bits\n"
    assert table.row(read, Entry(2, 'so, "it"', ["1", 'so, "it"']), SCORE).text == (
        '1,"so, ""it""",12.5000,2.5000,2,é,7.2500\n'
    )
    assert table.row(read, Entry(3, None, ["2", ""]), NO_SCORE).text == "2,,,,,,\n"


def test_the_first_line_is_printed_once_for_an_output() -> None:
    table, read = formatter("tsv"), source("text")
    first = table.head(read)
    assert first.startswith("text\tbits\t")
    assert not table.head(source("text", name="b.tsv"))
    table.begin()
    assert table.head(read) == first


def test_files_with_other_columns_are_refused() -> None:
    table = formatter("csv")
    table.head(source("text"))
    with pytest.raises(TextError, match=r"b\.csv has other columns than the file before it"):
        table.head(source("other", name="b.csv"))


def test_a_column_of_the_name_of_a_score_is_refused() -> None:
    with pytest.raises(TextError, match=r"a\.csv has a field 'bits' already"):
        formatter("csv").head(source("text", "bits"))
    assert str(taken_name("x", "bits")) == "x has a field 'bits' already, which would be that of a score: rename it."


def test_an_object_keeps_its_bytes_and_gets_the_scores_at_its_end() -> None:
    given = ' { "text" : "caf\\u00e9", "n": 1.0 } '
    printed = formatter("jsonl").row(source(), Entry(1, "café", given), SCORE).text
    assert printed.startswith('{ "text" : "caf\\u00e9", "n": 1.0, "bits": 12.5,')
    assert json.loads(printed) == {
        **json.loads(given),
        **{name: value for name, value in SCORE._asdict().items() if name != "odder_than"},
    }
    assert json.loads(formatter("jsonl").row(source(), Entry(1, None, "{}"), NO_SCORE).text)["bits"] is None


def test_a_member_of_the_name_of_a_score_is_refused_and_one_in_a_text_is_not() -> None:
    lines = formatter("jsonl")
    with pytest.raises(TextError, match=r"a\.jsonl, line 7, has a field 'bits' already"):
        lines.row(source(name="a.jsonl"), Entry(7, "x", '{"text": "x", "bits": 1}'), SCORE)
    within = json.dumps({"text": '"bits"', "other": {"bits": 1}})
    assert json.loads(lines.row(source(), Entry(8, '"bits"', within), SCORE).text)["bits"] == 12.5


def test_a_table_printed_as_json_has_its_columns_and_the_scores() -> None:
    as_json = RowFormatter("csv", "jsonl", echo=False, has_quantiles=False)
    read = source("id", "text")
    assert not as_json.head(read)
    printed = json.loads(as_json.row(read, Entry(2, "so", ["1", "so"]), SCORE).text)
    assert (printed["id"], printed["text"], printed["surprise_character"]) == ("1", "so", "é")


def test_rows_are_ordered_by_surprise_and_equal_ones_as_they_came() -> None:
    rows = [Row(1.0, "a"), Row(3.0, "b"), Row(-math.inf, "c"), Row(3.0, "d")]
    assert [row.text for row in ordered(rows, None)] == ["b", "d", "a", "c"]
    assert [row.text for row in ordered(rows, 2)] == ["b", "d"]
