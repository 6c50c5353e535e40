"""The state of a run at one step: everything that an exact resume needs, as one file."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from nextchar.files import tensor_file
from nextchar.files.format_version import check_format, format_stamp
from nextchar.files.tensor_file import Arrays

FORMAT = 2
"""Format 1 called the state ``position`` and a shard ``part``."""


@dataclass(frozen=True)
class TrainingState:
    """How far training is: the part of a checkpoint that is numbers."""

    step: int = 0
    """Updates made."""
    seconds: float = 0.0
    """Training time."""
    rate_scale: float = 1.0
    """What the learning rates of the plan are multiplied with; halved at each recovery."""
    recoveries: int = 0
    lowest_loss: float = math.inf
    """Lowest mean loss between two checkpoints, in nats."""
    loss_sum: float = 0.0
    """Sum of the losses since the last evaluation, in nats."""
    evaluated_step: int = 0
    """Step of the last evaluation."""
    temperature: float = 1.0
    """Softmax temperature fitted in the last evaluation; that of a plan that is not calibrated stays 1."""
    best_bits: float | None = None
    """Bits per character of the best model on the held-out text."""
    best_step: int | None = None


@dataclass(frozen=True)
class Checkpoint:
    """Everything an exact resume needs."""

    state: TrainingState
    arrays: Arrays
    """Weights, best weights, optimizer, hidden state and random state, under the names `Trainer` gives them."""

    def to_bytes(self) -> bytes:
        """Return the checkpoint as a file's content."""
        return tensor_file.to_bytes({**format_stamp(FORMAT), "state": asdict(self.state)}, self.arrays)

    @classmethod
    def from_bytes(cls, content: bytes) -> Checkpoint:
        """Return the checkpoint that `to_bytes` wrote, of this format or an older one.

        Raises:
            NewerFormatError: a newer version wrote it.
            ValueError: the content is damaged.
        """
        header, arrays = tensor_file.from_bytes(content)
        state: Any = header.get("state")
        if check_format(header, FORMAT) == 1:
            state = header.get("position")
            arrays = {re.sub(r"^part(?=\d+/)", "shard", name): array for name, array in arrays.items()}
        try:
            return cls(TrainingState(**state), arrays)
        except TypeError as error:
            raise ValueError("it is no checkpoint of a run") from error
