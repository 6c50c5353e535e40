"""The plan of a run: every size and number of training, fixed before it starts.

A recipe (`nextchar.training.recipe`) chooses it. Only the number of updates can change: it follows the clock of a run
that has a time budget. The plan records each change, so that it leads to the same weights again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nextchar.networks.architecture import GATES, Architecture
from nextchar.settings import Exchange, Precision
from nextchar.training.feeding import Count, Feeding

CHECKPOINT_WORK = 6e10
"""Floating-point operations between two checkpoints: half a second of work on two cores, half a minute on the slowest
machine."""
GPU_CHECKPOINT_WORK = 2e13
"""The same on a GPU: a second or two. A checkpoint copies all weights from it."""
MAX_CHECKPOINT_UPDATES = 100
"""Most updates between two checkpoints."""
LARGE_VOCABULARY, COMPARED = 5000, 2000
"""Ids from which on the loss is sampled, and about how many are then compared."""
_MAX_REVISIONS = 10_000
"""Most changes of the number of updates; a run makes fewer than a hundred."""


class Revision(BaseModel):
    """A change of the number of updates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Count = Field(ge=1)
    """Updates made when the number changed."""
    planned_steps: Count = Field(ge=1)
    """The number until then."""


class Plan(BaseModel):
    """All that training follows. The same plan, text, seed and machine give the same weights, bit for bit."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    hidden: tuple[Annotated[int, Field(ge=1, le=8192)], ...] = Field(min_length=1, max_length=8)
    """Units of each LSTM layer."""
    embedding: int | None = Field(ge=1, le=8192)
    """Size of the character embedding; None means one-hot."""
    input_dropout: float = Field(ge=0, lt=1)
    """Share of the embedding that dropout sets to zero."""
    dropout: float = Field(ge=0, lt=1)
    """Share of the outputs of each layer that dropout sets to zero."""
    weight_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the recurrent weights that each update leaves out (`nextchar.training.weight_dropout`)."""
    feeding: Feeding
    """What an update reads."""
    shards: int = Field(ge=1, le=4096)
    """Shards of a batch, each computed in a thread of its own; their gradients are added up."""
    steps: Count = Field(ge=1)
    """Updates of the weights."""
    revisions: tuple[Revision, ...] = Field(default=(), max_length=_MAX_REVISIONS)
    """How the number of updates came about, in order of the steps."""
    initial_weights: Literal["frequencies", "keras"] = "frequencies"
    """Distributions of the initial weights (`nextchar.training.initial_weights`)."""
    optimizer: Literal["adamw", "rmsprop"] = "adamw"
    precision: Precision = "float32"
    """Number format of the matrix products in an update; weights, their changes and the rest are always float32."""
    schedule: Literal["cosine", "constant"] = "cosine"
    learning_rate: float = Field(gt=0, le=10)
    """Peak of the schedule: a linear warm-up, then half a cosine down to a hundredth, or constant."""
    warm_up: Count = Field(ge=0)
    """Steps of the warm-up, as `position` counts them."""
    weight_decay: float = Field(ge=0, le=10)
    clip: Annotated[float, Field(gt=0)] | None
    """Largest norm of the gradient."""
    sampled: bool = False
    """Whether the loss of an update is estimated from some of the ids, as pays for many thousand."""
    factored: bool = False
    """Whether syllables of Hangul learn by their letters, too (`nextchar.training.factors`)."""
    calibrated: bool = False
    """Whether each scoring fits the softmax temperature on the held-out text."""
    exchange: Exchange = "float32"
    """What several processes exchange; one process alone sums the gradients of all shards, whatever it is."""
    average_every: int = Field(default=1, ge=1, le=10_000)
    """Updates of each process before the weights of all are averaged, where the exchange is local."""
    checkpoint_every: int = Field(ge=1, le=10_000)
    """Steps between two checkpoints; a save writes the last one, and a run that diverges returns to it."""

    @model_validator(mode="before")
    @classmethod
    def _read_format_1(cls, plan: object) -> object:
        """Read a plan of format 1 too, with ``streams``, ``window``, ``stride`` and ``windows``."""
        if not isinstance(plan, dict):
            return plan
        values = cast("dict[str, Any]", plan)
        for name in ("hidden", "revisions"):
            if isinstance(values.get(name), list):  # strict validation asks for a tuple
                values = {**values, name: tuple(values[name])}
        return _from_format_1(values) if "streams" in values and "feeding" not in values else values

    @model_validator(mode="after")
    def _fits_together(self) -> Plan:
        if self.shards > self.feeding.batch:
            raise ValueError(
                f"a plan of {self.feeding.batch} {self.feeding.kind} cannot have {self.shards} shards: give at most "
                f"{self.feeding.batch}"
            )
        if self.exchange != "float32" and self.feeding.kind != "streams":
            raise ValueError(f"a plan of {self.feeding.kind} cannot exchange {self.exchange}: choose float32")
        steps = [revision.step for revision in self.revisions]
        changes = pairwise([*(revision.planned_steps for revision in self.revisions), self.steps])
        if steps != sorted(set(steps)) or any(s > min(change) for s, change in zip(steps, changes, strict=True)):
            raise ValueError("its revisions contradict each other or its number of steps")
        return self

    def architecture(self, vocabulary_size: int) -> Architecture:
        """Return the architecture of the network that the plan trains, for a vocabulary of that size."""
        return Architecture(
            vocabulary_size=vocabulary_size,
            embedding=self.embedding,
            hidden=self.hidden,
            context_length=self.feeding.context_length,
            line_end=self.feeding.line_end,
        )

    @property
    def characters(self) -> int:
        """Characters predicted over the whole run."""
        return self.steps * self.feeding.predicted

    def epochs(self, steps: int, characters: int) -> float:
        """Return how many passes ``steps`` updates make over a training text of ``characters``."""
        epoch_steps = self.feeding.epoch_steps
        return steps * self.feeding.predicted / characters if epoch_steps is None else steps / epoch_steps

    def boundary_after(self, step: int) -> int:
        """Return the first step after ``step`` with a checkpoint; the end of a pass over windows and a revision have
        one too."""
        epoch = self.feeding.epoch_steps or self.steps
        first = step // epoch * epoch
        following = first + ((step - first) // self.checkpoint_every + 1) * self.checkpoint_every
        revised = (revision.step for revision in self.revisions if revision.step > step)
        return min(self.steps, first + epoch, following, *revised)

    @property
    def first_steps(self) -> int:
        """The number of updates before any revision, in which `position` counts."""
        return self.revisions[0].planned_steps if self.revisions else self.steps

    def revised(self, step: int, steps: int) -> Plan:
        """Return the plan that has ``steps`` updates in all from ``step`` on."""
        revision = Revision(step=step, planned_steps=self.steps)
        return self.model_copy(update={"steps": steps, "revisions": (*self.revisions, revision)})

    def position(self, step: int) -> float:
        """Return how far the run is after ``step`` updates, from 0 to `first_steps`; learning rates and scorings depend
        on it.

        Without revisions it is the step. Each revision changes how fast it grows from there on, so that it reaches the
        end with the new last step.
        """
        for begin, end, position, growth in self._stretches():
            if step <= end:
                return position + growth * (step - begin)
        return self.first_steps

    def step_at(self, position: float) -> int:
        """Return the first step with that `position` or a later one."""
        for begin, end, before, growth in self._stretches():
            if position <= before + growth * (end - begin):
                return min(end, begin + math.ceil((position - before) / growth))
        return self.steps

    def _stretches(self) -> Iterator[tuple[int, int, float, float]]:
        """Yield for each stretch of steps with the same number of updates: its first step, its last one, the position
        at the first one, and how much an update adds to it."""
        begin, position = 0, 0.0
        ends = [(revision.step, revision.planned_steps) for revision in self.revisions]
        for end, steps in [*ends, (self.steps, self.steps)]:
            growth = (self.first_steps - position) / (steps - begin) if steps > begin else 0.0
            yield begin, end, position, growth
            begin, position = end, position + growth * (end - begin)


def _from_format_1(plan: dict[str, Any]) -> dict[str, Any]:
    """Return ``plan`` with the present names; missing and wrong values stay for validation."""
    feeding: dict[str, Any] = {"kind": "streams"}
    if plan.get("stride") is not None or plan.get("windows") is not None:
        feeding["kind"] = "windows"
    renamed = {"streams": "batch", "window": "window", "stride": "stride", "windows": "count"}
    upgraded: dict[str, Any] = {"feeding": feeding}
    for name, value in plan.items():
        if name not in renamed:
            upgraded["checkpoint_every" if name == "snapshot_every" else name] = value
        elif value is not None or name in {"streams", "window"}:
            feeding[renamed[name]] = value
    return upgraded


def checkpoint_every(steps: int, update_work: float, device: str = "cpu") -> int:
    """Return the updates between two checkpoints, where an update takes ``update_work`` floating-point operations on a
    ``device`` of that kind."""
    work = GPU_CHECKPOINT_WORK if device == "cuda" else CHECKPOINT_WORK
    return max(1, min(steps // 20, MAX_CHECKPOINT_UPDATES, int(work / update_work)))


def is_large(vocabulary_size: int) -> bool:
    """Return whether there are so many ids that the loss is sampled."""
    return vocabulary_size > LARGE_VOCABULARY


def training_work(hidden: int, embedding: int, vocabulary_size: int) -> int:
    """Return the floating-point operations to train on one id: two for each multiplication, once forward and twice
    backward."""
    compared = COMPARED if is_large(vocabulary_size) else vocabulary_size
    return 6 * (GATES * hidden * (hidden + embedding) + hidden * compared)


class Budget(BaseModel):
    """The time budget of a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seconds: float = Field(gt=0)
    """Training time to use."""
    max_steps: Count = Field(ge=1)
    """Most updates; with more the model would memorise the text."""


@dataclass(frozen=True)
class ChosenPlan:
    """A plan, and how it came about."""

    plan: Plan
    expected_seconds: float | None
    """Training time by the measured speed; None if nothing was measured."""
    notes: tuple[str, ...] = ()
    budget: Budget | None = None
    """The time budget behind its number of updates; None if the number was given."""


Measure = Callable[[Plan], float]
"""Returns the seconds that an update of a plan takes on this machine."""
