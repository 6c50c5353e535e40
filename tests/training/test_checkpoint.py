"""The state of a run as a file: what no run could have come to is refused."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nextchar.files import tensor_file
from nextchar.files.format_version import format_stamp
from nextchar.training.checkpoint import Checkpoint, TrainingState, check_arrays, kinds_of

STATE = TrainingState(
    step=9, seconds=1.5, rate_scale=0.5, recoveries=1, lowest_loss=2.0, evaluated_step=6, best_bits=2.5, best_step=3
)
ARRAYS = {"weights/x": np.arange(6, dtype=np.float32), "shard0/random": np.zeros(4, np.uint8)}


def header(**changes: object) -> bytes:
    return tensor_file.to_bytes({**format_stamp(2), "state": {"step": 9, **changes}}, ARRAYS)


def test_a_checkpoint_comes_back() -> None:
    for state in (STATE, TrainingState()):
        again = Checkpoint.from_bytes(Checkpoint(state, ARRAYS).to_bytes())
        assert again.state == state
        assert kinds_of(again.arrays) == kinds_of(ARRAYS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step", -1), ("step", True), ("step", 3.0), ("step", "3"), ("step", 10**400), ("step", None), ("seconds", -1),
        ("seconds", math.nan), ("seconds", math.inf), ("rate_scale", 0), ("rate_scale", 2), ("rate_scale", math.nan),
        ("recoveries", -1), ("lowest_loss", math.nan), ("lowest_loss", -math.inf), ("loss_sum", math.inf),
        ("evaluated_step", -3), ("temperature", math.nan), ("temperature", 0), ("temperature", math.inf),
        ("best_bits", math.nan), ("best_step", -1), ("best_step", "last"), ("mood", "fine"),
    ],
)  # fmt: skip
def test_a_state_that_no_run_comes_to_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"its {name} is not allowed"):
        Checkpoint.from_bytes(header(**{name: value}))


@pytest.mark.parametrize("state", [None, [], "x", 7, {"": {}}])
def test_what_is_no_state_is_refused(state: object) -> None:
    for content in ({**format_stamp(2), "state": state}, {"position": state}):
        with pytest.raises(ValueError, match="not allowed"):
            Checkpoint.from_bytes(tensor_file.to_bytes(content, ARRAYS))


def test_another_file_of_arrays_is_no_checkpoint() -> None:
    for wrong in ({}, {"position": {}, "format": 2}, {"position": {}, "state": {}}, {"state": {}}):
        with pytest.raises(ValueError, match="not the checkpoint"):
            Checkpoint.from_bytes(tensor_file.to_bytes(wrong, ARRAYS))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_arrays_with_what_is_no_finite_number_are_refused(value: float) -> None:
    weights = ARRAYS["weights/x"].copy()
    weights[4] = value
    with pytest.raises(ValueError, match="weights/x holds values that are not finite numbers"):
        Checkpoint.from_bytes(Checkpoint(STATE, {**ARRAYS, "weights/x": weights}).to_bytes())


def test_a_step_after_the_plan_or_scored_in_the_future_is_refused() -> None:
    Checkpoint(STATE, ARRAYS).check_step(9)
    with pytest.raises(ValueError, match="its step, 9, is after the last step of the plan, 8"):
        Checkpoint(STATE, ARRAYS).check_step(8)
    for wrong in ({"evaluated_step": 10}, {"best_step": 12}):
        with pytest.raises(ValueError, match="scored at a later step than its own"):
            Checkpoint(replace(STATE, **wrong), ARRAYS).check_step(99)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights/x": np.zeros((2, 3), np.float32)}, r"'weights/x' is float32 of shape \(2, 3\), but .* \(6,\)"),
        ({"weights/x": np.zeros(6)}, "'weights/x' is float64"),
        ({"weights/y": np.zeros(6)}, "'weights/y' is float64 .* by the plan it should be missing"),
        ({"weights/x": None}, "'weights/x' is missing"),
    ],
)
def test_other_arrays_than_those_of_the_plan_are_named(changes: dict[str, Any], words: str) -> None:
    arrays = {name: array for name, array in {**ARRAYS, **changes}.items() if array is not None}
    with pytest.raises(ValueError, match=words):
        check_arrays(arrays, kinds_of(ARRAYS))
    check_arrays(arrays, {"random": ("uint8", (4,))}, "shard0/")
