"""The main job through the real command: train, write, score, tell."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.command import Outcome, nextchar
from tests.small_networks import random_model


def written(model: Path, *arguments: object, stdin: bytes = b"") -> str:
    """Return what ``nextchar sample`` writes and check that it says nothing else."""
    outcome = nextchar("sample", model, *arguments, stdin=stdin)
    assert (outcome.status, outcome.stderr) == (0, "")
    return outcome.stdout


def test_the_seed_decides_what_is_written(model: Path) -> None:
    one, same, other = (written(model, "go", "--length", 60, "--seed", seed) for seed in (1, 1, 2))
    assert one == same != other
    assert one.startswith("go")
    assert len(one) == len("go") + 60 + len("\n")
    assert written(model, "go", "--length", 60, "--seed", 1, "--no-echo") == one.removeprefix("go")
    assert len({written(model, "--length", 60) for _ in range(2)}) == 2


def test_the_first_of_several_texts_is_the_single_one(model: Path) -> None:
    several = written(model, "go", "--length", 9, "--seed", 1, "--count", 3, "--temperature", 2)
    single = written(model, "go", "--length", 9, "--seed", 1, "--temperature", 2)
    assert several.startswith(single)
    result = json.loads(written(model, "go", "--length", 9, "--seed", 1, "--count", 3, "--temperature", 2, "--json"))
    assert several == "".join(f"go{text}\n\n" for text in result["texts"])
    assert len(set(result["texts"])) == 3
    assert (result["prompt"], result["prompt_as_read"]) == ("go", "go")
    assert result["settings"]["temperature"] == 2


def test_writing_ends_before_a_stop(model: Path) -> None:
    whole = written(model, "--length", 60, "--seed", 1).removesuffix("\n")
    stop = whole[20:22]
    assert written(model, "--length", 60, "--seed", 1, "--stop", stop) == whole[: whole.index(stop)] + "\n"
    first = min(whole.index(stop), whole.index(whole[9:11]))
    both = ("--stop", stop, "--stop", whole[9:11])
    assert written(model, "--length", 60, "--seed", 1, *both) == whole[:first] + "\n"


def test_greedy_writing_needs_no_seed(model: Path) -> None:
    assert len({written(model, "go", "--temperature", 0, "--length", 30) for _ in range(2)}) == 1


def test_nothing_asked_nothing_written(model: Path) -> None:
    assert written(model, "go", "--length", 0) == "go\n"
    assert written(model, "--length", 0) == written(model, "", "--length", 0) == "\n"


def test_a_prompt_comes_from_standard_input_too(model: Path) -> None:
    assert written(model, "-", "--length", 9, "--seed", 1, stdin="가나 é".encode()) == written(
        model, "가나 é", "--length", 9, "--seed", 1
    )
    assert written(model, "--length", 9, "--seed", 1, "-", stdin=b"go\r\n") == written(
        model, "go\n", "--length", 9, "--seed", 1
    )


def test_many_texts_are_those_written_one_by_one(model: Path) -> None:
    options = ("--seed", 1, "--length", 60, "--temperature", 1, "--json")
    few = json.loads(nextchar("sample", model, "hello", "--count", 3, *options).stdout)["texts"]
    many = json.loads(nextchar("sample", model, "hello", "--count", 9, *options).stdout)["texts"]
    assert len(many) == 9
    assert many[:3] == few


@pytest.fixture(scope="module")
def windowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that reads five characters for each prediction."""
    path = tmp_path_factory.mktemp("model") / "windowed.safetensors"
    file = random_model().file
    replace(file, architecture=file.architecture.model_copy(update={"context_length": 5})).save(path)
    return path


def test_a_windowed_model_may_carry_its_state_which_is_said(windowed: Path, model: Path, tmp_path: Path) -> None:
    options = ("hello", "--seed", 1, "--length", 60)
    plain, carried = (nextchar("sample", windowed, *options, *more) for more in ((), ("--carry-state",)))
    assert plain.stdout != carried.stdout
    assert "trained to read 5 characters" in carried.stderr
    assert carried.stdout == nextchar("sample", model, *options).stdout
    assert "changes nothing" in nextchar("sample", model, *options, "--carry-state").stderr
    text = tmp_path / "text.txt"
    text.write_text("hello world\n" * 20)
    scores = [nextchar("evaluate", windowed, text, *more) for more in ((), ("--carry-state",))]
    assert scores[0].stdout != scores[1].stdout
    assert "trained to read 5 characters" in scores[1].stderr
    assert "5 characters for each prediction" in nextchar("info", windowed).stdout


def test_evaluate_scores_the_held_out_text_as_training_did(
    trained: Outcome, run: Path, text: Path, tmp_path: Path
) -> None:
    held_out = tmp_path / "end.txt"
    held_out.write_text(text.read_text(encoding="utf-8")[27_000:])
    result = json.loads(nextchar("evaluate", run, held_out, "--json").stdout)
    trained_bits = json.loads(trained.stdout)["validation_bits_per_character"]
    assert result["bits_per_character"] == pytest.approx(trained_bits, abs=0.01)
    assert (result["characters"], result["unknown_characters"]) == (3_000, 0)
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes((run / "model.safetensors").read_bytes())
    again = json.loads(nextchar("evaluate", alone, "--json").stdout)
    assert (result["held_out"], again["held_out"]) == (False, True)
    same = ("bits_per_character", "ppmd_bits_per_character", "ngram_bits_per_character", "counted_characters")
    assert [result[name] for name in same] == pytest.approx([again[name] for name in same], abs=1e-6)
    assert result["ppmd_bits_per_character"] < result["ngram_bits_per_character"] < result["bits_per_character"]
    words = nextchar("evaluate", run, "-", stdin=held_out.read_bytes()).stdout
    assert f"bits per character    {result['bits_per_character']:.3f}" in words
