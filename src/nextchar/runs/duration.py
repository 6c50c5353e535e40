"""How long a whole run takes, with everything besides training."""

from __future__ import annotations

from nextchar.model.blending import LOGITS
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
REPORT, LOADING = 0.6, 1.0
"""Seconds to write the report, and to load the program."""
COUNTING = 1.5e-6
"""Seconds to count a character."""
SCORING_WITH_MEMORY = 1.1
"""Time to score a character by network and memory, as a share of the time to train on it."""
FITTING = 0.6e-6
"""Seconds to fit the weights of the memory, for each logit."""


def seconds_beside_training(
    plan: Plan,
    architecture: Architecture,
    seconds: float,
    *,
    evaluations: int,
    held_out: int,
    sample_length: int,
    counted: int,
) -> float:
    """Return roughly how many seconds a run spends on everything besides updates, from the first update on.

    Args:
        plan: every number of the training.
        architecture: the architecture of the network.
        seconds: measured time of all updates.
        evaluations: how often the model is scored and calibrated and writes samples.
        held_out: characters scored at the end.
        sample_length: characters of each sample.
        counted: characters that are counted for a memory; 0 without one.
    """
    calibrated = min(held_out, STREAMS * LENGTH) if plan.calibrated else 0
    at_once = scored_at_once(plan, evaluations, held_out)
    scored = evaluations * (at_once + calibrated) + held_out
    written = evaluations * len(SAMPLE_TEMPERATURES) * sample_length * (architecture.context_length or 1)
    learning = seconds / plan.characters  # for each character
    remembering = 0.0
    if counted:
        fitted = sum(_fitted(ids, architecture.vocabulary_size) for ids in [*[at_once] * evaluations, held_out])
        again = evaluations * at_once + held_out
        remembering = COUNTING * counted + SCORING_WITH_MEMORY * learning * again + FITTING * fitted
    beside = SCORING * learning * scored + WRITING * numpy_seconds(architecture, written)
    return beside + remembering + REPORT + LOADING


def _fitted(ids: int, vocabulary_size: int) -> int:
    """Return how many logits the weights of a memory are fitted on, for ``ids`` that are scored: those of each half and
    of all (`nextchar.model.blending.honest_bits`)."""
    return sum(min(LOGITS, part * vocabulary_size) for part in (ids // 2, ids // 2, ids))
