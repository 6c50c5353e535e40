"""Runs beside each other: what differs, and whether their scores can be compared."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from nextchar.errors import ModelFileError, RunFolderError
from nextchar.model.comparison import compare_models
from nextchar.runs.comparison import (
    ComparedRun,
    RunComparison,
    about_held_out,
    describe_count,
    differing_settings,
    facts_in_words,
    same_held_out,
    sample_prompt,
    write_samples,
)
from nextchar.runs.folder import RunFolder
from nextchar.runs.run_settings import RunSettings
from nextchar.settings import SamplingSettings, TrainingSettings
from tests.served_page import BITS, SETTINGS, evaluation_events, finished_event, model_of

RUNS = Path(__file__).parents[1] / "data" / "runs"
MEASURED = {"corpus_sha256": "ab" * 32, "training_characters": 900, "validation_characters": 100, "step": 40}


def make_run(path: Path, settings: RunSettings = SETTINGS, *, finished: bool = True, **provenance: object) -> Path:
    """Make a run in the folder ``path`` whose weights mean nothing."""
    folder = RunFolder(path)
    with folder.lock():
        folder.create(settings)
        folder.append([*evaluation_events(0), *([finished_event()] if finished else [])])
        folder.save_model(model_of(**{**MEASURED, **provenance}).file)
    return path


def changed(**plan: object) -> RunSettings:
    assert SETTINGS.plan is not None
    return SETTINGS.model_copy(update={"plan": SETTINGS.plan.model_copy(update=plan)})


@pytest.fixture
def run(tmp_path: Path) -> ComparedRun:
    return ComparedRun.read(make_run(tmp_path / "run"))


def test_a_run_has_its_results(run: ComparedRun) -> None:
    assert (run.short_name, run.bits_per_character, run.seconds, run.step) == ("run", BITS, 41, 40)
    assert run.unfinished is None
    assert run.model_bytes > 1000
    words = dict(facts_in_words([run]))
    assert words["bits per character"] == ["2.600"]
    assert words["held-out text"] == ["100"]
    assert words["training"] == ["41.0 s"]


def test_a_model_file_in_its_run_folder_stands_for_the_run(tmp_path: Path) -> None:
    path = make_run(tmp_path / "run")
    run = ComparedRun.read(path / "model.safetensors")
    assert run.record is not None
    assert run.short_name == "run"


def test_a_model_file_alone_knows_what_it_records(tmp_path: Path) -> None:
    path = tmp_path / "alone.safetensors"
    model_of(**MEASURED, recipe="default", plan={"hidden": [8], "steps": 9}).save(path)
    run = ComparedRun.read(path)
    assert run.record is None
    assert (run.short_name, run.seconds, run.step) == ("alone", 41, 40)
    assert run.settings["recipe"] == "default"
    assert run.settings["hidden"] == [8]
    assert run.settings["started from"] == "nothing"


def test_a_run_that_goes_on_says_so(tmp_path: Path) -> None:
    run = ComparedRun.read(make_run(tmp_path / "run", finished=False))
    assert run.unfinished == "not finished: step 1 of 40"


@pytest.mark.parametrize("name", ["format-1/streams", "format-1/windows", "format-2/streams", "format-2/windows"])
def test_runs_of_every_format_are_read(name: str, tmp_path: Path) -> None:
    copytree(RUNS / name, tmp_path / "run")
    run = ComparedRun.read(tmp_path / "run")
    assert run.settings["seed"] == 3
    assert run.settings["hidden"] == [4]


def test_what_is_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="holds no run"):
        ComparedRun.read(tmp_path)
    path = make_run(tmp_path / "run")
    (path / "settings.json").write_text("{")
    with pytest.raises(RunFolderError, match="damaged"):
        ComparedRun.read(path)
    (path / "model.safetensors").unlink()
    with pytest.raises(ModelFileError, match="before it had a model"):
        ComparedRun.read(path)


def test_only_settings_that_differ_are_listed(run: ComparedRun, tmp_path: Path) -> None:
    settings = changed(hidden=(16,), steps=80, warm_up=4)
    other = ComparedRun.read(make_run(tmp_path / "other", settings, seed=9, corpus=("other.txt",)))
    assert differing_settings([run, run]) == {}
    assert differing_settings([run, other]) == {"texts": ["fox.txt", "other.txt"], "hidden": [[8], [16]]}


def test_what_a_run_cannot_have_is_no_difference(run: ComparedRun, tmp_path: Path) -> None:
    counts = SETTINGS.model_copy(update={"plan": None, "training": TrainingSettings(recipe="counts")})
    other = ComparedRun.read(make_run(tmp_path / "counts", counts))
    assert set(differing_settings([run, other])) == {"recipe"}
    wide = ComparedRun.read(make_run(tmp_path / "wide", changed(hidden=(16,))))
    assert differing_settings([run, other, wide])["hidden"] == [[8], None, [16]]


def test_scores_can_be_compared_on_the_same_text_alone(run: ComparedRun, tmp_path: Path) -> None:
    assert same_held_out([run, run]) is True
    assert about_held_out([run, run]) == []
    differences: list[dict[str, Any]] = [
        {"corpus_sha256": "cd" * 32}, {"validation_characters": 99}, {"lowercase": True}
    ]  # fmt: skip
    for number, difference in enumerate(differences):
        other = ComparedRun.read(make_run(tmp_path / str(number), **difference))
        assert same_held_out([run, other]) is False
        assert "are not the same, so the bits cannot be compared" in about_held_out([run, other])[0]


def test_what_is_not_known_is_not_claimed(tmp_path: Path) -> None:
    unknown = ComparedRun.read(make_run(tmp_path / "run", corpus_sha256=None))
    assert same_held_out([unknown, unknown]) is None
    assert "is not known" in about_held_out([unknown, unknown])[0]
    nothing = ComparedRun.read(make_run(tmp_path / "all", validation_bits_per_character=None))
    assert "Nothing was held out" in about_held_out([nothing, nothing])[0]


def test_all_continue_the_same_prompt_with_the_same_seed(run: ComparedRun, tmp_path: Path) -> None:
    path = tmp_path / "alone.safetensors"
    model_of(seed=1).save(path)
    runs = [ComparedRun.read(path), run]
    prompt, sampling = sample_prompt(runs), SamplingSettings(length=30, seed=3)
    assert prompt == "the fox"
    assert sample_prompt(runs[:1]) == ""
    texts = write_samples(runs, prompt, sampling)
    assert texts == [each.model.generate(prompt, length=30, seed=3) for each in runs]
    assert texts[0] != texts[1]


def test_everything_is_plain_values_for_json(run: ComparedRun) -> None:
    scores = compare_models([run.model, run.model], ["the fox"], 7)
    sampling = SamplingSettings(length=3, seed=1)
    values = RunComparison([run, run], "the", sampling, ["abc", "def"], "fox.txt", scores).as_json()
    assert values["same_held_out_text"] is True
    assert values["differing_settings"] == {}
    assert values["sampling"] == {"length": 3, "temperature": 0.5, "seed": 1}
    assert [entry["sample"] for entry in values["runs"]] == ["abc", "def"]
    assert values["runs"][0]["validation_bits_per_character"] == BITS
    assert values["scores"]["scores"][1]["difference"] == 0


@pytest.mark.parametrize(
    ("count", "words"), [(92_897, "92,897"), (999_999, "999,999"), (1_234_567, "1.23 M"), (2_500_000_000, "2.5 G")]
)
def test_counts_are_short(count: int, words: str) -> None:
    assert describe_count(count) == words
