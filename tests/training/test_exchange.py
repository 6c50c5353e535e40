"""What processes exchange, by the time that it takes."""

from __future__ import annotations

import pytest

from nextchar.settings import Exchange
from nextchar.training.exchange import ChosenWay, Way, asked_way, choose_way
from nextchar.training.plan import Plan
from tests.training.test_trainer import make_plan

COMPUTING = 0.1
ORDER: list[Exchange] = ["float32", "bfloat16", "local"]


def choose(float32: float, bfloat16: float, local: float, asked: Exchange | None = None) -> tuple[ChosenWay, list[str]]:
    """Return the way chosen where an update computes for 0.1 s, and the exchanges that were timed."""
    seconds, timed = {"float32": float32, "bfloat16": bfloat16, "local": local}, list[str]()

    def measure_exchange(plan: Plan) -> float:
        timed.append(plan.exchange)
        return seconds[plan.exchange]

    return choose_way(make_plan(), COMPUTING + float32, measure_exchange, asked), timed


@pytest.mark.parametrize(
    ("seconds", "way"),
    [
        ((0.001, 0.001, 0.001), Way("float32")),
        ((0.099, 0.050, 0.099), Way("float32")),
        ((0.150, 0.090, 0.150), Way("bfloat16")),
        ((0.390, 0.195, 0.390), Way("local", 4)),
        ((1.590, 0.795, 1.590), Way("local", 16)),
        ((159.0, 79.50, 159.0), Way("local", 16)),
    ],
    ids=str,
)
def test_the_first_way_that_takes_no_longer_than_the_computing(seconds: tuple[float, float, float], way: Way) -> None:
    chosen, timed = choose(*seconds)
    assert chosen.way == way
    assert chosen.seconds == dict(zip(ORDER, seconds, strict=True))[way.exchange]
    assert timed == ORDER[: ORDER.index(way.exchange) + 1]


def test_a_trial_of_local_updates_has_no_average_and_its_share_is_added() -> None:
    timed: list[Plan] = []

    def measure(plan: Plan) -> float:
        timed.append(plan)
        return COMPUTING

    (chosen, _), plan = choose(0.39, 0.195, 0.39), make_plan(exchange="local", average_every=4)
    assert chosen.step_seconds(plan, measure) == pytest.approx(COMPUTING + 0.39 / 4)
    assert timed == [plan.model_copy(update={"average_every": 10_000})]
    sums, _ = choose(0.05, 0.05, 0.05)
    assert sums.step_seconds(make_plan(), measure) == COMPUTING
    assert timed[-1] == make_plan()


@pytest.mark.parametrize("asked", ["float32", "bfloat16", "local"])
def test_what_is_asked_for_is_kept(asked: Exchange) -> None:
    for seconds in (0.001, 100.0):
        chosen, _ = choose(seconds, seconds, seconds, asked)
        assert chosen.way.exchange == asked
        assert "As asked for" in chosen.note
    assert asked_way(asked) == {"float32": Way(), "bfloat16": Way("bfloat16"), "local": Way("local", 16)}[asked]
    assert asked_way(None) == Way()


def test_the_sentence_has_the_times_and_the_choice() -> None:
    assert choose(0.25, 0.125, 0.25)[0].note == (
        "An update computes for 0.1 s; exchanging takes 0.25 s for gradients in float32, 0.12 s for gradients in "
        "bfloat16, 0.25 s for weights. So the processes exchange weights, every 4 updates."
    )


def test_a_checkpoint_comes_after_an_exchange() -> None:
    assert Way("bfloat16").checkpoint_every(7) == 7
    assert [Way("local", 4).checkpoint_every(steps) for steps in (1, 8, 9, 100)] == [8, 8, 12, 100]
