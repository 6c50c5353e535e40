"""The learning rate as a function of the step."""

import pytest

from nextchar.training.schedule import Schedule
from tests.training.test_trainer import make_plan


def test_the_learning_rate_warms_up_and_falls() -> None:
    schedule = Schedule(make_plan(steps=100, warm_up=10, learning_rate=1.0))
    assert schedule.learning_rate(0) == pytest.approx(0.1)
    assert schedule.learning_rate(9) == pytest.approx(1.0)
    assert schedule.learning_rate(55) == pytest.approx(0.505)
    assert schedule.learning_rate(99) == pytest.approx(0.01, abs=0.001)


def test_a_constant_rate_stays_after_its_warm_up() -> None:
    schedule = Schedule(make_plan(steps=100, warm_up=4, learning_rate=0.2, schedule="constant"))
    assert [schedule.learning_rate(step) for step in (0, 3, 4, 99)] == [0.05, 0.2, 0.2, 0.2]
