"""The pace of training: its clock, and the one correction of the number of updates to a time budget."""

from __future__ import annotations

import time
from collections.abc import Callable

from nextchar.training.checkpoint import TrainingState
from nextchar.training.plan import Budget, Plan

TIMED_SECONDS = 1.0
"""Least training time from which the number of updates is revised."""


class Pace:
    """The clock of a run, and its time budget."""

    def __init__(self, budget: Budget | None = None, clock: Callable[[], float] = time.perf_counter) -> None:
        """``clock`` returns seconds; it is read around training alone. Without a ``budget`` nothing is revised."""
        self.now = clock
        self._budget = budget
        self._begun: TrainingState | None = None

    def warmed_up(self, state: TrainingState) -> None:
        """Time the updates from ``state`` on, unless they are timed already: the very first ones are slower."""
        self._begun = self._begun or state

    def restart(self) -> None:
        """Forget what was timed: training goes back."""
        self._begun = None

    def revise(self, plan: Plan, state: TrainingState) -> Plan:
        """Return ``plan`` with its number of updates fitted to the time, once, at the last checkpoint of the warm-up;
        as it is at any other."""
        begun = self._begun
        if self._budget is None or begun is None or plan.boundary_after(state.step) <= plan.warm_up:
            return plan
        budget, self._budget = self._budget, None
        seconds = state.seconds - begun.seconds
        if seconds < TIMED_SECONDS or state.step > plan.warm_up or state.evaluated_step > 0:
            return plan
        return budget.revise(plan, state.step, state.seconds, seconds / (state.step - begun.step))
