"""Recovery: when training has diverged, how it continues from the last checkpoint, and when it gives up."""

from __future__ import annotations

from dataclasses import replace

from nextchar.errors import TrainingError
from nextchar.training.checkpoint import TrainingState
from nextchar.training.plan import Plan

DIVERGENCE = 1.0
"""Nats by which the mean loss between two checkpoints may exceed the lowest before training counts as diverging."""
MAX_RECOVERIES = 8
"""Recoveries before a run gives up; its learning rate is then 1/256 of the plan's."""


def has_diverged(loss: float, state: TrainingState) -> bool:
    """Return whether ``loss``, the mean since the last checkpoint, is not a number or far above the lowest so far."""
    return not loss < state.lowest_loss + DIVERGENCE


def recovered(failed: TrainingState, last: TrainingState, plan: Plan) -> TrainingState:
    """Return the state to continue from: the ``last`` one, with half the learning rate.

    Args:
        failed: the state in which training has diverged.
        last: the state of the last checkpoint.
        plan: the plan of the run.

    Raises:
        TrainingError: training has diverged too many times.
    """
    if failed.recoveries == MAX_RECOVERIES:
        raise TrainingError(
            f"Training diverged {MAX_RECOVERIES + 1} times, the last time at step {failed.step}, even with "
            f"{failed.rate_scale:.2g} of the planned learning rate, {plan.learning_rate:g}. The best model so far is "
            "kept; train again with a lower --learning-rate."
        )
    return replace(last, rate_scale=failed.rate_scale / 2, recoveries=failed.recoveries + 1, seconds=failed.seconds)
