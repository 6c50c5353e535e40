"""`nextchar list`: as many entries as asked for, or a sentence."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nextchar.cli import main
from nextchar.model.kept_text import KeptText
from nextchar.model.language_model import LanguageModel
from nextchar.settings import TokenKind
from nextchar.text.documents import SourceText
from tests.command import Outcome, assert_refused, nextchar
from tests.exact_lists import CHARACTERS, MODEL, model_of_list


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a small model, and with one that has its training list."""
    vocabulary = MODEL.file.characters_for("A test")
    source = SourceText(vocabulary.encode("a\nb\nbab\n"), (), vocabulary)
    MODEL.save(tmp_path / "model.safetensors")
    LanguageModel(replace(MODEL.file, text=KeptText.of(source))).save(tmp_path / "listed.safetensors")
    return tmp_path


def listed(desk: Path, *arguments: object, model: str = "model.safetensors") -> Outcome:
    return nextchar("list", model, *arguments, cwd=desk)


def test_entries_are_those_of_the_model(desk: Path) -> None:
    expected = [entry.text for entry in MODEL.list(count=30, seed=4, max=6)]
    assert listed(desk, "--count", 30, "--seed", 4, "--max", 6) == Outcome(0, "\n".join(expected) + "\n", "")


def test_bits_follow_a_tab(desk: Path) -> None:
    expected = [f"{text}\t{bits:.3f}" for text, bits in MODEL.list(count=5, best=True)]
    assert listed(desk, "--count", 5, "--best", "--bits").stdout.splitlines() == expected


def test_a_table_has_a_head(desk: Path) -> None:
    plain = listed(desk, "--count", 3, "--seed", 1, "--format", "csv")
    entries = [entry.text for entry in MODEL.list(count=3, seed=1)]
    assert plain.stdout.splitlines() == ["text", *entries]
    rows = list(csv.reader(io.StringIO(listed(desk, "--count", 2, "--best", "--format", "csv", "--bits").stdout)))
    assert rows[0] == ["text", "bits"]
    assert [float(bits) for _, bits in rows[1:]] == pytest.approx(
        [entry.bits for entry in MODEL.list(count=2, best=True)], abs=5e-4
    )


def test_json_says_what_was_refused(desk: Path) -> None:
    outcome = listed(desk, "--count", 20, "--seed", 2, "--ends", "b,ca", "--max", 4, "--format", "json")
    answer = json.loads(outcome.stdout)
    assert outcome.status == 0
    assert len(answer["entries"]) == 20
    assert all(entry["text"].endswith(("b", "ca")) for entry in answer["entries"])
    assert answer["drawn"] == 20 + sum(answer["refused"].values())
    assert answer["shortfall"] is None
    assert answer["settings"]["seed"] == 2
    assert answer["settings"]["ends"] == ["b", "ca"]


@pytest.mark.parametrize("several", [("--starts", "a,cb"), ("--starts", "a", "--starts", "cb")])
def test_several_texts_are_given_with_commas_or_one_by_one(desk: Path, several: tuple[str, ...]) -> None:
    lines = listed(desk, "--count", 50, "--seed", 0, *several).stdout.splitlines()
    assert {line[0] for line in lines} == {"a", "c"}
    assert all(line.startswith(("a", "cb")) for line in lines)


def test_a_short_list_is_printed_with_a_sentence_and_a_status_of_its_own(desk: Path) -> None:
    outcome = listed(desk, "--count", 20, "--max", 1, "--unique")
    assert outcome.status == 1
    assert sorted(outcome.stdout.splitlines()) == ["a", "b", "c"]
    assert outcome.stderr.startswith("nextchar: Only 3 of 20 entries: after ")
    assert outcome.stderr.count("\n") == 1
    as_json = listed(desk, "--count", 20, "--max", 1, "--unique", "--format", "json")
    assert as_json.status == 1
    assert json.loads(as_json.stdout)["shortfall"].startswith("Only 3 of 20 entries")


