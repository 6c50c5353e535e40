"""A run as the page shows it."""

import json
import math
from pathlib import Path

import pytest

from nextchar.errors import RunFolderError
from nextchar.runs.folder import RunFolder
from nextchar.runs.history import MAX_EVALUATIONS, growth_of
from nextchar.training.events import Evaluated, Finished, Sampled
from tests.served_page import SETTINGS


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    with folder.lock():
        folder.create(SETTINGS)
    return folder


def evaluated(step: int, training: float = 2.0, validation: float | None = 2.5) -> Evaluated:
    return Evaluated(
        step=step, epoch=step / 10, seconds=1.5 * step, training_bits_per_character=training,
        validation_bits_per_character=validation, learning_rate=0.01, best=step == 2,
    )  # fmt: skip


def sampled(step: int, temperature: float = 0.5) -> Sampled:
    return Sampled(step=step, epoch=step / 10, temperature=temperature, prompt="the fox", text=f"{step}@{temperature}")


def finished(interrupted: bool = False) -> Finished:
    return Finished(step=9, seconds=9, best_step=2, validation_bits_per_character=2.5, interrupted=interrupted)


def test_what_a_run_tells_is_put_together(folder: RunFolder) -> None:
    folder.append([evaluated(1), sampled(1, 0.2), sampled(1, 1.2), evaluated(2, validation=None), sampled(2)])
    assert growth_of(folder) == {
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
    for event, expected in ((finished(interrupted=True), False), (finished(), True)):
        folder.append([event])
        assert growth_of(folder)["finished"] is expected


def test_numbers_that_json_does_not_have_are_none(folder: RunFolder) -> None:
    folder.append([evaluated(1, math.inf, math.nan)])
    evaluation = growth_of(folder)["evaluations"][0]
    assert (evaluation["training_bits"], evaluation["validation_bits"]) == (None, None)
    json.dumps(growth_of(folder), allow_nan=False)


def test_what_was_done_again_after_a_resume_is_told_once(folder: RunFolder) -> None:
    folder.append([evaluated(1), evaluated(2, 3.0), evaluated(2, 2.9)])
    assert [(one["step"], one["training_bits"]) for one in growth_of(folder)["evaluations"]] == [(1, 2.0), (2, 2.9)]


def test_samples_of_so_many_evaluations_go_with_it_first_and_last_among_them(folder: RunFolder) -> None:
    folder.append([event for step in range(1, 101) for event in (evaluated(step), sampled(step))])
    evaluations = growth_of(folder, 5)["evaluations"]
    assert [one["step"] for one in evaluations] == list(range(1, 101))
    assert [one["step"] for one in evaluations if one["samples"]] == [1, 26, 51, 75, 100]
    assert all(one["samples"] for one in growth_of(folder)["evaluations"])
    assert [one["step"] for one in growth_of(folder, 1)["evaluations"] if one["samples"]] == [1]


def test_a_curve_has_no_more_points_than_can_be_seen(folder: RunFolder) -> None:
    folder.append([evaluated(step) for step in range(1, 3 * MAX_EVALUATIONS)])
    steps = [one["step"] for one in growth_of(folder)["evaluations"]]
    assert len(steps) == MAX_EVALUATIONS
    assert (steps[0], steps[-1]) == (1, 3 * MAX_EVALUATIONS - 1)


def test_a_run_that_has_just_begun_and_no_run(folder: RunFolder, tmp_path: Path) -> None:
    assert growth_of(folder) == {"prompt": "the fox", "finished": False, "evaluations": []}
    with pytest.raises(RunFolderError, match="no run folder"):
        growth_of(RunFolder(tmp_path))
