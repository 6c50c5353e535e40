"""The time given is the time used, whatever the machine does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import pytest

from nextchar.training.checkpoint import TrainingState
from nextchar.training.pace import Pace
from nextchar.training.plan import Budget, Plan
from nextchar.training.schedule import Schedule
from tests.training.test_trainer import make_plan

SECONDS = 60.0
STEP_SECONDS = 0.05
"""Of an update, as measured before the run."""
PLAN = make_plan(steps=1200, warm_up=60, checkpoint_every=10, learning_rate=1.0)

Speed = Callable[[float], float]
"""Updates that the machine makes in the time measured for one, at a moment of the run from 0 to 1."""

SPEEDS: dict[str, Speed] = {
    "as measured": lambda share: 1.0,
    "twice as fast as measured": lambda share: 2.0,
    "half as fast as measured": lambda share: 0.5,
    "sixteen times as fast as measured": lambda share: 16.0,
    "halves": lambda share: 1.0 if share < 0.5 else 0.5,
    "doubles": lambda share: 0.5 if share < 0.5 else 1.0,
    "halves near the end": lambda share: 1.0 if share < 0.93 else 0.5,
    "doubles near the end": lambda share: 0.5 if share < 0.93 else 1.0,
    "shared for a third": lambda share: 0.5 if share * 20 % 1 < 1 / 3 else 1.0,
}


class Followed(NamedTuple):
    """What a run did."""

    plan: Plan
    seconds: float
    shares: list[tuple[float, float]]
    """At each boundary: the share of the time used, and the position as a share of the plan."""


def follow(speed: Speed, max_steps: int = 10**9) -> Followed:
    """Follow `PLAN` for `SECONDS` on a machine of that ``speed``."""
    pace, plan, state = Pace(Budget(seconds=SECONDS, max_steps=max_steps)), PLAN, TrainingState()
    shares: list[tuple[float, float]] = []
    while state.step < plan.steps:
        seconds, end = state.seconds, plan.boundary_after(state.step)
        for step in range(state.step, end):
            seconds += STEP_SECONDS / speed(seconds / SECONDS)
            state = TrainingState(step=step + 1, seconds=seconds)
            pace.warmed_up(state)
        steps = pace.fitting_steps(plan, state)
        plan = plan if steps == plan.steps else plan.revised(state.step, steps)
        shares.append((state.seconds / SECONDS, plan.position(state.step) / plan.first_steps))
    return Followed(plan, state.seconds, shares)


@pytest.mark.parametrize("speed", SPEEDS.values(), ids=SPEEDS)
def test_the_time_given_is_the_time_used(speed: Speed) -> None:
    followed = follow(speed)
    assert followed.seconds == pytest.approx(SECONDS, rel=0.02)
    assert len(followed.plan.revisions) <= 50
    assert Plan.model_validate_json(followed.plan.model_dump_json()) == followed.plan


@pytest.mark.parametrize("speed", SPEEDS.values(), ids=SPEEDS)
def test_the_schedule_follows_the_share_of_the_time_used(speed: Speed) -> None:
    shares = follow(speed).shares
    assert max(abs(used - position) for used, position in shares) < 0.12
    assert all(before[1] < after[1] for before, after in pairwise(shares))


@pytest.mark.parametrize("speed", SPEEDS.values(), ids=SPEEDS)
def test_no_revision_makes_the_learning_rate_jump(speed: Speed) -> None:
    plan = follow(speed).plan
    rates = [Schedule(plan).learning_rate(step) for step in range(plan.steps)]
    # The steepest place of a machine that is half as fast: twice what one update changes in the warm-up.
    assert max(abs(before - after) for before, after in pairwise(rates)) <= 2.5 / PLAN.warm_up
    assert max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates[-1] == pytest.approx(0.01, abs=0.02)


def test_a_machine_as_fast_as_measured_changes_nothing() -> None:
    assert follow(SPEEDS["as measured"]).plan == PLAN


def test_there_are_no_more_updates_than_the_text_bears() -> None:
    assert follow(SPEEDS["twice as fast as measured"], max_steps=1500).plan.steps == 1500


def test_what_was_decided_is_not_decided_again() -> None:
    """A resumed run looks at the clock only after the last revision that it knows of."""
    plan = PLAN.revised(400, 900).revised(500, 1000)
    pace = Pace(Budget(seconds=SECONDS, max_steps=10**9))
    pace.warmed_up(TrainingState(step=300, seconds=15))
    assert pace.fitting_steps(plan, TrainingState(step=400, seconds=40)) == 1000
    assert pace.fitting_steps(plan, TrainingState(step=500, seconds=50)) == 1000
    assert pace.fitting_steps(plan, TrainingState(step=510, seconds=51)) == 510 + int(9 / (36 / 210))


def test_a_clock_that_stands_still_decides_nothing() -> None:
    pace = Pace(Budget(seconds=SECONDS, max_steps=10**9))
    pace.warmed_up(TrainingState(step=10, seconds=1))
    assert pace.fitting_steps(PLAN, TrainingState(step=100, seconds=1)) == PLAN.steps


def test_without_a_budget_the_clock_decides_nothing() -> None:
    pace = Pace()
    pace.warmed_up(TrainingState(step=10, seconds=1))
    assert pace.fitting_steps(PLAN, TrainingState(step=100, seconds=100)) == PLAN.steps


def test_going_back_discards_the_measurement() -> None:
    pace = Pace(Budget(seconds=SECONDS, max_steps=10**9))
    pace.warmed_up(TrainingState(step=10, seconds=1))
    pace.restart()
    assert pace.fitting_steps(PLAN, TrainingState(step=100, seconds=50)) == PLAN.steps
