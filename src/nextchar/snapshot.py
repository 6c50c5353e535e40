"""The state of a run at one step: everything that an exact resume needs, as one file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from nextchar import tensor_file
from nextchar.tensor_file import Arrays

Step = Annotated[int, Field(ge=0, lt=2**53)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]

Kind = tuple[str, tuple[int, ...]]
"""Name of the type and shape of an array."""


@dataclass(frozen=True)
class Position:
    """How far training is: the part of a snapshot that is numbers."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    step: Step = 0
    """Updates made."""
    seconds: Amount = 0.0
    """Training time."""
    rate_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """What the learning rates of the plan are multiplied with; halved at each recovery."""
    recoveries: Step = 0
    lowest_loss: Annotated[float, Field(ge=0)] = math.inf
    """Lowest mean loss between two snapshots, in nats."""
    loss_sum: Amount = 0.0
    """Sum of the losses since the last evaluation, in nats."""
    evaluated_step: Step = 0
    """Step of the last evaluation."""
    temperature: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Softmax temperature fitted in the last evaluation; that of a plan that is not calibrated stays 1."""
    best_bits: Amount | None = None
    """Bits per character of the best model on the held-out text."""
    best_step: Step | None = None


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything an exact resume needs."""

    position: Position
    arrays: Arrays
    """Weights, best weights, optimizer, hidden state and random state, under the names `Trainer` gives them."""

    def __repr__(self) -> str:
        return f"<Snapshot: step {self.position.step:,}, {len(self.arrays)} arrays>"

    def to_bytes(self) -> bytes:
        """Return the snapshot as a file's content."""
        return tensor_file.to_bytes({"position": asdict(self.position)}, self.arrays)

    @classmethod
    def from_bytes(cls, content: bytes) -> Snapshot:
        """Return the snapshot that `to_bytes` wrote.

        Raises:
            ValueError: the content is damaged, or holds what no run could have come to; the message says what.
        """
        header, arrays = tensor_file.from_bytes(content)
        if header.keys() != {"position"}:
            raise ValueError("it is no snapshot of a run")
        try:
            position = _POSITION.validate_json(json.dumps(header["position"]), strict=True)
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]
            name, message = ".".join(map(str, wrong["loc"]))[:40] or "position", wrong["msg"]
            raise ValueError(f"its {name} is not allowed: {message[0].lower()}{message[1:]}") from error
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ValueError(f"{name} holds values that are no finite numbers")
        return cls(position, arrays)

    def check_step(self, steps: int) -> None:
        """Do nothing unless the position is one that a run of so many ``steps`` never comes to.

        Raises:
            ValueError: it is; the message says why.
        """
        done = self.position
        if done.step > steps:
            raise ValueError(f"its step, {done.step:,}, is after the last one of the plan, {steps:,}")
        if max(done.evaluated_step, done.best_step or 0) > done.step:
            raise ValueError(f"it was scored at a step after its own, {done.step:,}")


def kinds_of(arrays: Arrays) -> dict[str, Kind]:
    """Return what each of ``arrays`` is."""
    return {name: (array.dtype.name, array.shape) for name, array in arrays.items()}


def check_arrays(arrays: Arrays, expected: Mapping[str, Kind], prefix: str = "") -> None:
    """Do nothing if the ``arrays`` whose names begin with ``prefix`` are those ``expected`` under it, and no others.

    Raises:
        ValueError: they are not; the message names one.
    """
    found = {name: kind for name, kind in kinds_of(arrays).items() if name.startswith(prefix)}
    wanted = {f"{prefix}{name}": kind for name, kind in expected.items()}
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            raise ValueError(
                f"its {name[:60]!r} is {_described(found.get(name))}, and by the plan {_described(wanted.get(name))}"
            )


def _described(kind: Kind | None) -> str:
    return "missing" if kind is None else f"{kind[0]} of shape {kind[1]}"


_POSITION: TypeAdapter[Position] = TypeAdapter(Position)
