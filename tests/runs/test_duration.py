"""How long a run takes besides training."""

import pytest

from nextchar.networks.architecture import Architecture
from nextchar.runs.duration import LOADING, REPORT, seconds_beside_training
from nextchar.settings import TrainingSettings
from nextchar.training.default_recipe import DefaultRecipe
from nextchar.training.plan import Plan

NETWORK = Architecture(vocabulary_size=10, embedding=4, hidden=(8,))
PLAN = (
    DefaultRecipe()
    .choose_plan(50_000, 10, TrainingSettings(steps=100, hidden=8), 1, lambda _: 1.0)
    .plan.model_copy(update={"calibrated": False})
)


def beside(plan: Plan = PLAN, *, evaluations: int = 2, sample_length: int = 0, counted: int = 0) -> float:
    """Return the seconds where ten microseconds of training are spent on a character."""
    return seconds_beside_training(
        plan, NETWORK, 1e-5 * plan.characters, evaluations=evaluations, held_out=5000, sample_length=sample_length,
        counted=counted,
    )  # fmt: skip


def test_all_is_scored_in_each_evaluation_of_a_short_text_and_at_the_end() -> None:
    assert beside() == pytest.approx(0.4 * 1e-5 * (2 * 5000 + 5000) + REPORT + LOADING)


def test_a_memory_is_counted_scored_and_fitted() -> None:
    counting, scoring, fitting = 1.5e-6 * 100_000, 1.1 * 1e-5 * 15_000, 0.6e-6 * 3 * 10 * (2500 + 2500 + 5000)
    assert beside(counted=100_000) - beside() == pytest.approx(counting + scoring + fitting)


def test_longer_samples_and_calibration_take_longer() -> None:
    assert beside(sample_length=1000) > beside(sample_length=100) > beside()
    assert beside(PLAN.model_copy(update={"calibrated": True})) > beside()
