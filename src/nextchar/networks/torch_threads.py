"""Where torch computes: the device, and threads that each compute a shard of a batch.

On the CPU each shard of a batch goes forward and backward in its own thread, and the threads wait for each other once
an update. torch itself splits every small operation over several threads, which then wait for the slowest some hundred
times an update: as fast on an idle machine, and many times slower when another program wants a core
(benchmarks/threads.py).
"""

# torch types some of its functions as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from nextchar.errors import TrainingError
from nextchar.parallel import even_shards

R = TypeVar("R")

Device = torch.device


@dataclass(frozen=True)
class Compute:
    """What torch computes with."""

    device: Device = field(default_factory=lambda: torch.device("cpu"))
    threads: int = 1
    """Threads on the CPU in all; the order of torch's sums depends on it."""


def choose_device(name: str) -> torch.device:
    """Return the device called ``name``; ``auto`` is CUDA, else MPS, else the CPU.

    Raises:
        TrainingError: this machine, or this build of torch, does not have that device.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    available = [device for device, is_present in present.items() if is_present]
    if name == "auto":
        name = available[0]
    if not present[name]:
        raise TrainingError(
            f"This machine, or this build of torch, has no device {name!r}. It has: {', '.join(available)}."
        )
    return torch.device(name)


def limit_memory(fraction: float, device: torch.device) -> None:
    """Let torch take no more than ``fraction`` of the memory of ``device``, a CUDA GPU; it is taken as needed.

    Source: torch.cuda.set_per_process_memory_fraction, the counterpart of TensorFlow's per_process_gpu_memory_fraction.
    """
    torch.cuda.set_per_process_memory_fraction(fraction, device)


def has_bfloat16(device: torch.device) -> bool:
    """Return whether ``device`` computes layers in bfloat16, which older processors do not."""
    try:
        with torch.autocast(device.type, torch.bfloat16):
            torch.nn.LSTM(1, 1, device=device)(torch.zeros(1, 1, 1, device=device))
    except RuntimeError:
        return False
    return True


def available_threads() -> int:
    """Return the number of threads that torch uses by default: the cores, or ``OMP_NUM_THREADS``."""
    return torch.get_num_threads()


class TorchThreads:
    """A fixed number of threads, each computing one shard of a batch, until they are closed."""

    def __init__(self, shards: int, threads: int = 1) -> None:
        """Compute ``shards`` side by side, with ``threads`` threads in all, at least one each."""
        self.count = shards
        self._before = torch.get_num_threads()
        self._each = max(1, threads // shards)
        torch.set_num_threads(self._each)
        # A thread's number of torch threads is its own, so each sets it once.
        self._pool = (
            ThreadPoolExecutor(shards, "nextchar", torch.set_num_threads, (self._each,)) if shards > 1 else None
        )

    def map(self, compute: Callable[[int], R]) -> list[R]:
        """Return ``compute(shard)`` for the number of every shard, in order."""
        if self._pool is None:
            return [compute(0)]
        return list(self._pool.map(compute, range(self.count)))

    def shards(self, size: int) -> list[slice]:
        """Divide ``size`` rows into `count` shards as evenly as possible; return the slice of each."""
        return even_shards(size, self.count)

    def map_shards(self, compute: Callable[[slice], R], rows: int) -> list[R]:
        """Divide ``rows`` rows into `count` even shards, compute them side by side, and return ``compute`` of each, in
        order; where there are fewer rows, they are one shard."""
        if rows < self.count:
            return [compute(slice(0, rows))]
        shards = self.shards(rows)
        return self.map(lambda number: compute(shards[number]))

    def close(self) -> None:
        """End the threads, and restore the number that torch used before."""
        if self._pool is not None:
            self._pool.shutdown()
        torch.set_num_threads(self._before)
