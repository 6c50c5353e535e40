"""The main job through the real command: train, write, score, tell."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.command import Outcome, nextchar
from tests.small_networks import random_model


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
    assert "has no effect" in nextchar("sample", model, *options, "--carry-state").stderr
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
    # Training tells what weights that were fitted on the other half give.
    assert trained_bits - 0.05 < result["bits_per_character"] < trained_bits
    assert (result["characters"], result["unknown_characters"]) == (3_000, 0)
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes((run / "model.safetensors").read_bytes())
    again = json.loads(nextchar("evaluate", alone, "--json").stdout)
    assert (result["held_out"], again["held_out"]) == (False, True)
    same = ("bits_per_character", "ppmd_bits_per_character", "ngram_bits_per_character", "counted_characters")
    assert [result[name] for name in same] == pytest.approx([again[name] for name in same], abs=1e-6)
    assert result["ppmd_bits_per_character"] < result["ngram_bits_per_character"]
    assert result["bits_per_character"] < result["ngram_bits_per_character"], "counts and a network, if a poor one"
    words = nextchar("evaluate", run, "-", stdin=held_out.read_bytes()).stdout
    assert f"bits per character    {result['bits_per_character']:.3f}" in words
