"""The pace of training: its clock, and a single correction of the number of updates to the time budget."""

from __future__ import annotations

import time
from collections.abc import Callable

from nextchar.training.checkpoint import TrainingState
from nextchar.training.plan import Budget, Plan

TIMED_SECONDS = 1.0
"""Shortest training time from which the number of updates is revised."""


class Pace:
    """The clock of a run, and its time budget."""

    def __init__(self, budget: Budget | None = None, clock: Callable[[], float] = time.perf_counter) -> None:
        """Use ``clock``, which returns seconds, and ``budget``; without a budget the plan is never revised."""
        self.now = clock
        self._budget = budget
        self._begun: TrainingState | None = None

    def warmed_up(self, state: TrainingState) -> None:
        """Measure the time from ``state`` on, unless it is measured already: the very first updates are slower."""
        self._begun = self._begun or state

    def restart(self) -> None:
        """Discard the measurement, because training goes back."""
        self._begun = None

    def revise(self, plan: Plan, state: TrainingState) -> Plan:
        """Return ``plan`` with its number of updates fitted to the time budget, at the last checkpoint of the warm-up;
        return it unchanged at any other."""
        begun = self._begun
        if self._budget is None or begun is None or plan.boundary_after(state.step) <= plan.warm_up:
            return plan
        budget, self._budget = self._budget, None
        seconds = state.seconds - begun.seconds
        if seconds < TIMED_SECONDS or state.step > plan.warm_up or state.evaluated_step > 0:
            return plan
        return budget.revise(plan, state.step, state.seconds, seconds / (state.step - begun.step))
