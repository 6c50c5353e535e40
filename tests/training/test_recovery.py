"""Divergence: when it is one, and how training goes on."""

import math
from dataclasses import replace

import pytest

from nextchar.errors import TrainingError
from nextchar.training.checkpoint import TrainingState
from nextchar.training.recovery import DIVERGENCE, MAX_RECOVERIES, has_diverged, learned, recovered
from tests.training.test_trainer import make_plan


@pytest.mark.parametrize(
    ("loss", "diverged"), [(2.0, False), (2.9, False), (3.0, True), (math.inf, True), (math.nan, True)]
)
def test_a_loss_that_is_no_number_or_far_above_the_lowest_is_divergence(loss: float, diverged: bool) -> None:
    assert DIVERGENCE == 1.0
    assert has_diverged(loss, TrainingState(lowest_loss=2.0)) == diverged


def test_the_first_loss_may_be_any_number() -> None:
    assert not has_diverged(1e6, TrainingState())
    assert has_diverged(math.nan, TrainingState())


def test_it_goes_on_from_the_last_checkpoint_with_half_the_rate_and_time_is_not_given_back() -> None:
    last = TrainingState(step=7, seconds=3.0, lowest_loss=2.0)
    failed = TrainingState(step=14, seconds=5.0, rate_scale=0.5, recoveries=1, lowest_loss=2.0)
    expected = TrainingState(step=7, seconds=5.0, rate_scale=0.25, recoveries=2, lowest_loss=2.0)
    assert recovered(failed, last, make_plan()) == expected


def test_it_gives_up_in_the_end() -> None:
    failed = TrainingState(step=14, rate_scale=1 / 256, recoveries=MAX_RECOVERIES)
    with pytest.raises(
        TrainingError, match=r"9 times, the last time at step 14.* 0\.0039 of the .*, 0\.02.*lower --learning"
    ):
        recovered(failed, TrainingState(step=7), make_plan())


def test_a_loss_that_is_as_high_at_half_the_rate_is_of_the_text() -> None:
    before = TrainingState(step=7, lowest_loss=2.0)
    assert has_diverged(4.1, before)
    again = recovered(replace(before, step=14), before, make_plan(), 4.1)
    assert (again.rate_scale, again.recoveries, again.refused_loss) == (0.5, 1, 4.1)
    assert has_diverged(3.5, again)
    assert has_diverged(4.3, again)
    assert not has_diverged(4.15, again)
    after = learned(4.15, again)
    assert (after.rate_scale, after.recoveries, after.refused_loss) == (1.0, 0, None)
    assert not has_diverged(4.5, after)
    assert has_diverged(4.7, after)
    assert learned(1.5, again) == replace(again, lowest_loss=1.5, refused_loss=None)


def test_a_loss_that_is_no_number_is_never_of_the_text() -> None:
    before = TrainingState(step=7, lowest_loss=2.0)
    again = recovered(before, before, make_plan(), math.nan)
    assert again.refused_loss is None
    assert has_diverged(math.nan, again)
