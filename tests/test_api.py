"""The door for Python: train, load, and what is loaded when."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import nextchar
from nextchar.errors import ModelFileError, RunFolderError, TextError, UsageError
from nextchar.runs.folder import RunFolder
from nextchar.training.events import Evaluated, Event, Finished, Planned, Progress, Sampled, Saved, TextRead, Writing
from tests.command import PATIENCE, SMALL, environment, made_up_text
from tests.command import nextchar as command
from tests.small_networks import random_model

TEXT = made_up_text()
TINY: dict[str, Any] = {"hidden": 16, "streams": 4, "window": 16, "threads": 1, "sample_length": 10, "steps": 40}


def test_a_text_becomes_a_model_that_writes_scores_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model = nextchar.train(text=TEXT, quiet=True, seed=5, **TINY)
    assert capsys.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())
    assert isinstance(model, nextchar.LanguageModel)
    assert model.provenance.characters == len(TEXT)
    assert model.bits_per_character(TEXT) < 5
    model.save("model.safetensors")
    loaded = nextchar.load("model.safetensors")
    for one in (model, loaded):
        assert one.generate("The", seed=1, length=30) == model.generate("The", seed=1, length=30)
        assert "".join(one.stream("The", seed=1, length=30)) == model.generate("The", seed=1, length=30)
    distribution = loaded.next_character_distribution("T")
    assert sum(distribution.values()) == pytest.approx(1)
    assert set(distribution) == set(TEXT[: int(len(TEXT) * 0.9)])


def test_the_same_seed_gives_the_same_model() -> None:
    one, same, other = (nextchar.train(text=TEXT, quiet=True, seed=seed, **TINY) for seed in (5, 5, 6))
    name = "network.output.weight"
    assert one.file.parameters[name].tobytes() == same.file.parameters[name].tobytes()
    assert one.file.parameters[name].tobytes() != other.file.parameters[name].tobytes()


def test_files_and_a_run_folder(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(TEXT)
    run = tmp_path / "run"
    model = nextchar.train(tmp_path / "book.txt", out=run, quiet=True, lowercase=True, validation=0.2, **TINY)
    assert model.provenance.lowercase
    assert model.provenance.validation_characters == 1200
    assert nextchar.load(run).provenance == nextchar.load(str(run / "model.safetensors")).provenance == model.provenance
    with pytest.raises(RunFolderError, match="already"):
        nextchar.train(tmp_path / "book.txt", out=run, quiet=True, **TINY)


def test_events_are_told_instead_of_shown(capsys: pytest.CaptureFixture[str]) -> None:
    events: list[Event] = []
    nextchar.train(text=TEXT, on_event=events.append, evaluations=2, **TINY)
    assert capsys.readouterr() == ("", "")
    kinds = [type(event) for event in events if not isinstance(event, Progress | Saved | Writing)]
    assert kinds == [TextRead, Planned, *2 * [Evaluated, *4 * [Sampled]], Finished]
    assert any(isinstance(event, Progress) for event in events)


def test_progress_is_shown_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    nextchar.train(text=TEXT, **TINY)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "6,000 characters" in captured.err
    assert "Done after" in captured.err


def test_an_interrupted_training_gives_the_best_model_so_far(tmp_path: Path) -> None:
    seen: list[Evaluated] = []

    def interrupt(event: Event) -> None:
        if isinstance(event, Evaluated):
            seen.append(event)
        if isinstance(event, Sampled) and len(seen) == 2:
            raise KeyboardInterrupt

    run = tmp_path / "run"
    model = nextchar.train(text=TEXT, out=run, on_event=interrupt, evaluations=4, **TINY)
    assert model.provenance.step == 20
    assert model.provenance.network_bits_per_character == seen[1].validation_bits_per_character
    assert nextchar.load(run).provenance.step == 20
    checkpoint = RunFolder(run).checkpoint()
    assert checkpoint is not None
    assert checkpoint.state.step in range(10, 21)
    with RunFolder(run).lock(new=False):
        pass


def test_interrupted_without_a_folder_it_still_gives_a_model_with_a_memory() -> None:
    """Which is fitted when the threads of training have ended."""
    seen: list[Evaluated] = []

    def interrupt(event: Event) -> None:
        if isinstance(event, Evaluated):
            seen.append(event)
        if len(seen) == 2:
            raise KeyboardInterrupt

    options: dict[str, Any] = {**TINY, "streams": 8, "threads": 2}
    model = nextchar.train(text=TEXT, on_event=interrupt, evaluations=4, **options)
    assert model.file.has_memory
    assert model.provenance.network_bits_per_character == seen[1].validation_bits_per_character


def test_interrupted_before_there_is_a_model_it_is_an_interruption() -> None:
    def interrupt(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nextchar.train(text=TEXT, on_event=interrupt, **TINY)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"text": TEXT, "hiden": 3}, "'hiden'.*'hidden'"),
        ({"text": TEXT, "lower_case": True}, "'lower_case'"),
        ({"text": TEXT, "hidden": 0}, "hidden = 0"),
        ({"text": TEXT, "time": "soon"}, "'soon'"),
        ({"text": TEXT, "time": "5s", "steps": 3}, "exclude each other"),
        ({}, "mybook.txt"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        nextchar.train(**options)
    if "text" not in options:
        with pytest.raises(UsageError, match=words):
            nextchar.train("book.txt", text=TEXT)


def test_texts_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="no file"):
        nextchar.train(tmp_path / "nowhere", quiet=True)
    with pytest.raises(TextError, match="empty"):
        nextchar.train(text="", quiet=True)
    with pytest.raises(TextError, match="do not decode"):
        nextchar.train(text="a\ud800" * 100, quiet=True)
    with pytest.raises(ModelFileError, match="no model"):
        nextchar.load(tmp_path / "nowhere")


def test_a_text_in_memory_is_never_taken_for_another_encoding() -> None:
    text = "a\0b\0\n\0" * 200
    assert nextchar.train(text=text, quiet=True, **TINY).vocabulary.characters == "\0\nab"


def python(program: str, *, path: Path | None = None) -> str:
    """Return what a program prints, with ``path`` before all other places to import from."""
    before = [str(path)] if path else []
    places = os.pathsep.join([*before, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
        env=environment(PYTHONPATH=places),
    ).stdout


def test_only_public_names_are_listed() -> None:
    assert nextchar.events.Evaluated.__module__ == "nextchar.training.events"
    assert nextchar.__version__ == version("nextchar")
    assert dir(nextchar) == sorted(nextchar.__all__)
    assert all(getattr(nextchar, name) is not None for name in dir(nextchar))


def test_nothing_heavy_is_loaded_before_it_is_used(tmp_path: Path) -> None:
    random_model().save(tmp_path / "model.safetensors")
    program = f"""
