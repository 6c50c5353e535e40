"""`nextchar who`: which of several models a text is most like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import nextchar as package
from nextchar.model.authorship import Authors
from nextchar.text.byte_tokenizer import ESCAPE
from tests.command import Outcome, assert_refused, made_up_text, nextchar
from tests.small_networks import random_model

NAMES = ("ann", "ben")
KOREAN = "옛날 옛적에 곰이 살았습니다. 곰은 마늘을 먹었습니다.\n" * 3


def text_of(author: int, start: int, size: int = 600) -> str:
    """Return lines of an author, the same for the same ``start``; what stands from 5,400 on is held out."""
    return made_up_text(12_000, seed=author)[start : start + size].partition("\n")[2]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of each author and texts that they have not learned from."""
    folder = tmp_path_factory.mktemp("authors")
    for author, name in enumerate(NAMES):
        book = folder / f"{name}.txt"
        book.write_text(made_up_text(6_000, seed=author))
        package.train(book, recipe="counts", out=folder / "runs" / name, quiet=True)
        texts = folder / "texts" / name
        texts.mkdir(parents=True)
        for number in range(2):
            (texts / f"{number}.txt").write_text(text_of(author, 7_000 + 1_000 * number))
    (folder / "texts" / "none").mkdir()
    (folder / "texts" / "none" / "korean.txt").write_text(KOREAN, encoding="utf-8")
    (folder / "texts" / "loose.txt").write_text(text_of(0, 10_000))
    return folder


def who(desk: Path, *arguments: object) -> Outcome:
    return nextchar("who", *arguments, "runs/ann", "runs/ben", cwd=desk)


def answer_of(outcome: Outcome) -> Any:
    assert outcome.status == 0, outcome.stderr
    return json.loads(outcome.stdout.splitlines()[-1])


def test_the_author_of_a_text_is_told(desk: Path) -> None:
    outcome = who(desk, "texts/ben/0.txt")
    assert outcome.status == 0, outcome.stderr
    facts = dict(line.split(None, 1) for line in outcome.stdout.splitlines())
    assert facts["author"] == "ben"
    assert facts["ben"].startswith("> 99.9 %")
    assert facts["ann"].startswith("< 0.1 %")
    assert facts["calibrated"] == "on held-out text of ann, ben"


def test_json_has_the_answer_of_the_library(desk: Path) -> None:
    text = (desk / "texts/ben/0.txt").read_text()
    models = {name: package.load(desk / "runs" / name) for name in NAMES}
    expected = Authors(models).attribute(text).as_json()
    answer = answer_of(who(desk, "texts/ben/0.txt", "--lines", "--json", "--no-calibration"))
    assert answer.pop("calibrated_on") == []
    assert answer.keys() == expected.keys()
    assert answer["bits_per_character"] == pytest.approx(expected["bits_per_character"], rel=1e-4)
    assert answer["posterior"] == pytest.approx(expected["posterior"], abs=1e-4)
    assert [line["text"] for line in answer["lines"]] == text.splitlines()
    assert "lines" not in answer_of(who(desk, "texts/ben/0.txt", "--json"))


def test_lines_follow_with_their_authors(desk: Path) -> None:
    mixed = desk / "mixed.txt"
    lines = [text_of(author, 9_000).splitlines()[1] for author in (0, 1, 0)]
    mixed.write_text("\n".join([*lines, "", KOREAN]), encoding="utf-8")
    shown = who(desk, "mixed.txt", "--lines").stdout.partition("\n\n")[2].splitlines()
    assert [line.split()[0] for line in shown if line] == ["ann", "ben", "ann", *["none"] * 3]
    assert [line.partition(" %  ")[2] for line in shown[:3]] == lines


def test_a_line_cannot_command_the_terminal(desk: Path) -> None:
    (desk / "hostile.txt").write_text("a\x1b[2Jb\u202ec\n", encoding="utf-8")
    outcome = who(desk, "hostile.txt", "--lines", "--no-calibration")
    assert outcome.status == 0, outcome.stderr
    assert outcome.stdout.splitlines()[-1].endswith("a<U+001B>[2Jb<U+202E>c")


def test_a_folder_gives_a_table_of_who_was_taken_for_whom(desk: Path) -> None:
    outcome = who(desk, "texts")
    rows = [line.split("\t") for line in outcome.stdout.splitlines() if "\t" in line]
    assert {row[2]: row[0] for row in rows} == {
        "ann/0.txt": "ann", "ann/1.txt": "ann", "ben/0.txt": "ben", "ben/1.txt": "ben", "loose.txt": "ann",
        "none/korean.txt": "none",
    }  # fmt: skip
    table = outcome.stdout.partition("written by")[2].splitlines()
    assert [line.split() for line in table[1:4]] == [
        ["ann", "2", "0", "0"],
        ["ben", "0", "2", "0"],
        ["none", "0", "0", "1"],
    ]
    assert table[4] == "5 of 5 correct: 100.0%"
    answer = answer_of(who(desk, "texts", "--json"))
    assert answer["confusion"] == {"ann": {"ann": 2}, "ben": {"ben": 2}, "none": {"none": 1}}
    assert (answer["judged"], answer["correct"], answer["accuracy"]) == (5, 5, 1.0)
    assert {text["text"]: text["truth"] for text in answer["texts"]}["loose.txt"] is None


