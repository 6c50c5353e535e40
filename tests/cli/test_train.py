"""`nextchar train` and `nextchar demo`."""

import json
from pathlib import Path

import pytest

from nextchar.model.model_file import ModelFile
from nextchar.networks.headers import BlendHeader
from tests.command import SMALL, Outcome, made_up_text, nextchar
from tests.forked import nextchar_forked


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
    header = ModelFile.load(run / "model.safetensors").architecture
    assert isinstance(header, BlendHeader)
    assert result["parameters"] == header.network.parameter_count + result["ngrams"] + result["words"]
    assert result["words"] > 0
    assert result["ngrams"] == header.ngrams > 1000
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


def test_a_list_is_noticed_unless_the_command_decides(tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("\n".join(f"name {number}" for number in range(250)), encoding="utf-8")
    for option, is_list in (((), True), (("--lines",), True), (("--prose",), None)):
        out = tmp_path / "".join(("run", *option))
        outcome = nextchar_forked("train", names, "--recipe", "counts", *option, "--out", out, output=tmp_path)
        assert outcome.status == 0
        assert ("is a list" in outcome.stderr) is (option == ())
        header = ModelFile.load(out / "model.safetensors").architecture
        assert (header.line_end is not None) is bool(is_list)
        assert ("bits per line" in outcome.stderr) is bool(is_list)


def test_labels_without_a_column_of_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("name,kind\nThorin,dwarf\n", encoding="utf-8")
    options = ("--label-column", "kind", "--out", tmp_path / "run")
    outcome = nextchar_forked("train", tmp_path / "people.csv", *options, output=tmp_path)
    assert outcome.status == 2
    assert "--column too" in outcome.stderr
