"""`nextchar score`: a line in, a line out."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from nextchar.model.language_model import LanguageModel
from nextchar.model.line_quantiles import LineQuantiles
from nextchar.model.model_file import ModelFile
from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Architecture
from nextchar.text.vocabulary import Vocabulary
from tests.command import PATIENCE, Outcome, assert_refused, nextchar, posix, running, wait_until
from tests.small_networks import random_model, random_parameters

LINES = ["so it goes", "", "나가 é\t!", "x" * 300, "so"]
ROW = "{:.4f}\t{:.4f}"
SURPRISE = ("surprise_column", "surprise_character", "surprise_bits")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a model and some lines."""
    random_model().save(tmp_path / "model.safetensors")
    for name, lines in (("a", LINES[:2]), ("b", LINES[2:])):
        (tmp_path / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def score(desk: Path, *arguments: object) -> Outcome:
    return nextchar("score", "model.safetensors", *arguments, cwd=desk)


def rows(lines: list[str], model: LanguageModel | None = None) -> str:
    """Return what is printed for ``lines``."""
    return "".join(row(line, model or random_model()) + "\n" for line in lines)


def row(line: str, model: LanguageModel) -> str:
    if not line:
        return "0.0000\tnan\t\t\tnan"
    bits = model.surprises(line)
    column = int(bits.argmax())
    character = line[column].encode("unicode_escape").decode() if line[column] in "\t" else line[column]
    return ROW.format(bits.sum(), bits.mean()) + f"\t{column + 1}\t{character}\t{bits[column]:.4f}"


def test_a_line_has_its_bits_and_bits_per_character(desk: Path) -> None:
    assert score(desk, "a.txt", "b.txt", "--lines") == Outcome(0, rows(LINES), "")
    echoed = score(desk, "a.txt", "b.txt", "--lines", "--echo").stdout.splitlines()
    assert [line.split("\t", 5)[5] for line in echoed] == LINES


def test_json_has_an_object_for_each_line(desk: Path) -> None:
    objects = [json.loads(line) for line in score(desk, "a.txt", "--lines", "--json", "--echo").stdout.splitlines()]
    bits, surprises = float(random_model().score_many(LINES[:1])[0]), random_model().surprises(LINES[0])
    assert objects == [
        {
            "bits": pytest.approx(bits),
            "bits_per_character": pytest.approx(bits / 10),
            "characters": 10,
            "surprise_column": surprises.argmax() + 1,
            "surprise_character": LINES[0][surprises.argmax()],
            "surprise_bits": pytest.approx(surprises.max()),
            "text": LINES[0],
        },
        {
            "bits": 0.0,
            "bits_per_character": None,
            "characters": 0,
            **dict.fromkeys(("surprise_column", "surprise_character", "surprise_bits")),
            "text": "",
        },
    ]


RECORDS = """\
{"id": 12345678901234567890123, "text": "so it goes",  "x": 1.10, "y": [1,2 ]}
{"text":null,"id":2}

 {"text": "\\u00e9 na\\tso"}
"""


def fields(text: str | None, model: LanguageModel) -> dict[str, object]:
    """Return the scores that a record gets."""
    if text is None:
        return {**dict.fromkeys(("bits", "bits_per_character")), "characters": None, **dict.fromkeys(SURPRISE)}
    bits = model.surprises(text)
    surprise = int(bits.argmax()) + 1, text[int(bits.argmax())], pytest.approx(float(bits.max()))
    totals = {"bits": pytest.approx(bits.sum()), "bits_per_character": pytest.approx(bits.mean())}
    return {**totals, "characters": len(text), **dict(zip(SURPRISE, surprise, strict=True))}


def test_json_lines_are_passed_through_byte_for_byte(desk: Path) -> None:
    (desk / "a.jsonl").write_text(RECORDS, encoding="utf-8")
    lines = score(desk, "a.jsonl", "--column", "text").stdout.splitlines()
    given = [line for line in RECORDS.splitlines() if line]
    assert [line.startswith(before.strip()[:-1] + ", ") for line, before in zip(lines, given, strict=True)] == [
        True
    ] * 3
    for line, before in zip(lines, given, strict=True):
        record = json.loads(before)
        assert json.loads(line) == {**record, **fields(record["text"], random_model())}
    piped = nextchar("score", "model.safetensors", "--column", "text", stdin=RECORDS.encode(), cwd=desk)
    assert piped.stdout.splitlines() == lines
    assert score(desk, "a.jsonl", "--column", "text", "--format", "tsv").stdout == rows(["so it goes"]) + (
        "nan\tnan\t\t\tnan\n" + rows(["é na\tso"])
    )


def test_tables_are_passed_through_with_more_columns(desk: Path) -> None:
    table = 'id,text,note\r\n007,"so it, ""goes""",x\r\n8,"two\nlines",\n9,,y\n'
    (desk / "a.csv").write_text(table, encoding="utf-8")
    added = ["bits", "bits_per_character", *SURPRISE]
    found = list(csv.reader(score(desk, "a.csv", "--column", "text").stdout.splitlines(keepends=True)))
    assert found[0] == ["id", "text", "note", *added]
    texts = ['so it, "goes"', "two\nlines"]
    scores = [row(text, random_model()).split("\t") for text in texts]
    assert found[1:3] == [["007", texts[0], "x", *scores[0]], ["8", texts[1], "", *scores[1]]]
    assert found[3] == ["9", "", "y", "0.0000", "", "", "", ""]
    objects = score(desk, "a.csv", "--column", "text", "--json").stdout.splitlines()
    assert json.loads(objects[0]) == {"id": "007", "text": texts[0], "note": "x", **fields(texts[0], random_model())}
    (desk / "a.tsv").write_text('id\ttext\n1\tso "it\n', encoding="utf-8")
    expected = "\t".join(["id", "text", *added]) + "\n" + '1\tso "it\t' + rows(['so "it'])
    assert score(desk, "a.tsv", "--column", "text").stdout == expected


def test_each_file_of_records_in_a_folder_has_its_first_line(desk: Path) -> None:
    for name in "ab":
        (desk / f"{name}.csv").write_text(f"text\nso {name}\n", encoding="utf-8")
    assert score(desk, "a.csv", "b.csv", "--column", "text", "--out", "scores").status == 0
    for name in "ab":
        first, second = (desk / f"scores/{name}.csv.csv").read_text().splitlines()
        assert (first.split(",")[:2], second.split(",")[0]) == (["text", "bits"], f"so {name}")
    both = score(desk, "a.csv", "b.csv", "--column", "text").stdout.splitlines()
    assert [line.split(",")[0] for line in both] == ["text", "so a", "so b"]
    (desk / "b.csv").write_text("id,text\n1,so\n", encoding="utf-8")
    assert "other columns" in score(desk, "a.csv", "b.csv", "--column", "text").stderr


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", '{"text": "so"}\n{"text": 7}\n', ("line 2", "no text in 'text', but 7")),
        ("a.jsonl", '{"text": "so"}\n[]\n', ("line 2", "not a JSON object")),
        ("a.jsonl", '{"text": "so"}\n{"text"\n', ("line 2", "is not JSON")),
        ("a.jsonl", '{"txt": "so"}\n', ("no field 'text'", "txt")),
        ("a.jsonl", '{"text": "so", "bits": 1}\n', ("line 1", "'bits' already")),
        ("a.csv", "id,text\n1,so,it\n", ("line 2", "3 fields")),
        ("a.csv", "id,bits,text\n1,2,so\n", ("'bits' already",)),
        ("a.csv", "id,txt\n1,so\n", ("no column 'text'", "'txt'")),
    ],
)
def test_records_that_cannot_be_scored_are_named(desk: Path, name: str, content: str, words: tuple[str, ...]) -> None:
    (desk / name).write_text(content, encoding="utf-8")
    outcome = score(desk, name, "--column", "text")
    assert outcome.status == 1
    assert all(word in outcome.stderr for word in words), outcome.stderr


