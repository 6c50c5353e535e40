"""`nextchar rank`: candidates in, candidates out, the most probable first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import Outcome, assert_refused, nextchar, running
from tests.small_networks import random_model

TEXTS = ["so it goes", "goes it so", "so", "it goes on and on"]
ORDER = [candidate["text"] for candidate in random_model().rank(TEXTS)]


def rank(model: Path, lines: list[Any], *arguments: object) -> Outcome:
    return nextchar("rank", model, *arguments, stdin="".join(json.dumps(line) + "\n" for line in lines).encode())


def objects(outcome: Outcome) -> list[Any]:
    assert outcome.status == 0, outcome.stderr
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def test_the_candidates_of_a_line_come_back_in_order(model: Path) -> None:
    given = {"id": 7, "reference": "so é", "candidates": TEXTS}
    (answer, empty) = objects(rank(model, [given, {"candidates": []}]))
    assert {name: answer[name] for name in ("id", "reference")} == {"id": 7, "reference": "so é"}
    expected = random_model().rank(TEXTS)
    assert [candidate["text"] for candidate in answer["candidates"]] == ORDER
    for candidate, same in zip(answer["candidates"], expected, strict=True):
        assert candidate == {"text": same["text"], "log_probability": pytest.approx(same["log_probability"], abs=1e-3),
                             "total": pytest.approx(same["total"], abs=1e-3)}  # fmt: skip
    assert empty == {"candidates": []}


def test_lines_of_one_id_are_a_group(model: Path, tmp_path: Path) -> None:
    lines = [{"id": key, "text": text, "at": at} for key in ("a", "b", "a") for at, text in enumerate(TEXTS)]
    file = tmp_path / "n-best.jsonl"
    file.write_text("\n\n".join(map(json.dumps, lines)), encoding="utf-8")
    answer = objects(nextchar("rank", model, file))
    assert [row["id"] for row in answer] == ["a"] * 4 + ["b"] * 4 + ["a"] * 4
    assert [row["text"] for row in answer] == ORDER * 3
    assert all(row["text"] == TEXTS[row["at"]] for row in answer)


def test_given_scores_have_weights(model: Path) -> None:
    candidates = [{"hyp": text, "acoustic": -5 * n, "cost": n} for n, text in enumerate(TEXTS)]
    (answer,) = objects(
        rank(model, [{"candidates": candidates}], "--weight", "acoustic=9", "--weight=cost=-1", "--text-field", "hyp")
    )
    assert [candidate["hyp"] for candidate in answer["candidates"]] == TEXTS
    for candidate in answer["candidates"]:
        total = candidate["log_probability"] + 9 * candidate["acoustic"] - candidate["cost"]
        assert candidate["total"] == pytest.approx(total)


def test_groups_of_a_pipe_are_answered_as_they_come(model: Path) -> None:
    with running("rank", model, stdin=-1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in ("so", "it"):
            process.stdin.write(json.dumps({"candidates": [text]}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["candidates"][0]["text"] == text


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        ("{", (), ("Line 1 of ", "n-best.jsonl: it is not JSON")),
        ("\n[1]", (), ("Line 2 of ", '"candidates"', "--id-field")),
        ('{"text": "so"}', (), ('"id"', "--id-field")),
        ('{"candidates": [3]}', (), ("not 3",)),
        ('{"candidates": ["so"]}', ("--weight", "cost=1"), ("has no 'cost'",)),
        ("", ("--weight", "cost"), ("NAME=NUMBER",)),
        ("", ("--weight", "cost=much"), ("'cost=much'",)),
    ],
)
def test_what_cannot_be_ranked_is_refused(
    model: Path, tmp_path: Path, content: str, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    file = tmp_path / "n-best.jsonl"
    file.write_text(content)
    assert_refused(nextchar("rank", model, file, *arguments), 2 if content == "" else 1, *words)


def test_a_missing_file_is_named(model: Path, tmp_path: Path) -> None:
    assert_refused(nextchar("rank", model, tmp_path / "no-such-file"), 1, "no-such-file")
