"""The files of a run, and the lock."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nextchar.errors import ModelFileError, RunFolderError
from nextchar.model.model_path import did_you_mean, find_model
from nextchar.runs.folder import MAX_STATE_BYTES, RunFolder, free_folder, samples_page
from nextchar.runs.run_settings import RunSettings
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.training.checkpoint import Checkpoint, TrainingState
from nextchar.training.events import Evaluated, Finished, Note, Planned, Recovered, Sampled
from nextchar.training.feeding import Streams
from nextchar.training.plan import Plan
from tests.command import assert_refused, nextchar
from tests.small_networks import random_model

PLAN = Plan(
    hidden=(8,), embedding=4, input_dropout=0, dropout=0, feeding=Streams(batch=2, window=4), shards=1, steps=9,
    learning_rate=0.01, warm_up=1, weight_decay=0, clip=1, checkpoint_every=3,
)  # fmt: skip
SETTINGS = RunSettings(
    corpus=("a.txt",), names=("a",), corpus_key="k", text=TextSettings(), training=TrainingSettings(), plan=PLAN,
    device="cpu", threads=2, evaluations=3, prompt="go",
)  # fmt: skip
CHECKPOINT = Checkpoint(
    TrainingState(step=3, seconds=1.5, best_bits=2.5), {"weights/x": np.arange(6, dtype=np.float32)}
)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    with folder.lock():
        folder.create(SETTINGS)
    return folder


def evaluated(step: int) -> Evaluated:
    return Evaluated(
        step=step, epoch=step / 10, seconds=step, training_bits_per_character=2.0, validation_bits_per_character=2.5,
        learning_rate=0.01, best=True,
    )  # fmt: skip


def test_settings_come_back(folder: RunFolder) -> None:
    assert folder.settings() == SETTINGS


def test_a_folder_with_a_run_is_not_written_over(folder: RunFolder) -> None:
    with pytest.raises(RunFolderError, match="--resume"):
        folder.create(SETTINGS)


def test_checkpoints_come_back_whole_or_not_at_all(folder: RunFolder) -> None:
    assert folder.checkpoint() is None
    folder.save_checkpoint(CHECKPOINT)
    loaded = folder.checkpoint()
    assert loaded is not None
    assert loaded.state == CHECKPOINT.state
    np.testing.assert_array_equal(loaded.arrays["weights/x"], CHECKPOINT.arrays["weights/x"])
    path = folder.path / "resume" / "state.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunFolderError, match="damaged"):
        folder.checkpoint()


def test_the_log_forgets_what_will_happen_again(folder: RunFolder) -> None:
    kept = [
        Note(message="hello"),
        evaluated(3),
        Recovered(step=8, back_to=3, bits_per_character=float("nan"), rate_scale=0.5),
    ]
    finished = Finished(step=3, seconds=1, best_step=None, validation_bits_per_character=None, interrupted=True)
    folder.append([*kept, evaluated(6), finished])
    with (folder.path / "events.jsonl").open("a") as file:
        file.write('{"event":"evalua')
    assert len(folder.events()) == 5
    folder.forget_after(3)
    assert [event.event for event in folder.events()] == ["note", "evaluated", "recovered"]


def test_two_processes_cannot_hold_one_folder(folder: RunFolder) -> None:
    program = (
        "import sys; from pathlib import Path; from nextchar.runs.folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).lock(new=False): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunFolderError, match="in use by another process"), folder.lock(new=False):
            pass
        other.communicate("")
    with folder.lock(new=False):
        pass


def test_a_place_that_cannot_be_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(RunFolderError, match="cannot be written"),
        RunFolder(tmp_path / "file" / "run").lock(),
    ):
        pass


def test_settings_that_are_missing_or_damaged_are_named(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="not a run folder"):
        RunFolder(tmp_path / "nowhere").settings()
    (folder.path / "settings.json").write_text('{"format": 1')
    with pytest.raises(RunFolderError, match="damaged"):
        folder.settings()


def test_a_model_is_found_by_folder_or_file(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="--resume"):
        find_model(folder.path)
    random_model().save(folder.model_path)
    assert find_model(folder.path) == find_model(folder.model_path) == folder.model_path
    with pytest.raises(ModelFileError, match="no model"):
        find_model(tmp_path / "nowhere")


def test_a_log_begins_before_there_is_a_run(folder: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "new")
    with run.lock():
        run.create(SETTINGS, [Note(message="first"), Planned(plan=PLAN, parameters=7, device="cpu", seed=1)])
    assert [event.event for event in run.events()] == ["note", "planned"]
    log, settings = run.path / "events.jsonl", run.path / "settings.json"
    assert log.stat().st_mtime_ns <= settings.stat().st_mtime_ns


@pytest.mark.parametrize("name", ["model.safetensors", "resume/state.safetensors", "samples.md", "report.html"])
def test_what_a_run_would_write_over_is_in_its_way(folder: RunFolder, name: str) -> None:
    (folder.path / "settings.json").unlink()
    assert folder.is_free
    (folder.path / name).write_text("precious")
    assert not folder.is_free
    with pytest.raises(RunFolderError, match=f"would overwrite, {name}, but no settings.json"), folder.lock():
        pass
    assert (folder.path / name).read_text() == "precious"


def test_without_its_state_a_run_that_had_one_does_not_begin_anew(folder: RunFolder) -> None:
    random_model().save(folder.model_path)
    with pytest.raises(RunFolderError, match=r"state.safetensors is missing, .*put it back, or train again"):
        folder.checkpoint()


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("settings.json", ["report"]),
        ("events.jsonl", ["report"]),
        ("resume/state.safetensors", ["train", "--resume"]),
    ],
)
def test_no_file_of_a_run_is_waited_for(folder: RunFolder, name: str, command: list[str]) -> None:
    folder.append([Note(message="hello")])
    (folder.path / name).unlink(missing_ok=True)
    os.mkfifo(folder.path / name)
    assert_refused(nextchar(*command, folder.path), 1, name, "not a regular file")


def test_a_log_that_is_a_pipe_is_named_when_it_would_be_written(folder: RunFolder) -> None:
    (folder.path / "events.jsonl").unlink()
    os.mkfifo(folder.path / "events.jsonl")
    with pytest.raises(RunFolderError, match=r"Not a regular file \(events\.jsonl\)"):
        folder.forget_after(3)


def test_a_state_too_large_to_be_one_is_not_read(folder: RunFolder) -> None:
    with (folder.path / "resume" / "state.safetensors").open("wb") as file:
        file.truncate(MAX_STATE_BYTES + 1)  # it takes no room on the disk
    with pytest.raises(
        RunFolderError, match=r"state.safetensors .*bytes, and the limit is .* its model.safetensors still works"
    ):
        folder.checkpoint()


def test_what_is_logged_is_synced_before_a_state_is_saved(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.append([Note(message="hello")])
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(Path(f"/proc/self/fd/{handle}").readlink().name))
    folder.save_checkpoint(CHECKPOINT)
    assert synced[0] == "events.jsonl"
    assert synced[-1] == "resume"


def test_the_lock_is_not_followed_to_another_file(folder: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (folder.path / ".lock").unlink(missing_ok=True)
    (folder.path / ".lock").symlink_to(tmp_path / "precious")
    with pytest.raises(RunFolderError, match="cannot be written"), folder.lock(new=False):
        pass
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.fixture
def runs(folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs in the folder runs/, one of them with a model, and a model file beside it."""
    monkeypatch.chdir(tmp_path)
    for name in ("both", "Nietzsche-2"):
        with RunFolder(Path("runs", name)).lock():
            RunFolder(Path("runs", name)).create(SETTINGS)
    random_model().save(Path("runs/both/model.safetensors"))
    random_model().save(Path("shared.safetensors"))
    return tmp_path


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("boht", "runs/both"),
        ("both", "runs/both"),
        ("runs/boht", "runs/both"),
        ("rusn/both", "runs/both"),
        ("runs/boht/model.safetensors", "runs/both"),
        ("runs/both/model.safetensor", "runs/both/model.safetensors"),
        ("runs/nietzsche2", "runs/Nietzsche-2"),
        ("share.safetensors", "shared.safetensors"),
    ],
)
def test_a_mistyped_run_is_answered_with_the_nearest_one(runs: Path, given: str, meant: str) -> None:
    with pytest.raises(ModelFileError, match=f"There is no model {given}. Did you mean {meant}\\?$"):
        find_model(Path(given))
    with pytest.raises(RunFolderError, match=f"{given} is not a run folder: it is not there. Did you mean {meant}\\?$"):
        RunFolder(Path(given)).settings()


