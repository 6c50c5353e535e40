"""Recovery: when training has diverged, how it continues from the last checkpoint, and when it gives up."""

from __future__ import annotations

import math
from dataclasses import replace

from nextchar.errors import TrainingError
from nextchar.training.checkpoint import TrainingState
from nextchar.training.plan import Plan

DIVERGENCE = 1.0
"""Nats by which the mean loss between two checkpoints may exceed the lowest before training counts as diverging."""
MAX_RECOVERIES = 8
"""Recoveries before a run gives up; its learning rate is then 1/256 of the plan's."""


SAME = 0.1
"""Nats by which the loss of a stretch may differ when it is learned again with half the rate, if the text is the cause
that it is high: it may be in another language there, or of bytes that nothing predicts."""


def has_diverged(loss: float, state: TrainingState) -> bool:
    """Return whether ``loss``, the mean since the last checkpoint, is not a number, or far above the lowest so far and
    not what it was at twice the rate."""
    return not (loss < state.lowest_loss + DIVERGENCE or is_of_text(loss, state))


def is_of_text(loss: float, state: TrainingState) -> bool:
    """Return whether ``loss`` is that of a stretch that counted as diverging, with half the rate: so it is the text."""
    return state.refused_loss is not None and abs(loss - state.refused_loss) < SAME


def learned(loss: float, state: TrainingState) -> TrainingState:
    """Return the ``state`` after a stretch of updates with that mean ``loss``, which has not diverged."""
    if not is_of_text(loss, state):
        return replace(state, lowest_loss=min(loss, state.lowest_loss), refused_loss=None)
    # As before it was refused; other such stretches will come.
    lowest = max(state.lowest_loss, loss - DIVERGENCE / 2)
    rate = min(1.0, 2 * state.rate_scale)
    return replace(state, lowest_loss=lowest, refused_loss=None, rate_scale=rate, recoveries=state.recoveries - 1)


def recovered(failed: TrainingState, last: TrainingState, plan: Plan, loss: float = math.nan) -> TrainingState:
    """Return the state to continue from: the ``last`` one, with half the learning rate.

    Args:
        failed: the state in which training has diverged.
        last: the state of the last checkpoint.
        plan: the plan of the run.
        loss: of the stretch of updates that failed, in nats.

    Raises:
        TrainingError: training has diverged too many times.
    """
    if failed.recoveries == MAX_RECOVERIES:
        raise TrainingError(
            f"Training diverged {MAX_RECOVERIES + 1} times, the last time at step {failed.step}, even with "
            f"{failed.rate_scale:.2g} of the planned learning rate, {plan.learning_rate:g}. The best model so far is "
            "kept; train again with a lower --learning-rate."
        )
    return replace(
        last,
        rate_scale=failed.rate_scale / 2,
        recoveries=failed.recoveries + 1,
        seconds=failed.seconds,
        refused_loss=loss if math.isfinite(loss) else None,
    )