def test_new_entries_are_not_in_the_training_list(desk: Path) -> None:
    outcome = listed(desk, "--count", 100, "--new", "--max", 4, model="listed.safetensors")
    assert outcome.status == 0
    assert not {"a", "b", "bab"} & set(outcome.stdout.splitlines())
    assert_refused(listed(desk, "--new"), 2, "does not have its training text")


def test_a_note_says_that_held_out_entries_are_not_known(desk: Path) -> None:
    file = LanguageModel.load(desk / "listed.safetensors").file
    provenance = file.provenance.model_copy(update={"validation_characters": 9})
    LanguageModel(replace(file, provenance=provenance)).save(desk / "scored.safetensors")
    outcome = listed(desk, "--count", 2, "--new", model="scored.safetensors")
    assert outcome.status == 0
    assert outcome.stderr == (
        "nextchar: new entries may be in the part of the list that was held out: the model file does not have it\n"
    )


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--starts", "z"), 1, "the model does not know 'z'"),
        (("--starts", "a,,b"), 2, "--starts ''"),
        (("--min", "3", "--max", "2"), 2, "--min 3 is more than --max 2"),
        (("--like", "("), 2, "is not a regular expression"),
        (("--best", "--temperature", "1"), 2, "--best draws nothing"),
        (("--format", "xml"), 2, "xml"),
    ],
)
def test_what_makes_no_sense_is_refused(desk: Path, arguments: tuple[str, ...], status: int, words: str) -> None:
    assert_refused(listed(desk, *arguments), status, words)


def test_held_out_entries_of_a_run_are_not_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [first + second for first in "abcdefgh" for second in "abcdefgh"]
    Path("pairs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["train", "pairs.txt", "--recipe", "counts", "--out", "pairs"]) == 0
    capsys.readouterr()
    command = ["list", "pairs", "--count", "50", "--min", "2", "--max", "2", "--seed", "0", "--max-draws", "3000"]
    # Without the text of the run, those held out would be new to the model.
    assert {entry.text for entry in LanguageModel.load("pairs").list(count=2000, new=True, seed=0)} & set(lines)
    assert main([*command, "--new"]) == 1
    shown = capsys.readouterr()
    assert not set(shown.out.splitlines()) & set(lines)
    assert "in the training list" in shown.err


def test_what_the_model_does_not_know_is_read_as_what_is_near(desk: Path) -> None:
    expected = [entry.text for entry in MODEL.list(count=5, seed=4, starts=("a", "b"))]
    outcome = listed(desk, "--count", 5, "--seed", 4, "--starts", "A,b")
    assert outcome.stdout.splitlines() == expected
    assert outcome.stderr == "nextchar: the model does not know all of --starts A,b: it reads a,b\n"


def test_a_label_that_the_model_does_not_know_is_refused(desk: Path) -> None:
    assert_refused(listed(desk, "--label", "elf"), 2, "trained without labels")


@pytest.mark.parametrize("kind", CHARACTERS)
def test_a_model_of_any_kind_of_tokens_lists(tmp_path: Path, kind: TokenKind) -> None:
    model, starts = model_of_list(kind), CHARACTERS[kind][:2]
    model.save(tmp_path / "model.safetensors")
    options: dict[str, Any] = {"count": 12, "max": 4, "allowed": CHARACTERS[kind]}
    expected = [entry.text for entry in model.list(seed=4, starts=tuple(starts), **options)]
    given = [each for name, value in options.items() for each in (f"--{name}", value)]
    outcome = listed(tmp_path, *given, "--seed", 4, "--starts", ",".join(starts))
    assert outcome == Outcome(0, "\n".join(expected) + "\n", "")
    best = [f"{text}\t{bits:.3f}" for text, bits in model.list(best=True, **options)]
    assert listed(tmp_path, *given, "--best", "--bits").stdout.splitlines() == best
