"""The plan, and plans of older files."""

import math

import pytest
from pydantic import ValidationError

from nextchar.training.feeding import Streams, Windows
from nextchar.training.plan import Plan
from nextchar.training.schedule import Schedule
from tests.training.test_trainer import make_plan, windows_plan

FORMAT_1 = {
    "hidden": [4], "embedding": 2, "input_dropout": 0.032, "dropout": 0.2, "streams": 2, "shards": 1, "window": 8,
    "stride": None, "windows": None, "steps": 60, "initial_weights": "frequencies", "optimizer": "adamw",
    "precision": "float32", "schedule": "cosine", "learning_rate": 0.012, "warm_up": 3, "weight_decay": 0.1,
    "clip": 1.0, "calibrated": True, "snapshot_every": 3,
}  # fmt: skip
"""As settings.json and events.jsonl had it."""


def test_a_plan_of_format_1_is_read() -> None:
    plan = Plan.model_validate(FORMAT_1)
    assert (plan.feeding, plan.checkpoint_every) == (Streams(batch=2, window=8), 3)
    assert (plan.steps, plan.learning_rate, plan.calibrated) == (60, 0.012, True)
    windows = Plan.model_validate({**FORMAT_1, "streams": 16, "window": 10, "stride": 3, "windows": 498})
    assert windows.feeding == Windows(batch=16, window=10, stride=3, count=498)


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": None},
        {"stride": 0},
        {"stride": 3},
        {"windows": 9},
        {"shards": 3},
        {"snapshot_every": None},
        {"hidden": []},
        {"more": 1},
    ],
)
def test_a_wrong_plan_of_format_1_is_an_error(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Plan.model_validate({**FORMAT_1, **wrong})


@pytest.mark.parametrize("plan", [make_plan(), windows_plan()], ids=["streams", "windows"])
def test_a_plan_comes_back(plan: Plan) -> None:
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_passes_are_counted_by_what_is_read() -> None:
    assert make_plan().characters == 60 * 4 * 10
    assert make_plan().epochs(30, 600) == 2.0
    assert windows_plan().feeding.epoch_steps == 16
    assert windows_plan().epochs(24, 4000) == 1.5


@pytest.mark.parametrize(
    "changes",
    [
        {"shards": 3}, {"feeding": {"kind": "windows", "batch": 2, "window": 8, "stride": 3}},
        {"feeding": {"kind": "windows", "batch": 2, "window": 8, "count": 9}},
        {"feeding": {"kind": "streams", "batch": 2, "window": 8, "stride": 3, "count": 9}},
        {"learning_rate": math.nan}, {"hidden": ()}, {"clip": 0},
        {"revisions": [{"step": 9, "planned_steps": 8}]}, {"revisions": [{"step": 61, "planned_steps": 90}]},
        {"revisions": [{"step": 9, "planned_steps": 50}, {"step": 9, "planned_steps": 55}]},
    ],
)  # fmt: skip
def test_a_plan_that_no_training_can_follow_is_refused(changes: dict[str, object]) -> None:
    whole = make_plan(feeding=Streams(batch=2, window=8)).model_dump()
    Plan(**whole)
    with pytest.raises(ValueError):
        Plan(**{**whole, **changes})


def test_a_revision_goes_on_from_the_position_reached() -> None:
    """Of 100 updates a half is done when 200 are planned: each of the 150 left counts a third."""
    plan = make_plan(steps=100).revised(50, 200)
    assert (plan.steps, plan.first_steps) == (200, 100)
    assert [plan.position(step) for step in (0, 49, 50, 125, 200)] == pytest.approx([0, 49, 50, 75, 100])
    assert [plan.step_at(position) for position in (0, 49, 50, 50.1, 75, 100)] == [0, 49, 50, 51, 125, 200]
    ended = plan.revised(125, 125)
    assert (ended.position(125), ended.step_at(75), ended.step_at(100)) == (75, 125, 125)
    assert plan.boundary_after(49) == 50


def test_without_a_revision_the_position_is_the_step() -> None:
    plan = make_plan(steps=299_993)
    assert all(plan.position(step) == step == plan.step_at(step) for step in range(0, 299_993, 101))


def test_a_learning_rate_without_revisions_is_what_it_was() -> None:
    """To the last bit: runs that exist go on with it."""
    plan = make_plan(steps=997, warm_up=53)
    for step in range(53, 997):
        remaining = 0.5 * (1 + math.cos(math.pi * (step - 53) / (997 - 53)))
        assert Schedule(plan).learning_rate(step) == plan.learning_rate * (0.01 + (1 - 0.01) * remaining)
