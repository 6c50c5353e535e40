"""Threads for NumPy and compiled loops, which run without Python's global lock."""

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
    """Return how many cores this process may use, or ``OMP_NUM_THREADS`` if that is fewer."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores, int(limit) if limit.isdecimal() else cores))


def even_shards(size: int, count: int) -> list[slice]:
    """Divide ``size`` items into ``count`` shards of nearly equal size; return the slice of each."""
    bounds = [size * shard // count for shard in range(count + 1)]
    return [slice(first, end) for first, end in pairwise(bounds)]


class Executor(Protocol):
    """Computes the shards of a batch in parallel."""

    def map_shards(self, compute: Callable[[slice], R], rows: int) -> list[R]:
        """Divide ``rows`` rows into even shards, compute them in parallel; return ``compute`` of each, in order."""
        ...


_ALL_CORES = Lock()
"""Held while all cores are in use."""


@dataclass(frozen=True)
class Threads:
    """Up to ``count`` threads, started for each call.

    Each shard is computed by one thread: NumPy's own threads are switched off meanwhile. NumPy has one number of
    threads for the whole process, and the rounding of a product depends on it. So callers in several threads take
    turns, and ``compute`` must not call `map_shards` itself.
    """

    count: int = 1

    def map_shards(self, compute: Callable[[slice], R], rows: int) -> list[R]:
        """Divide ``rows`` rows into up to `count` even shards, compute them in parallel, and return ``compute`` of
        each, in order."""
        from threadpoolctl import threadpool_limits  # pyright: ignore[reportMissingTypeStubs]

        count = max(1, min(self.count, rows))
        shards = even_shards(rows, count)
        if count == 1:
            return [compute(shards[0])]
        with _ALL_CORES, threadpool_limits(1, "blas"), ThreadPoolExecutor(count, "nextchar") as pool:
            return list(pool.map(compute, shards))


SERIAL = Threads()
"""Everything in one shard."""