def test_the_most_surprising_lines_come_first(desk: Path) -> None:
    model = random_model()
    by_surprise = sorted(filter(None, LINES), key=lambda line: -model.bits_per_character(line))
    expected = [f"{row(line, model)}\t{line}" for line in [*by_surprise, ""]]
    assert score(desk, "a.txt", "b.txt", "--lines", "--sort").stdout.splitlines() == expected
    assert score(desk, "a.txt", "b.txt", "--lines", "--worst", "2").stdout.splitlines() == expected[:2]
    (desk / "a.csv").write_text("text\n" + "".join(f"{line}\n" for line in by_surprise[::-1]), encoding="utf-8")
    table = score(desk, "a.csv", "--column", "text", "--worst", "1").stdout.splitlines()
    assert [line.split(",")[0] for line in table] == ["text", by_surprise[0]]


def test_a_threshold_is_bits_or_a_share_of_held_out_lines(desk: Path) -> None:
    model, lines = random_model(), [line for line in LINES if line]
    means = sorted(model.bits_per_character(line) for line in lines)
    above = [line for line in lines if model.bits_per_character(line) > means[1] + 1e-6]
    assert len(above) == 2
    found = score(desk, "a.txt", "b.txt", "--lines", "--threshold", f"{means[1] + 1e-6}")
    assert (found.status, [line.split("\t", 5)[5] for line in found.stdout.splitlines()]) == (0, above)
    assert_refused(score(desk, "a.txt", "--lines", "--threshold", "99.9%"), 2, "held-out lines", "bits per character")
    quantiles = LineQuantiles.of([means[1] + 1e-4] * 150)
    random_model(held_out_lines=quantiles.model_dump()).save(desk / "model.safetensors")
    found = score(desk, "a.txt", "b.txt", "--lines", "--threshold", "90%")
    assert [line.split("\t", 6)[5:] for line in found.stdout.splitlines()] == [["1.0000", line] for line in above]
    assert_refused(score(desk, "a.txt", "--lines", "--threshold", "99.9%"), 2, "150 held-out lines", "99.3%")
    assert_refused(score(desk, "a.txt", "--lines", "--threshold", "101%"), 2, "--threshold = '101%'", "99.9%")


