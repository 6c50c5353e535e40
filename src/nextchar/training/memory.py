"""The memory that training needs, and the memory available.

They are compared before any is allocated, because the system kills a process that takes too much, without a message.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nextchar.training.plan import Plan

_FLOAT = 4
"""Bytes of a value."""
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Files with the memory limit of a container, in both versions of Linux's control groups."""


def training_bytes(plan: Plan, vocabulary_size: int, *, on_cpu: bool = True) -> int:
    """Return the bytes that training by ``plan`` needs at least.

    Args:
        plan: the sizes of the network and of a batch.
        vocabulary_size: V.
        on_cpu: whether it computes in main memory; if not, only the copies kept there count.
    """
    kept = 2 if plan.optimizer == "adamw" else 1  # the optimizer's values for each weight
    copies = 2 + kept  # the best weights, and the last checkpoint: weights and optimizer
    copies += 1 + kept + plan.shards if on_cpu else 0  # weights, optimizer, and gradients for each shard
    parameters = plan.architecture(vocabulary_size).parameter_count
    characters = plan.feeding.batch * plan.feeding.window
    # For each character read: gates, cell and output of all layers. For each one predicted: logits and their gradients.
    batch = 6 * sum(plan.hidden) * characters + 2 * vocabulary_size * plan.feeding.predicted
    return _FLOAT * (copies * parameters + (batch if on_cpu else 0))


def usable_bytes() -> int:
    """Return the bytes that this process may use: the memory of the machine, or less if a limit is set."""
    limits = [int(text) for text in map(_read, _LIMITS) if text.isdecimal()]
    if sys.platform != "win32":
        import resource

        own, _ = resource.getrlimit(resource.RLIMIT_AS)
        limits += [own] if own != resource.RLIM_INFINITY else []
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(limits, default=sys.maxsize)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
