"""Where torch computes: the device, and threads that each compute a shard of a batch.

On the CPU each shard of a batch goes forward and backward in its own thread, and the threads wait for each other once
an update. torch itself splits every small operation over several threads, which then wait for the slowest some hundred
times an update: as fast on an idle machine, and many times slower when another program wants a core
(benchmarks/threads.py).
"""

# torch types some of its functions as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from nextchar.errors import TrainingError
from nextchar.networks.torch_processes import ALONE, Processes
from nextchar.parallel import even_shards, process_cores

R = TypeVar("R")

Device = torch.device


@dataclass(frozen=True)
class Compute:
    """What torch computes with."""

    device: Device = field(default_factory=lambda: torch.device("cpu"))
    threads: int = 1
    """Threads on the CPU, in all processes together; the order of torch's sums depends on it."""
    processes: Processes = ALONE


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


def available_threads(processes: Processes = ALONE) -> int:
    """Return the threads that torch computes with in this process where nobody says otherwise: its share of the cores,
    or ``OMP_NUM_THREADS``. That torchrun sets to 1 for each of several processes of a machine, whatever its cores."""
    if processes.local_count > 1 and "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("OMP_NUM_THREADS") == "1":
        return max(1, process_cores() // processes.local_count)
    return torch.get_num_threads()


class TorchThreads:
    """A fixed number of threads, each computing one shard of a batch, until they are closed.

    Of several processes each computes some of the shards.
    """

    def __init__(self, shards: int, threads: int = 1, processes: Processes = ALONE) -> None:
        """``shards`` are computed side by side with ``threads`` threads in all ``processes``, at least one each."""
        self.count, self._processes = shards, processes
        self.own = processes.own(shards)
        """The shards that this process computes."""
        self._before = torch.get_num_threads()
        self._each = max(1, threads // shards)
        torch.set_num_threads(self._each)
        # A thread's number of torch threads is its own, so each sets it once.
        self._pool = (
            ThreadPoolExecutor(len(self.own), "nextchar", torch.set_num_threads, (self._each,))
            if len(self.own) > 1
            else None
        )

    def map_own(self, compute: Callable[[int], R]) -> list[R]:
        """Return ``compute(shard)`` for the number of every shard of this process, in order."""
        if self._pool is None:
            return [compute(number) for number in self.own]
        return list(self._pool.map(compute, self.own))

    def shards(self, size: int) -> list[slice]:
        """Divide ``size`` rows into `count` shards as evenly as possible; return the slice of each."""
        return even_shards(size, self.count)

    def map_shards(self, compute: Callable[[slice], R], rows: int) -> list[R]:
        """Divide ``rows`` rows into `count` even shards, compute them side by side in all processes, and return
        ``compute`` of each, in order; where there are fewer rows, they are one shard."""
        if rows < self.count:
            return [compute(slice(0, rows))]
        shards = self.shards(rows)
        computed = self.map_own(lambda number: compute(shards[number]))
        return [result for results in self._processes.gather(computed) for result in results]

    def close(self) -> None:
        """End the threads, and restore the number that torch used before."""
        if self._pool is not None:
            self._pool.shutdown()
        torch.set_num_threads(self._before)
