"""The plan of a run: every size and number of training, fixed before it starts.

A recipe (`nextchar.training.recipe`) chooses it. Only the number of updates is fitted to a time budget once more, when
the run has warmed up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nextchar.networks.architecture import GATES, Architecture
from nextchar.settings import Precision
from nextchar.training.feeding import Count, Feeding

CHECKPOINT_WORK = 6e10
"""Floating-point operations between two checkpoints: half a second on two cores, half a minute on the slowest
machine."""
MAX_CHECKPOINT_UPDATES = 100
"""Most updates between two checkpoints."""


class Plan(BaseModel):
    """What training does, step by step. The same plan, text, seed and machine give the same weights, bit for bit."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    hidden: tuple[Annotated[int, Field(ge=1, le=8192)], ...] = Field(min_length=1, max_length=8)
    """Units of each LSTM layer."""
    embedding: int | None = Field(ge=1, le=8192)
    """Size of the character embedding; None is one-hot."""
    input_dropout: float = Field(ge=0, lt=1)
    """Share of the embedding dropped."""
    dropout: float = Field(ge=0, lt=1)
    """Share of the outputs of each layer dropped."""
    feeding: Feeding
    """What is read at each update."""
    shards: int = Field(ge=1, le=4096)
    """Shards of a batch that are computed side by side, each in a thread of its own; their gradients are added up."""
    steps: Count = Field(ge=1)
    """Updates of the weights."""
    initial_weights: Literal["frequencies", "keras"] = "frequencies"
    """The distributions that the first weights come from (`nextchar.training.initial_weights`)."""
    optimizer: Literal["adamw", "rmsprop"] = "adamw"
    precision: Precision = "float32"
    """Of the products in an update; weights, their changes and everything else are float32 always."""
    schedule: Literal["cosine", "constant"] = "cosine"
    learning_rate: float = Field(gt=0, le=10)
    """Peak of the schedule: linear warm-up, then half a cosine down to a hundredth, or constant."""
    warm_up: Count = Field(ge=0)
    """Steps of the warm-up."""
    weight_decay: float = Field(ge=0, le=10)
    clip: Annotated[float, Field(gt=0)] | None
    """Largest norm of the gradient."""
    calibrated: bool = False
    """Whether the softmax temperature is fitted on the held-out text, whenever the model is scored."""
    checkpoint_every: int = Field(ge=1, le=10_000)
    """Steps between the states that a save writes and a diverging run returns to."""

    @model_validator(mode="before")
    @classmethod
    def _read_format_1(cls, plan: object) -> object:
        """Read a plan as files of format 1 have it, with ``streams``, ``window``, ``stride`` and ``windows``."""
        if not isinstance(plan, dict):
            return plan
        values = cast("dict[str, Any]", plan)
        if isinstance(values.get("hidden"), list):  # what passes through here is no JSON any more, and has its tuple
            values = {**values, "hidden": tuple(values["hidden"])}
        return _from_format_1(values) if "streams" in values and "feeding" not in values else values

    @model_validator(mode="after")
    def _fits_together(self) -> Plan:
        if self.shards > self.feeding.batch:
            raise ValueError(
                f"a plan of {self.feeding.batch} {self.feeding.kind} cannot have {self.shards} shards: give as many at "
                "most"
            )
        return self

    def architecture(self, vocabulary_size: int) -> Architecture:
        """Return the network that the plan trains, for a vocabulary of that size."""
        return Architecture(
            vocabulary_size=vocabulary_size,
            embedding=self.embedding,
            hidden=self.hidden,
            context_length=self.feeding.context_length,
        )

    @property
    def characters(self) -> int:
        """Characters predicted over the whole run."""
        return self.steps * self.feeding.predicted

    def epochs(self, steps: int, characters: int) -> float:
        """Return the passes over a training text of so many ``characters`` that ``steps`` updates make."""
        epoch_steps = self.feeding.epoch_steps
        return steps * self.feeding.predicted / characters if epoch_steps is None else steps / epoch_steps

    def boundary_after(self, step: int) -> int:
        """Return the first step after ``step`` at which a checkpoint is taken; the end of a pass over windows is one,
        too."""
        epoch = self.feeding.epoch_steps or self.steps
        first = step // epoch * epoch
        following = first + ((step - first) // self.checkpoint_every + 1) * self.checkpoint_every
        return min(self.steps, first + epoch, following)


def _from_format_1(plan: dict[str, Any]) -> dict[str, Any]:
    """Return ``plan`` with today's names; what is missing or wrong stays so."""
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


def checkpoint_every(steps: int, update_work: float) -> int:
    """Return the updates between two checkpoints, of ``update_work`` floating-point operations each."""
    return max(1, min(steps // 20, MAX_CHECKPOINT_UPDATES, int(CHECKPOINT_WORK / update_work)))


def training_work(hidden: int, embedding: int, vocabulary_size: int) -> int:
    """Return floating-point operations to train on one character: two a multiplication, forward once and back twice."""
    return 6 * (GATES * hidden * (hidden + embedding) + hidden * vocabulary_size)


@dataclass(frozen=True)
class Budget:
    """The time budget of a plan."""

    seconds: float
    max_steps: int
    """Updates beyond which the model would learn the text by heart."""

    def revise(self, plan: Plan, done: int, seconds: float, step_seconds: float) -> Plan:
        """Return ``plan`` with as many updates as the rest of the time allows; as it is where they are nearly as many.

        Nothing else of a plan changes, and none of its updates up to the end of the warm-up depends on their number: a
        run that follows the plan returned from its start gives the same weights.

        Args:
            plan: of the run.
            done: updates made, within the warm-up.
            seconds: that they took.
            step_seconds: what an update takes by now.
        """
        fitting = done + int((self.seconds - seconds) / step_seconds)
        steps = min(self.max_steps, max(plan.steps // 2, min(2 * plan.steps, fitting)))
        return plan if abs(steps - plan.steps) < 0.03 * plan.steps else plan.model_copy(update={"steps": steps})


@dataclass(frozen=True)
class ChosenPlan:
    """A plan and why it is as it is."""

    plan: Plan
    expected_seconds: float | None
    """Training time by the measured speed; None where nothing was measured."""
    notes: tuple[str, ...] = ()
    budget: Budget | None = None
    """What determines its number of updates, unless that was given."""


Measure = Callable[[Plan], float]
"""Returns the seconds that one update of a plan takes on this machine."""
