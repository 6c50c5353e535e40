"""Runs that only count: the whole life of one, without torch."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

import nextchar
from nextchar.convert.conversion import convert
from nextchar.errors import ModelFileError, UsageError
from nextchar.model.language_model import LanguageModel
from nextchar.networks.headers import NgramHeader
from nextchar.report.page import render_report
from nextchar.runs.counting_run import CountingRun, new_run, resume_run
from nextchar.runs.folder import RunFolder
from nextchar.runs.texts import Texts
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.training.events import Counted, Event, Finished, Note, Sampled, Saved, TextRead
from tests.command import made_up_text

COUNTS = TrainingSettings(recipe="counts", sample_length=30)


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    """A text in a file."""
    path = tmp_path / "book.txt"
    path.write_text(made_up_text(6000, seed=1))
    return Texts((str(path),), TextSettings())


@pytest.fixture
def folder(tmp_path: Path, texts: Texts) -> RunFolder:
    """The folder of a finished run."""
    folder = RunFolder(tmp_path / "run")
    list(new_run(folder, texts, COUNTS, cache=tmp_path / "cache").events())
    return folder


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events if not isinstance(event, Note)]


def test_a_run_counts_writes_samples_and_keeps_a_model(folder: RunFolder) -> None:
    events = folder.events()
    assert kinds(events) == [TextRead, Counted, *[Sampled] * 4, Saved, Finished]
    counted, finished = (event for event in events if isinstance(event, Counted | Finished))
    assert isinstance(counted, Counted)
    assert isinstance(finished, Finished)
    model = LanguageModel.load(folder.path)
    assert isinstance(model.file.architecture, NgramHeader)
    assert counted.characters == 5400
    assert counted.ngrams == model.file.architecture.ngrams <= 5400
    assert finished.validation_bits_per_character == model.provenance.validation_bits_per_character
    held_out = made_up_text(6000, seed=1)[5400:]
    assert model.bits_per_character(held_out) == pytest.approx(finished.validation_bits_per_character)
    assert "Temperature 0.5" in (folder.path / "samples.md").read_text()


def test_a_text_of_many_lines_has_the_scores_of_held_out_ones(folder: RunFolder) -> None:
    assert LanguageModel.load(folder.path).provenance.held_out_lines is None
    lines = [f"line {number * 7919 % 1000} of many" for number in range(1500)]
    run = new_run(None, Texts(("-",), TextSettings(), BytesIO("\n".join(lines).encode())), COUNTS, cache=folder.path)
    list(run.events())
    model, held_out = run.model, lines[-148:-1]  # the cut is within a line
    found = model.provenance.held_out_lines
    assert found is not None
    assert found.lines == pytest.approx(148, abs=2)
    means = model.score_many(held_out) / [len(line) for line in held_out]
    assert found.threshold(0.5) == pytest.approx(np.median(means), abs=0.05)
    assert found.threshold(1) == pytest.approx(means.max(), abs=0.3)


def test_the_text_can_be_left_out(texts: Texts, tmp_path: Path) -> None:
    without = COUNTS.model_copy(update={"keep_text": False})
    run = new_run(None, texts, without, cache=tmp_path / "cache")
    list(run.events())
    assert run.model.file.text is None


def test_its_model_does_what_every_model_does(folder: RunFolder, tmp_path: Path) -> None:
    model = LanguageModel.load(folder.path)
    text = model.generate("The ", length=100, seed=1)
    assert text == model.generate("The ", length=100, seed=1)
    assert model.generate_many("The ", 3, length=100, seed=1)[0] == text
    assert sum(model.next_character_distribution("The ").values()) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(model.score_many(["The one.", ""])).all()
    assert all(run.end - run.start <= 9 for run in model.copied_runs(model.generate("The ", max_copy=9, seed=1), 1))
    assert model.surprises(text, adapt="counts").shape == (100,)
    assert "n-grams of up to 9 characters" in repr(model)
    convert(folder.path, tmp_path / "page.html")
    assert LanguageModel.load(tmp_path / "page.html").generate("The ", length=100, seed=1) == text
    with pytest.raises(ModelFileError, match="An ONNX file is only for models with an LSTM; this one has only counted"):
        convert(folder.path, tmp_path / "model.onnx")


def test_numpy_and_compiled_loops_write_the_same(folder: RunFolder) -> None:
    model = LanguageModel.load(folder.path)
    logits, state = model.compiled_network.forward(np.array([[1, 2]]), model.compiled_network.initial_state(1))
    expected, _ = model.network.forward(np.array([[1, 2]]), model.network.initial_state(1))
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    assert state.tolist()[0][-2:] == [1, 2]


def test_resuming_counts_again(folder: RunFolder, tmp_path: Path) -> None:
    before, content = folder.events(), folder.model_path.read_bytes()
    run = resume_run(folder, cache=tmp_path / "cache")
    assert isinstance(run, CountingRun)
    list(run.events())
    assert [event for event in folder.events() if isinstance(event, Sampled)] == before[2:6]
    assert LanguageModel.load(folder.path).generate(length=50, seed=1) == _loaded(content, tmp_path).generate(
        length=50, seed=1
    )


def _loaded(content: bytes, tmp_path: Path) -> LanguageModel:
    (tmp_path / "before.safetensors").write_bytes(content)
    return LanguageModel.load(tmp_path / "before.safetensors")


def test_the_report_says_that_the_text_was_counted(folder: RunFolder) -> None:
    page = render_report(folder)
    for words in ("A character-level n-gram model", "The text was counted, and nothing was trained", "of counting"):
        assert words in page
    assert "not finished" not in page


def test_its_plan_cannot_be_followed(folder: RunFolder, texts: Texts, tmp_path: Path) -> None:
    run = new_run(None, texts, TrainingSettings(), like=folder, cache=tmp_path / "cache")
    with pytest.raises(UsageError, match="only counted its text, so it has no plan"):
        list(run.events())


def test_the_memory_has_the_size_asked_for_and_nothing_need_be_held_out() -> None:
    text = made_up_text(6000, seed=1)
    model = nextchar.train(text=text, recipe="counts", memory_size="8kB", validation=0, quiet=True)
    assert isinstance(model.file.architecture, NgramHeader)
    assert model.file.architecture.ngrams <= 2000
    assert model.provenance.validation_bits_per_character is None


def test_several_processes_are_refused(texts: Texts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="counts in one process"):
        new_run(None, texts, COUNTS, cache=tmp_path / "cache")


CODE = """
import sys
sys.modules["torch"] = None  # importing it fails
from nextchar.cli import main
status = main(["train", "book.txt", "--recipe", "counts", "--out", "run", "--sample-length", "20", "--quiet"])
status = status or main(["sample", "run", "--length", "20", "--seed", "1"])
print(status, sys.modules["torch"], any(name.startswith("torch.") for name in sys.modules))
"""


def test_torch_is_not_needed(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(made_up_text(3000, seed=1))
    done = subprocess.run([sys.executable, "-c", CODE], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["0 None False"], done.stderr
