"""The memory that training takes, and the memory that there is: asked before any is taken, since what takes more than
there is is ended by the system without a word."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nextchar.plan import Plan

_FLOAT = 4
"""Bytes of a value."""
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""What a container may take, in either version of Linux's control groups."""


def training_bytes(plan: Plan, vocabulary_size: int, *, on_cpu: bool = True) -> int:
    """Return the bytes that training by ``plan`` takes at least.

    Args:
        plan: sizes of the network and of a batch.
        vocabulary_size: V.
        on_cpu: whether it computes in the memory of the machine; else only the copies that are kept there count.
    """
    kept = 2 if plan.optimizer == "adamw" else 1  # values that the optimizer keeps for each weight
    copies = 2 + kept  # the best weights, and the last snapshot: weights and what the optimizer keeps
    copies += 1 + kept + plan.shards if on_cpu else 0  # what it computes with; every shard has gradients of its own
    parameters = plan.architecture(vocabulary_size).parameter_count
    characters = plan.streams * plan.window
    # Of each character read: gates, cell and output of every layer. Of each one predicted: logits and their gradients.
    batch = 6 * sum(plan.hidden) * characters + 2 * vocabulary_size * plan.predicted
    return _FLOAT * (copies * parameters + (batch if on_cpu else 0))


def usable_bytes() -> int:
    """Return the bytes that this process may have: the memory of the machine, or less where a limit is set."""
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
        return path.read_text().strip()
    except OSError:
        return ""
