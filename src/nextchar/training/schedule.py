"""The learning rate as a function of the step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nextchar.training.plan import Plan

FINAL_RATE = 0.01
"""Learning rate at the end of a cosine, as a share of its peak."""


@dataclass(frozen=True)
class Schedule:
    """The learning rates of a plan."""

    plan: Plan

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of ``step``, counted from 0: a linear warm-up, then half a cosine down to
        `FINAL_RATE` of the peak, or constant. It follows `Plan.position`, so that a revision makes no jump."""
        plan, position = self.plan, self.plan.position(step)
        if position < plan.warm_up:
            share = min(1.0, plan.position(step + 1) / plan.warm_up)
        elif plan.schedule == "constant":
            share = 1.0
        else:
            remaining = 0.5 * (1 + math.cos(math.pi * (position - plan.warm_up) / (plan.first_steps - plan.warm_up)))
            share = FINAL_RATE + (1 - FINAL_RATE) * remaining
        return plan.learning_rate * share