def test_the_run_beside_what_was_given_is_nearer_than_one_of_that_name_elsewhere(runs: Path) -> None:
    with RunFolder(Path("old/both")).lock():
        RunFolder(Path("old/both")).create(SETTINGS)
    assert did_you_mean(Path("old/bot")) == " Did you mean old/both?"
    assert did_you_mean(Path("runs/both/model.safetensors")) == " Did you mean runs/both?"


@pytest.mark.parametrize("given", ["something else", "runs/x", "nowhere/y", "/", "."])
def test_where_no_run_is_near_none_is_named(runs: Path, given: str) -> None:
    assert did_you_mean(Path(given)) == ""


def test_samples_are_shown_as_they_are_whatever_is_in_them() -> None:
    sampled = Sampled(step=3, epoch=0.3, temperature=0.5, prompt="go", text="```\n# no heading")
    page = samples_page([evaluated(3), sampled])
    assert "## Step 3, epoch 0.30: 2.500 bits per character" in page
    assert "````text\ngo```\n# no heading\n````" in page


def test_folders_are_named_after_the_text(tmp_path: Path) -> None:
    assert free_folder(tmp_path, ("books/my.book.txt", "other")) == tmp_path / "my"
    assert free_folder(tmp_path, ("-",)) == tmp_path / "standard-input"
    (tmp_path / "my").mkdir()
    assert free_folder(tmp_path, ("my.txt",)) == tmp_path / "my"
    (tmp_path / "my" / "settings.json").write_text("{}")
    assert free_folder(tmp_path, ("my.txt",)) == tmp_path / "my-2"


def test_folders_without_a_name_of_their_own_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "books" / "old").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "books" / "old")
    runs = Path("runs")
    assert free_folder(runs, (".",)) == runs / "old"
    assert free_folder(runs, ("..",)) == runs / "books"
    assert free_folder(runs, (".notes.txt",)) == runs / "notes"
    assert free_folder(runs, ("/",)) == runs / "text"
