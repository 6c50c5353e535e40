"""The pace of training: its clock, and the number of updates that fits the time budget."""

from __future__ import annotations

import time
from collections.abc import Callable

from nextchar.training.checkpoint import TrainingState
from nextchar.training.plan import Budget, Plan

REVISED_SHARE = 0.02
"""Share of the time, or of the updates, from one look at the clock to the next."""
TOLERATED_SHARE = 0.01
"""Share of the time by which a plan may miss it."""


class Pace:
    """The clock of a run, and its time budget."""

    def __init__(self, budget: Budget | None = None, clock: Callable[[], float] = time.perf_counter) -> None:
        """Use ``clock``, which returns seconds, and ``budget``; without a budget the plan is never revised."""
        self.now = clock
        self._budget = budget
        self._begun: TrainingState | None = None
        self.step_seconds: float | None = None
        """Seconds of an update at the last look at the clock; None before it."""

    def warmed_up(self, state: TrainingState) -> None:
        """Measure the time from ``state`` on, unless it is measured already: the very first updates are slower."""
        self._begun = self._begun or state

    def restart(self) -> None:
        """Discard the measurement, because training goes back."""
        self._begun = None

    def fitting_steps(self, plan: Plan, state: TrainingState) -> int:
        """Return how many updates in all fit the time budget, if it is time to look at the clock and they differ enough
        from those of ``plan``; otherwise return those.

        Up to the last revision of ``plan`` it returns them too: a resumed run repeats what was decided.
        """
        budget, begun = self._budget, self._begun
        is_decided = any(state.step <= revision.step for revision in plan.revisions[-1:])
        if budget is None or begun is None or is_decided:
            return plan.steps
        seconds, updates = state.seconds - begun.seconds, state.step - begun.step
        if seconds <= 0 or max(seconds / budget.seconds, updates / plan.steps) < REVISED_SHARE:
            return plan.steps
        self._begun = state
        self.step_seconds = step_seconds = seconds / updates
        left = max(0.0, budget.seconds - state.seconds)
        steps = min(budget.max_steps, state.step + int(left / step_seconds))
        return plan.steps if abs(steps - plan.steps) * step_seconds < TOLERATED_SHARE * budget.seconds else steps
