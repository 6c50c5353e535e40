"""Threads for work in NumPy and in compiled loops, which run without Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import Protocol, TypeVar

R = TypeVar("R")


def available_cores() -> int:
    """Return how many cores this process may use, or ``OMP_NUM_THREADS`` where that says fewer."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores, int(limit) if limit.isdecimal() else cores))


def even_parts(size: int, count: int) -> list[slice]:
    """Return where each of ``count`` parts of ``size`` things lies, as even as can be."""
    bounds = [size * part // count for part in range(count + 1)]
    return [slice(first, end) for first, end in pairwise(bounds)]


class InParts(Protocol):
    """Something that computes parts of a batch side by side."""

    def in_parts(self, compute: Callable[[slice], R], rows: int) -> list[R]:
        """Return ``compute`` of each of some even parts of ``rows`` rows, computed side by side, in order."""
        ...


_ALL_CORES = Lock()
"""Held by whoever computes on all cores."""


@dataclass(frozen=True)
class Threads:
    """Up to so many threads, begun anew each time.

    Each part is computed by one thread alone: the threads that NumPy's own products would take are kept back. NumPy has
    one number of threads for the whole process, which the rounding of a product hangs on. So callers in several threads
    take turns, and what is computed must not come here again.
    """

    count: int = 1

    def in_parts(self, compute: Callable[[slice], R], rows: int) -> list[R]:
        """Return ``compute`` of each of up to `count` even parts of ``rows`` rows, computed side by side, in order."""
        from threadpoolctl import threadpool_limits  # pyright: ignore[reportMissingTypeStubs]

        count = max(1, min(self.count, rows))
        parts = even_parts(rows, count)
        if count == 1:
            return [compute(parts[0])]
        with _ALL_CORES, threadpool_limits(1, "blas"), ThreadPoolExecutor(count, "nextchar") as pool:
            return list(pool.map(compute, parts))


ALONE = Threads()
"""Everything in one part."""
