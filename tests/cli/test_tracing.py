"""Marks around what is copied, and the list of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nextchar.cli.dashes import DEFAULTS, as_tokens
from nextchar.cli.tracing import BRACKETS, COLOURS, marked, traced
from nextchar.model.language_model import LanguageModel
from nextchar.settings import MIN_RUN
from nextchar.text.documents import CopiedRun, Place
from tests.command import nextchar
from tests.small_networks import model_with_text, random_model

TEXT = "the old fox\nand the hen\n"
PLACE = Place("fox.txt", 1)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return model_with_text(TEXT)


def test_runs_are_marked_with_brackets_or_colours() -> None:
    runs = [CopiedRun(2, 5, 3, PLACE), CopiedRun(5, 8, 4, PLACE)]
    assert marked("x abc\nd", runs[:1], BRACKETS) == "x [[abc]]\nd"
    assert marked("x abc\nde", runs, BRACKETS) == "x [[abc]][[\nde]]"
    begin, end = COLOURS
    assert marked("x ab\nc", [CopiedRun(2, 6, 4, PLACE)], COLOURS) == f"x {begin}ab{end}\n{begin}c{end}"
    assert marked("x", [], BRACKETS) == "x"


def test_each_run_is_listed_with_its_place(model: LanguageModel) -> None:
    shown = traced(model, "the", " old fox\nand hen", 5, echo=True)
    assert shown == (
        "[[the old fox\nand ]]hen\n\nCopied, in runs of 5 characters or more:\n"
        "  fox.txt, line 1: 'the old fox\\nand ' (16 characters)"
    )
    shown = traced(model, "the", " old fox\nand hen", 5, echo=False)
    assert shown.startswith("[[ old fox\nand ]]hen\n\n")
    assert shown.endswith("  fox.txt, line 1: ' old fox\\nand ' (the last 13 of 16 characters)")
    assert traced(model, "", "hens", 5, echo=True) == "hens\n\nNothing is copied in runs of 5 characters or more."


def test_colours_are_for_terminals_and_those_who_ask(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert COLOURS[0] in traced(model, "", "the old", 5, echo=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "[[the old]]" in traced(model, "", "the old", 5, echo=True)


def test_the_number_of_trace_may_be_left_out() -> None:
    assert {"--trace": str(MIN_RUN)} == DEFAULTS
    assert as_tokens(["sample", "m", "--trace"]) == ["sample", "m", "--trace", "20"]
    assert as_tokens(["sample", "m", "--trace", "30", "x"]) == ["sample", "m", "--trace", "30", "x"]
    assert as_tokens(["sample", "--trace", "m", "--count", "2"]) == ["sample", "--trace", "20", "m", "--count", "2"]
    assert as_tokens(["sample", "m", "--", "--trace"]) == ["sample", "m", "--", "--trace"]
    assert as_tokens(["sample", "m", "--trace=30"]) == ["sample", "m", "--trace=30"]


def test_the_command_traces_and_limits(model: LanguageModel, tmp_path: Path) -> None:
    path = tmp_path / "fox.safetensors"
    model.save(path)
    options = ("the old", "--length", 60, "--seed", 1, "--temperature", 1)
    outcome = nextchar("sample", path, *options, "--trace", 5)
    assert (outcome.status, outcome.stderr) == (0, "")
    plain = model.generate("the old", length=60, seed=1, temperature=1.0)
    assert outcome.stdout == traced(model, "the old", plain, 5, echo=True) + "\n"
    outcome = nextchar("sample", path, *options, "--max-copy", 8, "--trace", 5, "--json")
    answer = json.loads(outcome.stdout)
    limited = model.generate("the old", length=60, seed=1, temperature=1.0, max_copy=8)
    assert answer["texts"] == [limited]
    runs = model.copied_runs(limited, 5, prompt="the old")
    assert answer["copied"] == [[run.as_json() for run in runs]]
    assert all(run.length <= 8 for run in runs)
    assert answer["settings"]["max_copy"] == 8


@pytest.mark.parametrize("option", [("--trace",), ("--max-copy", "9")])
def test_without_the_text_the_error_says_what_to_do(tmp_path: Path, option: tuple[str, ...]) -> None:
    path = tmp_path / "any.safetensors"
    random_model().save(path)
    outcome = nextchar("sample", path, "--length", 9, *option)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "does not have its training text" in outcome.stderr.replace("\n", " ")
    assert nextchar("sample", path, "--trace", 0).status == nextchar("sample", path, "--max-copy", 0).status == 2
