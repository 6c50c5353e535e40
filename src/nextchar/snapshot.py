"""The state of a run at one step: everything that an exact resume needs, as one file."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from nextchar import tensor_file
from nextchar.tensor_file import Arrays


@dataclass(frozen=True)
class Position:
    """How far training is: the part of a snapshot that is numbers."""

    step: int = 0
    """Updates made."""
    seconds: float = 0.0
    """Training time."""
    rate_scale: float = 1.0
    """What the learning rates of the plan are multiplied with; halved at each recovery."""
    recoveries: int = 0
    lowest_loss: float = math.inf
    """Lowest mean loss between two snapshots, in nats."""
    loss_sum: float = 0.0
    """Sum of the losses since the last evaluation, in nats."""
    evaluated_step: int = 0
    """Step of the last evaluation."""
    temperature: float = 1.0
    """Softmax temperature fitted in the last evaluation; that of a plan that is not calibrated stays 1."""
    best_bits: float | None = None
    """Bits per character of the best model on the held-out text."""
    best_step: int | None = None


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
            ValueError: the content is damaged.
        """
        header, arrays = tensor_file.from_bytes(content)
        try:
            return cls(Position(**header["position"]), arrays)
        except (KeyError, TypeError) as error:
            raise ValueError("it is no snapshot of a run") from error