def test_a_given_text_calibrates_a_model_without_a_run(desk: Path) -> None:
    random_model().save(desk / "any.safetensors")
    bare = nextchar("who", "texts/ann/0.txt", "any.safetensors", "runs/ben", cwd=desk)
    assert "not judged: it is not known how any fares on its own text (--calibrate)" in bare.stdout
    assert "on held-out text of ben" in bare.stdout
    outcome = nextchar(
        "who",
        "texts/ann/0.txt",
        "any.safetensors",
        "runs/ben",
        "--calibrate",
        "any=texts/ann/1.txt",
        "--json",
        cwd=desk,
    )
    answer = answer_of(outcome)
    assert answer["calibrated_on"] == ["any", "ben"]
    assert answer["deviations"]["any"] is not None


def test_one_model_fits_or_does_not(desk: Path) -> None:
    for text, author in (("texts/ann/0.txt", "ann"), ("texts/none/korean.txt", "none of them, but most like ann")):
        facts = dict(line.split(None, 1) for line in nextchar("who", text, "runs/ann", cwd=desk).stdout.splitlines())
        assert facts["author"] == author
        assert "%" not in facts["ann"]


def test_standard_input_is_read(desk: Path) -> None:
    outcome = nextchar("who", "-", "runs/ann", "runs/ben", stdin=text_of(1, 8_000).encode(), cwd=desk)
    assert outcome.stdout.split()[:2] == ["author", "ben"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("texts/loose.txt",), 2, ("nextchar who TEXT MODEL MODEL",)),
        (("texts/loose.txt", "runs/an"), 1, ("runs/an", "runs/ann")),
        (("missing.txt", "runs/ann"), 1, ("missing.txt",)),
        (("texts/loose.txt", "runs/ann", "--calibrate", "cat=texts/loose.txt"), 2, ("names no model", "ann")),
        (("texts/loose.txt", "runs/ann", "--calibrate", "ann"), 2, ("NAME=FILE",)),
    ],
)
def test_what_cannot_be_told_is_refused(
    desk: Path, arguments: tuple[str, ...], status: int, words: tuple[str, ...]
) -> None:
    assert_refused(nextchar("who", *arguments, cwd=desk), status, *words)


@pytest.fixture(scope="module")
def bytes_desk(desk: Path) -> Path:
    """Runs of bytes on two files that are no text, and another file like each."""
    for number, name in enumerate(("even", "odd")):
        content = b"".join(bytes([0, 255, 2 * n + number, 200 + number, 10]) for n in range(100)) * 12
        (desk / f"{name}.bin").write_bytes(content)
        package.train(desk / f"{name}.bin", recipe="counts", tokens="bytes", out=desk / "runs" / name, quiet=True)
        folder = desk / "files" / name
        folder.mkdir(parents=True)
        (folder / "new.bin").write_bytes(content[1000:1900])
    return desk


def test_models_of_bytes_read_any_file(bytes_desk: Path) -> None:
    models = ("runs/even", "runs/odd")
    for name in ("even", "odd"):
        outcome = nextchar("who", f"files/{name}/new.bin", *models, "--lines", "--json", cwd=bytes_desk)
        answer = answer_of(outcome)
        assert answer["author"] == name
        content = (bytes_desk / "files" / name / "new.bin").read_bytes()
        expected = package.load(bytes_desk / "runs" / name).bits_per_character(content.decode("utf-8", ESCAPE))
        assert answer["bits_per_character"][name] == pytest.approx(expected, rel=1e-4)
        assert answer["lines"][1]["text"].startswith("\\x00\\xff")
        piped = nextchar("who", "-", *models, "--json", cwd=bytes_desk, stdin=content)
        assert answer_of(piped)["author"] == name
    table = answer_of(nextchar("who", "files", *models, "--json", cwd=bytes_desk))
    assert (table["judged"], table["correct"]) == (2, 2)
    shown = nextchar("who", "files/odd/new.bin", *models, "--lines", cwd=bytes_desk)
    assert "\\x00\\xff" in shown.stdout
    given = nextchar("who", "files/odd/new.bin", *models, "--calibrate", "odd=odd.bin", "--json", cwd=bytes_desk)
    assert "odd" in answer_of(given)["calibrated_on"]


def test_models_that_disagree_read_text(bytes_desk: Path) -> None:
    models = ("runs/ann", "runs/odd")
    assert answer_of(nextchar("who", "texts/ann/0.txt", *models, "--json", cwd=bytes_desk))["author"] == "ann"
    for order in (models, models[::-1]):
        refused = nextchar("who", "files/odd/new.bin", *order, cwd=bytes_desk)
        assert_refused(refused, 1, "new.bin is not text")
        assert "and ann can only read text: give its --encoding" in refused.stderr


def test_models_that_disagree_are_compared_on_text(bytes_desk: Path) -> None:
    (bytes_desk / "latin.txt").write_bytes(("caf\xe9, d\xe9j\xe0 vu et tr\xe8s fran\xe7ais. " * 30).encode("latin-1"))
    found: list[dict[str, float]] = []
    for first, second in (("runs/ann", "runs/odd"), ("runs/odd", "runs/ann")):
        outcome = nextchar("evaluate", first, "latin.txt", "--compare", second, "--json", cwd=bytes_desk)
        answer = answer_of(outcome)
        bits = [score["bits_per_character"] for score in answer["scores"]]
        found.append(dict(zip(answer["models"], bits, strict=True)))
    assert found[0] == pytest.approx(found[1])
