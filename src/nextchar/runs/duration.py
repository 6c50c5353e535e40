"""How long a whole run takes, with everything besides training."""

from __future__ import annotations

from nextchar.model.calibration import LENGTH, STREAMS
from nextchar.networks.architecture import Architecture
from nextchar.networks.engine import numpy_seconds
from nextchar.settings import SAMPLE_TEMPERATURES
from nextchar.training.plan import Plan
from nextchar.training.validation import scored_at_once

SCORING = 0.4
"""Time to score a character, as a share of the time to train on it: without gradients, and in other shapes."""
WRITING = 2.0
"""Time for a character of a sample, as a multiple of the time to compute it: it is also drawn, logged and shown."""
REPORT = 0.6
"""Seconds to write the report."""


def seconds_beside_training(
    plan: Plan, architecture: Architecture, seconds: float, *, evaluations: int, held_out: int, sample_length: int
) -> float:
    """Return roughly how many seconds a run spends on everything besides updates, from the first update on.

    Args:
        plan: every number of the training.
        architecture: the architecture of the network.
        seconds: measured time of all updates.
        evaluations: how often the model is scored and calibrated and writes samples.
        held_out: characters scored at the end.
        sample_length: characters of each sample.
    """
    calibrated = min(held_out, STREAMS * LENGTH) if plan.calibrated else 0
    scored = evaluations * (scored_at_once(plan, evaluations, held_out) + calibrated) + held_out
    written = evaluations * len(SAMPLE_TEMPERATURES) * sample_length * (architecture.context_length or 1)
    learning = seconds / plan.characters  # for each character
    return SCORING * learning * scored + WRITING * numpy_seconds(architecture, written) + REPORT
