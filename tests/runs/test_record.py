"""What happened in a run, put in order."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from nextchar.errors import RunFolderError
from nextchar.runs.folder import RunFolder
from nextchar.runs.record import MAX_EVALUATIONS, RunRecord
from nextchar.training.events import Evaluated, Event, Finished, Note, Sampled
from tests.runs.test_folder import SETTINGS, evaluated
from tests.served_page import SETTINGS as PAGE_SETTINGS
from tests.small_networks import random_model

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
        ("Every sample continues '/ or x/y'.", "Every sample continues '/ or x/y'."),
    ],
)
def test_notes_are_told_without_the_folders_of_the_texts(tmp_path: Path, note: str, told: str) -> None:
    names = ("/home/ann/texts/b.txt", "../x/d.txt", "C:\\Users\\ann\\e.txt", "f.txt")
    assert record(tmp_path, [Note(message=note)], names).notes == (told,)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    with folder.lock():
        folder.create(PAGE_SETTINGS)
    return folder


def history_of(folder: RunFolder, max_samples: int | None = None) -> dict[str, Any]:
    return RunRecord.read(folder).history(max_samples)


def scored(step: int, training: float = 2.0, validation: float | None = 2.5) -> Evaluated:
    return Evaluated(
        step=step, epoch=step / 10, seconds=1.5 * step, training_bits_per_character=training,
        validation_bits_per_character=validation, learning_rate=0.01, best=step == 2,
    )  # fmt: skip


def sample_of(step: int, temperature: float = 0.5) -> Sampled:
    return Sampled(step=step, epoch=step / 10, temperature=temperature, prompt="the fox", text=f"{step}@{temperature}")


def ended(interrupted: bool = False) -> Finished:
    return Finished(step=9, seconds=9, best_step=2, validation_bits_per_character=2.5, interrupted=interrupted)


def test_what_a_run_tells_is_put_together(folder: RunFolder) -> None:
    folder.append([scored(1), sample_of(1, 0.2), sample_of(1, 1.2), scored(2, validation=None), sample_of(2)])
    assert history_of(folder) == {
        "prompt": "the fox",
        "finished": False,
        "evaluations": [
            {
                "step": 1, "epoch": 0.1, "seconds": 1.5, "training_bits": 2.0, "validation_bits": 2.5, "best": False,
                "samples": [{"temperature": 0.2, "text": "1@0.2"}, {"temperature": 1.2, "text": "1@1.2"}],
            },
            {
                "step": 2, "epoch": 0.2, "seconds": 3.0, "training_bits": 2.0, "validation_bits": None, "best": True,
                "samples": [{"temperature": 0.5, "text": "2@0.5"}],
            },
        ],
    }  # fmt: skip


def test_a_run_is_finished_when_it_says_so_last(folder: RunFolder) -> None:
    for event, expected in ((ended(interrupted=True), False), (ended(), True)):
        folder.append([event])
        assert history_of(folder)["finished"] is expected


def test_numbers_that_json_does_not_have_are_none(folder: RunFolder) -> None:
    folder.append([scored(1, math.inf, math.nan)])
    evaluation = history_of(folder)["evaluations"][0]
    assert (evaluation["training_bits"], evaluation["validation_bits"]) == (None, None)
    json.dumps(history_of(folder), allow_nan=False)


def test_what_was_done_again_after_a_resume_is_told_once(folder: RunFolder) -> None:
    folder.append([scored(1), scored(2, 3.0), scored(2, 2.9)])
    assert [(evaluation["step"], evaluation["training_bits"]) for evaluation in history_of(folder)["evaluations"]] == [
        (1, 2.0),
        (2, 2.9),
    ]


def test_samples_of_so_many_evaluations_go_with_it_first_and_last_among_them(folder: RunFolder) -> None:
    folder.append([event for step in range(1, 101) for event in (scored(step), sample_of(step))])
    evaluations = history_of(folder, 5)["evaluations"]
    assert [evaluation["step"] for evaluation in evaluations] == list(range(1, 101))
    assert [evaluation["step"] for evaluation in evaluations if evaluation["samples"]] == [1, 26, 51, 75, 100]
    assert all(evaluation["samples"] for evaluation in history_of(folder)["evaluations"])
    assert [evaluation["step"] for evaluation in history_of(folder, 1)["evaluations"] if evaluation["samples"]] == [1]


def test_a_curve_has_no_more_points_than_can_be_seen(folder: RunFolder) -> None:
    folder.append([scored(step) for step in range(1, 3 * MAX_EVALUATIONS)])
    steps = [evaluation["step"] for evaluation in history_of(folder)["evaluations"]]
    assert len(steps) == MAX_EVALUATIONS
    assert (steps[0], steps[-1]) == (1, 3 * MAX_EVALUATIONS - 1)


def test_a_run_that_has_just_begun_and_no_run(folder: RunFolder, tmp_path: Path) -> None:
    assert history_of(folder) == {"prompt": "the fox", "finished": False, "evaluations": []}
    with pytest.raises(RunFolderError, match="not a run folder"):
        history_of(RunFolder(tmp_path))
