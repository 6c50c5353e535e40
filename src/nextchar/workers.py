"""Where torch computes: the device, and threads that work on parts of a batch side by side.

On the CPU each part of a batch goes forward and backward in a thread of its own, which waits for the others once an
update. torch's own way, several threads to every small operation, makes each wait for the slowest some hundred times an
update: as fast on an idle machine, and many times slower as soon as something else wants one of its cores
(benchmarks/threads.py).
"""

# torch types some of its functions as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from nextchar.errors import TrainingError
from nextchar.parallel import even_parts

R = TypeVar("R")

Device = torch.device


def choose_device(name: str) -> torch.device:
    """Return the device of that name; ``auto`` is CUDA, else MPS, else the CPU.

    Raises:
        TrainingError: this machine or this torch does not have that device.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, there in present.items() if there)
    if not present[name]:
        here = ", ".join(device for device, there in present.items() if there)
        raise TrainingError(
            f"There is no device {name!r} on this machine, or for this build of torch; there is: {here}."
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
    """Return the threads that torch computes with where nobody says otherwise: the cores, or ``OMP_NUM_THREADS``."""
    return torch.get_num_threads()


class Workers:
    """A fixed number of threads, each computing one part of a batch, until they are closed."""

    def __init__(self, count: int, threads: int = 1) -> None:
        """``count`` parts are computed side by side with ``threads`` threads in all, at least one each."""
        self.count = count
        self._before = torch.get_num_threads()
        self._each = max(1, threads // count)
        torch.set_num_threads(self._each)
        # A thread's number of torch threads is its own, so each sets it once.
        self._pool = ThreadPoolExecutor(count, "nextchar", torch.set_num_threads, (self._each,)) if count > 1 else None

    def map(self, compute: Callable[[int], R]) -> list[R]:
        """Return ``compute(part)`` for every part, in order."""
        if self._pool is None:
            return [compute(0)]
        return list(self._pool.map(compute, range(self.count)))

    def parts(self, size: int) -> list[slice]:
        """Return where each part of ``size`` things lies, as even as can be."""
        return even_parts(size, self.count)

    def in_parts(self, compute: Callable[[slice], R], rows: int) -> list[R]:
        """Return ``compute`` of each of `count` even parts of ``rows`` rows, computed side by side, in order; of all of
        them in one part where there are fewer."""
        if rows < self.count:
            return [compute(slice(0, rows))]
        parts = self.parts(rows)
        return self.map(lambda number: compute(parts[number]))

    def close(self) -> None:
        """End the threads, and let torch compute with as many as before."""
        if self._pool is not None:
            self._pool.shutdown()
        torch.set_num_threads(self._before)
