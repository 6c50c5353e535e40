"""Validation: when the model is scored, on how much of the held-out text, and which model is the best so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nextchar.files.tensor_file import Arrays
from nextchar.model.calibration import fit_temperature
from nextchar.model.scoring import bits_per_id
from nextchar.networks.architecture import Ids, Network, Parameters
from nextchar.parallel import Executor
from nextchar.training.checkpoint import TrainingState
from nextchar.training.dataset import Dataset
from nextchar.training.plan import Plan

SCORED_SHARE = 0.02
"""Held-out characters that all evaluations together read for each character trained on. Scoring a character takes about
0.6 times as long as training on it, so this takes 1 or 2 % of the time."""
MIN_SCORED = 4096
"""Fewest characters of an evaluation, so that evaluations can be compared."""
EXCERPT = 2048
"""Ids in a piece of the excerpts. The first few of each are predicted from the end of another piece."""


class Validation:
    """The scorings of a run."""

    def __init__(self, dataset: Dataset, plan: Plan, evaluations: int) -> None:
        """Prepare ``evaluations`` scorings, evenly over the ``plan``."""
        self._dataset, self._last = dataset, plan.steps
        self._steps = frozenset(evaluation_steps(plan, evaluations))
        held_out = dataset.validation
        self.excerpts = excerpts(held_out, scored_at_once(plan, evaluations, len(held_out)))
        """The held-out ids, shape (n,), that the scorings before the last one read."""

    def is_due(self, step: int) -> bool:
        """Return whether the model is scored after ``step``."""
        return step in self._steps

    def scored(self, step: int) -> Ids:
        """Return the held-out ids, shape (n,), that give the best model's bits after ``step``: excerpts, or all at the
        end of the plan."""
        return self._dataset.validation if step == self._last else self.excerpts

    def temperature(self, network: Network[Any], executor: Executor) -> float | None:
        """Return the softmax temperature that fits the held-out text best; None if there is too little of it."""
        held_out = self._dataset.validation
        return fit_temperature(network, held_out, executor) if len(held_out) > 1 else None

    def bits(self, network: Network[Any], ids: Ids, executor: Executor) -> float:
        """Return the bits per character of ``network`` on held-out ``ids`` (n,), at least one."""
        dataset = self._dataset
        return dataset.bits_per_character(ids, bits_per_id(network, ids, dataset.first_read, executor))


class BestModel:
    """The best weights so far. The training state has their step and their bits per character."""

    prefix = "best/"
    """Prefix of the names of the best weights in a checkpoint."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    def offer(self, parameters: Parameters, bits: float | None, state: TrainingState) -> TrainingState:
        """Keep ``parameters`` if they are better than the best so far; return the new state.

        Args:
            parameters: the weights at the step of ``state``.
            bits: bits per character on the held-out text. None if nothing is held out: the last weights are the best.
            state: the state of training.
        """
        if bits is not None and state.best_bits is not None and not bits < state.best_bits:
            return state
        self.parameters = parameters
        return replace(state, best_bits=bits, best_step=state.step)

    def arrays(self) -> Arrays:
        """Return the weights under their names in a checkpoint."""
        return {f"{BestModel.prefix}{name}": array for name, array in self.parameters.items()}

    def load(self, arrays: Mapping[str, Any]) -> None:
        """Restore what `arrays` returned."""
        self.parameters = {name: arrays[f"{BestModel.prefix}{name}"].copy() for name in self.parameters}


def evaluation_steps(plan: Plan, evaluations: int) -> list[int]:
    """Return the steps after which the model is scored: ``evaluations``, evenly over the plan, each at a checkpoint."""
    epoch = plan.feeding.epoch_steps
    # With one evaluation for each pass over the windows, complete or not, each comes at the end of a pass.
    every = epoch if epoch and evaluations == math.ceil(plan.steps / epoch) else plan.first_steps / evaluations
    wanted = (plan.step_at(math.ceil(every * number)) for number in range(1, evaluations + 1))
    return sorted({plan.boundary_after(step - 1) for step in wanted})


def scored_at_once(plan: Plan, evaluations: int, held_out: int) -> int:
    """Return how many of the ``held_out`` characters each evaluation reads.

    It reads excerpts that take little time, but all characters if there are less than twice as many, and after passes
    over windows, which take long anyway. A revision of the plan does not change how many.
    """
    characters = plan.first_steps * plan.feeding.predicted
    enough = max(MIN_SCORED, int(SCORED_SHARE * characters / evaluations))
    return held_out if plan.feeding.epoch_steps or held_out < 2 * enough else enough


def excerpts(ids: Ids, count: int) -> Ids:
    """Return ``count`` of ``ids``, or slightly fewer, in pieces of `EXCERPT` from all over them; all if there are no
    more."""
    if len(ids) <= count:
        return ids
    pieces = max(1, count // EXCERPT)
    starts = np.linspace(0, len(ids) - EXCERPT, pieces).astype(int)
    return np.concatenate([ids[start : start + EXCERPT] for start in starts])
