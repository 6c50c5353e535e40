"""What happened in a run, put in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from nextchar.errors import RunFolderError
from nextchar.events import Event, Finished, Note, Sampled
from nextchar.report.run_record import RunRecord
from nextchar.run_folder import RunFolder
from tests.networks import random_model
from tests.test_run_folder import SETTINGS, evaluated

FINISHED = Finished(step=9, seconds=9.5, best_step=6, validation_bits_per_character=2.25, interrupted=False)


def sampled(step: int, temperature: float, text: str) -> Sampled:
    return Sampled(step=step, epoch=1, temperature=temperature, prompt="go", text=text)


def record(tmp_path: Path, events: list[Event], names: tuple[str, ...] = ("a.txt",)) -> RunRecord:
    folder = RunFolder(tmp_path / "run")
    with folder.lock():
        folder.create(SETTINGS.model_copy(update={"corpus": names}))
        folder.append(events)
    return RunRecord.read(folder)


def test_what_happened_is_put_in_order(tmp_path: Path) -> None:
    again = evaluated(3).model_copy(update={"validation_bits_per_character": 2.6})
    worse = evaluated(9).model_copy(update={"best": False})
    samples = [sampled(9, 1.2, "wild"), sampled(9, 0.5, "tame"), sampled(3, 0.5, "old")]
    found = record(tmp_path, [evaluated(3), evaluated(6), worse, *samples, again, FINISHED])
    assert found.evaluations == (again, evaluated(6), worse)
    assert found.best == evaluated(6)
    assert found.temperatures == (0.5, 1.2)
    assert [(t, one.text) for t, one in found.last_samples.items()] == [(0.5, "tame"), (1.2, "wild")]
    assert (found.step, found.seconds, found.validation_bits) == (9, 9.5, 2.25)


def test_before_the_end_the_best_evaluation_counts(tmp_path: Path) -> None:
    perfect = evaluated(3).model_copy(update={"validation_bits_per_character": 0.0})
    found = record(tmp_path, [perfect])
    assert (found.step, found.seconds, found.validation_bits) == (3, 3, 0.0)


def test_a_run_of_which_nothing_is_known(tmp_path: Path) -> None:
    found = record(tmp_path, [])
    assert (found.step, found.seconds, found.validation_bits, found.best) == (0, None, None, None)
    assert (found.last_samples, found.temperatures) == ({}, ())
    assert (found.model, found.model_bytes) == (None, 0)


def test_the_model_comes_with_its_size(tmp_path: Path) -> None:
    folder = record(tmp_path, []).folder
    folder.save_model(random_model().file)
    found = RunRecord.read(folder)
    assert found.model is not None
    assert found.model_bytes == folder.model_path.stat().st_size


@pytest.mark.parametrize(
    ("given", "told"),
    [("/a/b.txt", "b.txt"), ("C:\\a\\b.txt", "b.txt"), ("-", "-"), ("/a/b/", "b"), ("/", "/")],
)
def test_names_are_told_without_folders(tmp_path: Path, given: str, told: str) -> None:
    assert record(tmp_path, [], (given,)).names == (told,)


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError):
        RunRecord.read(RunFolder(tmp_path))


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ("/home/ann/texts/b.txt: read as cp1252 (detected)", "b.txt: read as cp1252 (detected)"),
        ("skipped: /home/ann/texts/x/c.bin is not a text", "skipped: x/c.bin is not a text"),
        ("skipped: 7 more files in /home/ann/texts", "skipped: 7 more files in texts"),
        ("../x/d.txt: read as cp949 (given)", "d.txt: read as cp949 (given)"),
        ("C:\\Users\\ann\\e.txt: read as cp949", "e.txt: read as cp949"),
        ("Every sample goes on from '/ or x/y'.", "Every sample goes on from '/ or x/y'."),
    ],
)
def test_notes_are_told_without_the_folders_of_the_texts(tmp_path: Path, note: str, told: str) -> None:
    names = ("/home/ann/texts/b.txt", "../x/d.txt", "C:\\Users\\ann\\e.txt", "f.txt")
    assert record(tmp_path, [Note(message=note)], names).notes == (told,)