def test_without_lines_a_text_is_one(desk: Path) -> None:
    evaluated = json.loads(
        nextchar("evaluate", "model.safetensors", "b.txt", "--no-counting", "--json", cwd=desk).stdout
    )
    per_character, characters = evaluated["bits_per_character"], evaluated["characters"]
    (row,) = score(desk, "b.txt").stdout.splitlines()
    assert row == ROW.format(per_character * characters, per_character) + "\tb.txt"
    adaptive = evaluated["adaptive_bits_per_character"]
    (row,) = score(desk, "b.txt", "--adapt", "counts").stdout.splitlines()
    assert row == ROW.format(adaptive * characters, adaptive) + "\tb.txt"


def test_files_of_every_kind_are_read(desk: Path) -> None:
    (desk / "packed.gz").write_bytes(gzip.compress("\r\n".join(LINES).encode()))
    (desk / "korean.txt").write_bytes("나가다\n".encode("utf-16"))
    (desk / "empty.txt").write_bytes(b"")
    outcome = score(desk, "packed.gz", "korean.txt", "empty.txt", "--lines")
    assert (outcome.status, outcome.stdout) == (0, rows([*LINES, "나가다"]))
    assert "korean.txt: read as utf-16" in outcome.stderr


def test_a_model_of_lower_case_reads_lower_case(tmp_path: Path) -> None:
    random_model(lowercase=True).save(tmp_path / "model.safetensors")
    (tmp_path / "a.txt").write_text("SO İt\n", encoding="utf-8")
    outcome = score(tmp_path, "a.txt", "--lines", "--echo")
    expected = LanguageModel.load(tmp_path / "model.safetensors").bits_per_character("SO İt")
    assert outcome.stdout == row("so i̇t", random_model(lowercase=True)) + "\tSO İt\n"
    assert outcome.stdout.startswith(ROW.format(expected * 6, expected))
    assert "lower-cased" in outcome.stderr


