"""Batches as tensors on the device that learns from them.

A GPU keeps the whole text where it has room for it. An update then copies to it only where each window begins, and
never waits for what it computes.
"""

# torch types numpy arrays as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nextchar.training.feeding import Batches, WindowBatches

MAX_TEXT_SHARE = 0.25
"""Share of a GPU's free memory that the text may take."""


class DeviceBatches(Protocol):
    """The batches of a run, as tensors on a device."""

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return the inputs (T, B) and the targets, (T, B) or (1, B), of ``step``."""
        ...


class CopiedBatches:
    """Batches read in main memory and copied to the device."""

    def __init__(self, batches: Batches, device: torch.device) -> None:
        self._batches, self._device = batches, device

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return the inputs (T, B) and the targets, (T, B) or (1, B), of ``step``."""
        inputs, targets = self._batches.batch(step)
        return to_device(inputs, self._device), to_device(targets, self._device)


class ResidentText:
    """Batches read from a copy of the text on the device."""

    def __init__(self, batches: WindowBatches, device: torch.device) -> None:
        self._batches = batches
        ids = batches.ids
        self.ids = torch.from_numpy(np.array(ids, np.uint8 if ids.dtype == np.uint8 else np.int32)).to(device)  # (n,)
        self._offsets = torch.arange(batches.window + 1, device=device)[:, None]  # (T + 1, 1)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return the inputs (T, B) and the targets, (T, B) or (1, B), of ``step``."""
        firsts = to_device(self._batches.firsts(step), self.ids.device)  # (B,)
        read = self.ids[(firsts + self._offsets) % len(self.ids)].long()  # (T + 1, B)
        return read[:-1], read[self._batches.targets]


def batches_on(device: torch.device, batches: Batches) -> DeviceBatches:
    """Return ``batches`` as tensors on ``device``; a CUDA GPU that has room keeps the text."""
    if device.type == "cuda" and isinstance(batches, WindowBatches):
        free, _ = torch.cuda.mem_get_info(device)
        if 4 * len(batches.ids) <= MAX_TEXT_SHARE * free:
            return ResidentText(batches, device)
    return CopiedBatches(batches, device)


def to_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """Return a copy of ``array`` on ``device``. A GPU copies it while the program continues."""
    tensor = torch.from_numpy(array.copy())
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
