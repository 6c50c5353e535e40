"""The main job through the real command: train, write, score, tell."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from nextchar.model.model_file import ModelFile
from tests.command import SMALL, Outcome, made_up_text, nextchar
from tests.forked import nextchar_forked
from tests.small_networks import random_model


@pytest.fixture(scope="module")
def text(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of a real text."""
    path = tmp_path_factory.mktemp("text") / "plays.txt"
    path.write_text((corpora / "tinyshakespeare.txt").read_text()[:30_000])
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run of these tests is."""
    return tmp_path_factory.mktemp("runs") / "plays"


@pytest.fixture(scope="module")
def trained(text: Path, run: Path) -> Outcome:
    """The run, done."""
    outcome = nextchar("train", text, "--out", run, "--steps", 60, "--evaluations", 3, *SMALL, "--json")
    assert outcome.status == 0, outcome.stderr
    return outcome


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose weights mean nothing."""
    path = tmp_path_factory.mktemp("model") / "any.safetensors"
    random_model().save(path)
    return path


def test_training_tells_what_it_reached(trained: Outcome, run: Path, text: Path) -> None:
    result = json.loads(trained.stdout)
    assert trained.stdout.count("\n") == 1
    assert (result["run"], result["model"]) == (str(run), str(run / "model.safetensors"))
    assert result["corpus"] == [text.name]
    assert (result["characters"], result["training_characters"], result["validation_characters"]) == (
        30_000,
        27_000,
        3_000,
    )
    assert result["vocabulary_size"] == 59
    assert result["parameters"] == sum(
        array.size for array in ModelFile.load(run / "model.safetensors").parameters.values()
    )
    assert 2 < result["validation_bits_per_character"] < 6
    assert result["training_seconds"] > 0
    assert (result["steps"], result["interrupted"]) == (60, False)


def test_training_speaks_on_standard_error(trained: Outcome, run: Path) -> None:
    lines = trained.stderr.splitlines()
    assert "30,000 characters" in lines[0]
    assert "58 distinct" in lines[0]
    assert "LSTM of 16 units" in lines[1]
    assert "bits per character on the held-out text" in lines[2]
    assert lines[-1] == f"nextchar: to write more: nextchar sample {run} --temperature 0.5"
    assert "\x1b" not in trained.stderr


def test_a_run_folder_holds_what_it_should(trained: Outcome, run: Path) -> None:
    files = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert files - {".lock"} == {
        "settings.json",
        "model.safetensors",
        "resume/state.safetensors",
        "events.jsonl",
        "samples.md",
        "report.html",
    }
    assert (run / "samples.md").read_text().count("Temperature 1.2:") == 3


def test_info_tells_the_same(trained: Outcome, run: Path) -> None:
    outcome = nextchar("info", run, "--json")
    facts, result = json.loads(outcome.stdout), json.loads(trained.stdout)
    same = ["validation_bits_per_character", "training_seconds", "characters", "vocabulary_size", "parameters", "seed"]
    assert {name: facts[name] for name in same} == {name: result[name] for name in same}
    assert len(facts["characters_known"]) == 58
    assert outcome.stderr == ""
    words = nextchar("info", run).stdout
    assert "30,000" in words
    assert f"{result['validation_bits_per_character']:.3f} bits per character on 3,000 characters" in words


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


def test_a_report_is_written_anew(trained: Outcome, run: Path) -> None:
    (run / "report.html").unlink()
    outcome = nextchar("report", run)
    assert (outcome.status, outcome.stdout) == (0, f"{run / 'report.html'}\n")
    assert (run / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_corpora_are_listed() -> None:
    listed = json.loads(nextchar("corpora", "--json").stdout)["corpora"]
    names = [entry["name"] for entry in listed]
    assert {"python-docs", "nietzsche", "tinyshakespeare"} <= set(names)
    words = nextchar("corpora").stdout
    assert all(name in words for name in names)


def test_without_a_name_runs_are_numbered(tmp_path: Path) -> None:
    (tmp_path / "my book.txt").write_text(made_up_text())
    for name in ("my book", "my book-2"):
        asked = ("train", "my book.txt", "--steps", 2, *SMALL)
        outcome = nextchar_forked(*asked, cwd=tmp_path, output=tmp_path / "output")
        assert outcome.status == 0
        assert outcome.stdout == ""
        assert (tmp_path / "runs" / name / "model.safetensors").exists()
        assert f"nextchar sample 'runs/{name}'" in outcome.stderr


def test_quiet_is_quiet(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(made_up_text())
    asked = ("train", tmp_path / "book.txt", "--out", tmp_path / "run", "--steps", 2, *SMALL, "--quiet")
    outcome = nextchar_forked(*asked, output=tmp_path)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "")


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


def test_the_classic_example_is_there_with_all_its_numbers(corpora: Path, tmp_path: Path) -> None:
    options = ("--lowercase", "--steps", 2, "--sample-length", 3, "--gpu-memory-fraction", 0.9)
    outcome = nextchar("train", "nietzsche", "--recipe", "classic", *options, "--out", tmp_path / "run", "--json")
    assert outcome.status == 0, outcome.stderr
    assert "600,893 characters, 57 distinct; nothing is held out" in outcome.stderr
    assert "200,278 windows of 60 characters, one every 3" in outcome.stderr
    assert repr("the slowly ascending ranks and classes, in which,\nthrough fo") in outcome.stderr
    assert "--gpu-memory-fraction has no effect" in outcome.stderr
    result = json.loads(outcome.stdout)
    assert (result["recipe"], result["vocabulary_size"], result["context_length"]) == ("classic", 57, 60)
    assert (result["hidden"], result["embedding"], result["parameters"]) == ([128], None, 102_585)
    assert result["validation_bits_per_character"] is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--recipe", "baroque"), "baroque"),
        (("--recipe", "classic", "--weight-decay", 0.1), "no weight decay"),
        (("--recipe", "classic", "--min-count", 2), "--min-count"),
        (("--recipe", "classic", "--window", 4096), "shorter --window"),
        (("--gpu-memory-fraction", 1.5), "gpu_memory_fraction"),
    ],
)
def test_what_the_classic_recipe_cannot_do_is_said(options: tuple[object, ...], said: str, tmp_path: Path) -> None:
    text = tmp_path / "short.txt"
    text.write_text("the cat sat on the mat. " * 50)
    outcome = nextchar("train", text, "--out", tmp_path / "run", *options)
    assert outcome.status in {1, 2}
    assert said in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not (tmp_path / "run").exists()


def test_demo_leaves_a_page_that_writes(tmp_path: Path) -> None:
    done = nextchar("demo", "--time", "1s", "--out", str(tmp_path / "demo"))
    page = tmp_path / "demo" / "story.html"
    assert done.status == 0
    assert str(page) in done.stderr.replace("\n", "")
    assert nextchar("sample", str(page), "The ", "--length", "20", "--seed", "1").stdout.startswith("The ")