def test_a_pipe_is_answered_in_json_line_by_line(desk: Path) -> None:
    # Lines are what a pipe has, unless --no-lines says otherwise.
    with running("score", desk / "model.safetensors", "-", "--format", "jsonl", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in filter(None, LINES):
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == fields(line, random_model())
    whole = nextchar("score", "model.safetensors", "--no-lines", stdin=b"so\nit", cwd=desk).stdout
    assert whole.endswith("\t-\n")


def test_a_pipe_is_answered_line_by_line(desk: Path) -> None:
    with running("score", desk / "model.safetensors", "--lines", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in LINES:
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            assert process.stdout.readline().decode() == rows([line])
        process.stdin.write(b"the end")
        process.stdin.close()
        assert process.stdout.read().decode() == rows(["the end"])
        assert process.wait() == 0


@posix
def test_a_named_pipe_is_read_as_it_comes(desk: Path) -> None:
    os.mkfifo(desk / "pipe")
    with running("score", desk / "model.safetensors", desk / "pipe", "--lines") as process:
        assert process.stdout is not None
        with (desk / "pipe").open("wb", buffering=0) as pipe:
            pipe.write(b"so\n")
            assert process.stdout.readline().decode() == rows(["so"])
        assert process.wait() == 0


@posix
def test_ctrl_c_and_a_reader_who_has_had_enough_end_it(desk: Path) -> None:
    asked = ("score", desk / "model.safetensors", "--lines")
    with running(*asked, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"so\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=PATIENCE)
        assert (process.returncode, stderr) == (130, b"nextchar: interrupted\n")
    with running(*asked, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(b"so\n")
        process.stdin.flush()
        assert process.stderr.read() == b""
        assert process.wait() == 1


def test_wrong_lines_are_named(desk: Path) -> None:
    wrong = b"so\nit\n\xff goes\n" + "나가다\n".encode() * 20
    (desk / "wrong.txt").write_bytes(wrong)
    assert_refused(score(desk, "wrong.txt", "--lines"), 1, "wrong.txt", "in line 3", "--errors replace")
    piped = nextchar("score", "model.safetensors", "--lines", stdin=wrong, cwd=desk)
    assert_refused(piped, 1, "standard input", "in line 3", "--errors replace")
    assert score(desk, "wrong.txt", "--lines", "--errors", "replace").stdout.count("\n") == 23


def test_characters_that_nothing_stands_for_are_named_by_their_line(desk: Path) -> None:
    vocabulary = Vocabulary("\nos", has_unknown=False)
    architecture = Architecture(vocabulary_size=vocabulary.size, embedding=None, hidden=(4,))
    file = ModelFile(architecture, vocabulary, random_parameters(architecture), Provenance())
    file.save(desk / "model.safetensors")
    (desk / "a.txt").write_text("so\n" * 5 + "ж\n", encoding="utf-8")
    assert_refused(score(desk, "a.txt", "--lines"), 1, "Line 6 of a.txt", "U+0436")


def test_a_folder_gets_a_file_for_each_text_once(desk: Path) -> None:
    first = score(desk, "a.txt", "b.txt", "--lines", "--out", "scores")
    assert (first.status, first.stdout) == (0, "")
    assert "a.txt: scored, in scores/a.txt.tsv" in first.stderr
    assert [(desk / f"scores/{name}.txt.tsv").read_text() for name in "ab"] == [rows(LINES[:2]), rows(LINES[2:])]
    (desk / "scores/a.txt.tsv").unlink()
    before = (desk / "scores/b.txt.tsv").stat().st_ino
    again = score(desk, "a.txt", "b.txt", "--lines", "--out", "scores")
    assert "skipped: the scores of b.txt are there already" in again.stderr
    assert "a.txt: scored" in again.stderr
    assert (desk / "scores/b.txt.tsv").stat().st_ino == before
    other = score(desk, "a.txt", "--lines", "--out", "scores", "--weights", "int8")
    assert_refused(other, 2, "another --weights", "--out")


@posix
def test_a_killed_job_started_again_does_the_rest(desk: Path) -> None:
    os.mkfifo(desk / "c.txt")
    asked = ("score", "model.safetensors", "a.txt", "c.txt", "b.txt", "--lines", "--out", "scores")
    with running(*asked, cwd=desk) as process, (desk / "c.txt").open("wb", buffering=0) as pipe:
        pipe.write(b"so\n")
        assert wait_until(process, (desk / "scores/a.txt.tsv").exists)
        process.kill()
        process.wait()
    done = (desk / "scores/a.txt.tsv").stat()
    assert sorted(path.name for path in (desk / "scores").glob("*.tsv")) == ["a.txt.tsv"]
    (desk / "c.txt").unlink()
    (desk / "c.txt").write_text("so it goes\n")
    assert nextchar(*asked, cwd=desk).status == 0
    assert (desk / "scores/c.txt.tsv").read_text() == rows(["so it goes"])
    assert (desk / "scores/b.txt.tsv").read_text() == rows(LINES[2:])
    after = (desk / "scores/a.txt.tsv").stat()
    assert (after.st_ino, after.st_mtime_ns) == (done.st_ino, done.st_mtime_ns)


def test_shards_share_the_files(desk: Path) -> None:
    arguments = ("a.txt", "b.txt", "--lines")
    assert score(desk, *arguments, "--shard", "1/2").stdout == rows(LINES[2:])
    job = {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_MIN": "1"}
    outcome = nextchar("score", "model.safetensors", *arguments, cwd=desk, env=job)
    assert outcome.stdout == rows(LINES[:2])
    assert "shard 0/2 (SLURM_ARRAY_TASK_ID): 1 of 2 texts" in outcome.stderr
    none = score(desk, *arguments, "--shard", "2/3")
    assert (none.status, none.stdout) == (0, "")
    assert "--shard 0/1 takes all of them" in none.stderr
    # Each process of a job has a standard input of its own.
    piped = nextchar("score", "model.safetensors", "--lines", stdin=b"so\n", cwd=desk, env=job)
    assert piped.stdout == rows(["so"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a.txt", "--echo"), "--lines"),
        (("a.txt", "--out", "scores"), "--lines"),
        (("a.txt", "--lines", "--adapt", "counts"), "each line is scored by itself"),
        (("--lines", "--out", "scores"), "name the files"),
        (("--lines", "--shard", "0/2"), "name the files"),
        (("a.txt", "--lines", "--shard", "2/2"), "INDEX/COUNT"),
        (("a.txt", "--worst", "3"), "--lines"),
        (("a.txt", "--lines", "--json", "--format", "tsv"), "--format jsonl"),
        (("a.txt", "--column", "text"), "has no columns"),
        (("a.csv", "a.jsonl", "--column", "text"), "several formats"),
        (("a.parquet", "--column", "text"), "nextchar.ray"),
    ],
)
def test_options_that_make_no_sense_are_refused(desk: Path, arguments: tuple[str, ...], words: str) -> None:
    assert_refused(score(desk, *arguments), 2, words)
