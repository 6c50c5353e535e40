"""The state of a run at one step: everything that an exact resume needs, as one file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from nextchar.errors import without_middle
from nextchar.files import tensor_file
from nextchar.files.format_version import STAMP, check_format, format_stamp
from nextchar.files.tensor_file import Arrays

FORMAT = 2
"""Format 1 called the state ``position`` and a shard ``part``."""

Step = Annotated[int, Field(ge=0, lt=2**53)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]

Kind = tuple[str, tuple[int, ...]]
"""Name of the type and shape of an array."""


@dataclass(frozen=True)
class TrainingState:
    """How far training has come: the numbers of a checkpoint."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    step: Step = 0
    """Updates made."""
    seconds: Amount = 0.0
    """Training time."""
    rate_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor of the learning rates of the plan; halved at each recovery."""
    recoveries: Step = 0
    lowest_loss: Annotated[float, Field(ge=0)] = math.inf
    """Lowest mean loss between two checkpoints, in nats."""
    refused_loss: Amount | None = None
    """Loss at which the last stretch of updates counted as diverging, until it is learned again."""
    loss_sum: Amount = 0.0
    """Sum of the losses since the last evaluation, in nats."""
    evaluated_step: Step = 0
    """Step of the last evaluation."""
    temperature: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Softmax temperature fitted in the last evaluation; it stays 1 if the plan is not calibrated."""
    best_bits: Amount | None = None
    """Bits per character of the best model on the held-out text."""
    best_step: Step | None = None


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything that an exact resume needs."""

    state: TrainingState
    arrays: Arrays
    """Weights, best weights, optimizer, hidden state and random state, under the names that `Trainer` gives them."""

    def __repr__(self) -> str:
        return f"<Checkpoint: step {self.state.step:,}, {len(self.arrays)} arrays>"

    def to_bytes(self) -> bytes:
        """Return the checkpoint as a file's content."""
        state = asdict(self.state)
        if self.state.refused_loss is None:  # as in checkpoints from before there was one
            del state["refused_loss"]
        return tensor_file.to_bytes({**format_stamp(FORMAT), "state": state}, self.arrays)

    @classmethod
    def from_bytes(cls, content: bytes | bytearray) -> Checkpoint:
        """Return the checkpoint that `to_bytes` wrote, of this format or an older one; its arrays lie in a bytearray.

        Raises:
            NewerFormatError: a newer version wrote it.
            ValueError: the content is damaged, or holds a state that no run can reach; the message says what is wrong.
        """
        header, arrays = tensor_file.from_bytes(content)
        name = "state"
        if check_format(header, FORMAT) == 1:
            name = "position"
            arrays = {re.sub(r"^part(?=\d+/)", "shard", key): array for key, array in arrays.items()}
        if header.keys() - set(STAMP) != {name}:
            raise ValueError("it is not the checkpoint of a run")
        try:
            state = _STATE.validate_json(json.dumps(header[name]), strict=True)
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]
            entry, message = ".".join(map(str, wrong["loc"]))[:40] or name, without_middle(wrong["msg"])
            raise ValueError(f"its {entry} is not allowed: {message[0].lower()}{message[1:]}") from error
        for key, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ValueError(f"{key} holds values that are not finite numbers")
        return cls(state, arrays)

    def check_step(self, steps: int) -> None:
        """Check that a run of ``steps`` updates can reach the state.

        Raises:
            ValueError: it cannot; the message says why.
        """
        state = self.state
        if state.step > steps:
            raise ValueError(f"its step, {state.step:,}, is after the last step of the plan, {steps:,}")
        if max(state.evaluated_step, state.best_step or 0) > state.step:
            raise ValueError(f"it was scored at a later step than its own, {state.step:,}")


def kinds_of(arrays: Arrays) -> dict[str, Kind]:
    """Return the type and shape of each of ``arrays``."""
    return {name: (array.dtype.name, array.shape) for name, array in arrays.items()}


def check_arrays(arrays: Arrays, expected: Mapping[str, Kind], prefix: str = "") -> None:
    """Check that the ``arrays`` whose names begin with ``prefix`` are the ``expected`` ones, whose names lack it.

    Raises:
        ValueError: they are not; the message names the first that differs.
    """
    found = {name: kind for name, kind in kinds_of(arrays).items() if name.startswith(prefix)}
    wanted = {f"{prefix}{name}": kind for name, kind in expected.items()}
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            raise ValueError(
                f"its {name[:60]!r} is {_described(found.get(name))}, but by the plan it should be "
                f"{_described(wanted.get(name))}"
            )


def _described(kind: Kind | None) -> str:
    return "missing" if kind is None else f"{kind[0]} of shape {kind[1]}"


_STATE: TypeAdapter[TrainingState] = TypeAdapter(TrainingState)