import sys
from importlib.metadata import version
import nextchar
print("pydantic" in sys.modules, "numpy" in sys.modules, dir(nextchar).count("train"))
model = nextchar.load({str(tmp_path / "model.safetensors")!r})
model.generate("go", length=5), model.bits_per_character("go"), nextchar.train
print("torch" in sys.modules, "matplotlib" in sys.modules)
"""
    assert python(program) == "False False 1\nFalse False\n"


def test_commands_do_not_load_torch(tmp_path: Path) -> None:
    model, text = tmp_path / "model.safetensors", tmp_path / "book.txt"
    random_model().save(model)
    text.write_text(TEXT)
    commands = [
        ["--help"],
        ["train", "--help"],
        ["sample", model, "go", "--length", "5"],
        ["evaluate", model, text],
        ["info", model],
        ["inspect", text, "--no-forecast"],
        ["corpora"],
    ]
    program = f"""
import sys
from importlib.metadata import version
from nextchar.cli import main
for arguments in {[[str(argument) for argument in command] for command in commands]!r}:
    assert main(arguments) == 0, arguments
    assert "torch" not in sys.modules, arguments
    assert arguments != ["--help"] or "numpy" not in sys.modules
"""
    assert "bits per character" in python(program)


def test_without_torch_all_but_training_works(tmp_path: Path) -> None:
    model, text = tmp_path / "model.safetensors", tmp_path / "book.txt"
    random_model().save(model)
    text.write_text(TEXT)
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text("import sys\nsys.modules['torch'] = None\n")
    places = os.pathsep.join([str(tmp_path / "path"), *filter(None, [os.environ.get("PYTHONPATH")])])
    for arguments in (["sample", model, "go"], ["evaluate", model, text], ["info", model], ["inspect", text]):
        assert command(*arguments, env={"PYTHONPATH": places}).status == 0
    adapting = ["evaluate", model, text, "--adapt", "weights"]
    for arguments in (["train", text, "--out", tmp_path / "run", *SMALL], adapting):
        outcome = command(*arguments, env={"PYTHONPATH": places})
        assert outcome.status == 1
        assert 'pip install "nextchar[train]"' in outcome.stderr.splitlines()[-1]
        assert "Traceback" not in outcome.stderr
    assert not (tmp_path / "run").exists()
