"""The plan of a run: chosen for its text and this machine, or taken from another run."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from nextchar.errors import TextError
from nextchar.runs.run_settings import MAX_EVALUATIONS, RunSettings, plan_of
from nextchar.runs.trainers import measure
from nextchar.settings import TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.training.feeding import Lines, Streams, Windows
from nextchar.training.plan import ChosenPlan, Plan
from nextchar.training.recipes import recipe_of

if TYPE_CHECKING:
    from nextchar.networks.torch_threads import Compute


def plan_of_run(run: RunSettings, corpus: Corpus) -> ChosenPlan:
    """Return the plan of ``run``, perhaps made for another text, with as many windows as ``corpus`` has.

    Raises:
        UsageError: the run has none.
        TextError: the text is too short for a window, or the plan is for a list and this is none, or the other way
            round.
    """
    return ChosenPlan(_for_text(plan_of(run), corpus), None)


def choose_plan(corpus: Corpus, training: TrainingSettings, compute: Compute) -> ChosenPlan:
    """Return the plan for ``corpus`` for which this machine is timed."""
    processes, vocabulary = compute.processes.count, corpus.vocabulary
    chosen = recipe_of(training).choose_plan(
        len(corpus.training),
        vocabulary.size,
        training,
        compute.threads if compute.device.type == "cpu" else processes,
        lambda plan: measure(_for_list(plan, corpus), vocabulary, compute),
        measure_exchange=(lambda plan: measure(plan, vocabulary, compute, "exchange")) if processes > 1 else None,
        device=compute.device.type,
        processes=processes,
    )
    return replace(chosen, plan=_for_list(chosen.plan, corpus))


def _for_list(plan: Plan, corpus: Corpus) -> Plan:
    """Return ``plan`` with lines in place of streams where ``corpus`` is a list, about as many characters an update."""
    if corpus.line_end is None or not isinstance(plan.feeding, Streams):
        return plan
    feeding = Lines.instead_of(plan.feeding, corpus.training, corpus.line_end)
    shards = max(1, min(plan.shards, feeding.batch))
    return plan.model_copy(update={"feeding": feeding, "shards": shards, "exchange": "float32", "average_every": 1})


def _for_text(plan: Plan, corpus: Corpus) -> Plan:
    """Return ``plan`` with as many windows as ``corpus`` has; errors are those of `plan_of_run`."""
    if isinstance(plan.feeding, Lines) != corpus.is_list:
        given, fits = ("running text", "a list") if corpus.is_list else ("a list", "running text")
        raise TextError(
            f"The plan is for {given}, and the text is {fits}: give --{'prose' if corpus.is_list else 'lines'}, or "
            "another plan."
        )
    feeding = plan.feeding.over(len(corpus.training))
    if isinstance(feeding, Lines) and corpus.line_end is not None:
        feeding = feeding.model_copy(update={"line_end": corpus.line_end})
    if isinstance(feeding, Windows) and feeding.count == 0:
        raise TextError(
            f"The text has {len(corpus.training):,} characters to learn from, but the plan reads windows of "
            f"{feeding.window}: give a longer text or another plan."
        )
    return plan.model_copy(update={"feeding": feeding})


def evaluations_of(chosen: ChosenPlan) -> int:
    """Return how often a run is scored: after each pass over windows, otherwise so rarely that it takes a small share
    of the time."""
    epoch_steps = chosen.plan.feeding.epoch_steps
    if epoch_steps is not None:
        return min(MAX_EVALUATIONS, math.ceil(chosen.plan.steps / epoch_steps))
    seconds = chosen.expected_seconds
    return 8 if seconds is None else max(4, min(12, round(0.8 * math.sqrt(seconds))))
