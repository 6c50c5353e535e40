"""A shard: the share of the files that one of several processes takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from nextchar.errors import UsageError

T = TypeVar("T")

SHARDS = "NEXTCHAR_SHARDS"
"""Environment variable with the number of shards, where the system only says which one this is."""


@dataclass(frozen=True)
class Shard:
    """Every ``count``-th of the files, from the one at ``index`` on."""

    index: int
    """From 0 to ``count`` - 1."""
    count: int
    source: str = "--shard"
    """Where it is given: the option, or an environment variable."""

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise UsageError(
                f"{self.source}: shard {self.index} of {self.count} does not exist. The first is 0, the last one less "
                "than their number: give --shard INDEX/COUNT."
            )

    def share(self, files: Sequence[T]) -> Sequence[T]:
        """Return the files of this shard."""
        return files[self.index :: self.count]

    def __str__(self) -> str:
        return f"shard {self.index}/{self.count} ({self.source})"


def parse_shard(given: str) -> Shard:
    """Return the shard that --shard names.

    Raises:
        UsageError: it is not a shard.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", given)
    if match is None:
        raise UsageError(f"--shard {given} is not a shard: give INDEX/COUNT, from 0/16 to 15/16 for sixteen of them.")
    return Shard(int(match[1]), int(match[2]))


def shard_of_job(environment: Mapping[str, str]) -> Shard | None:
    """Return the shard of this process in an array job of SLURM, an indexed job of Kubernetes or under torchrun; None
    if it is none of these.

    Raises:
        UsageError: the environment does not say how many shards there are, or says something impossible.
    """
    if "SLURM_ARRAY_TASK_ID" in environment:
        count = _number(environment, "SLURM_ARRAY_TASK_COUNT")
        distance = _number(environment, "SLURM_ARRAY_TASK_ID") - _number(environment, "SLURM_ARRAY_TASK_MIN", 0)
        step = max(1, _number(environment, "SLURM_ARRAY_TASK_STEP", 1))
        return Shard(distance // step, count, "SLURM_ARRAY_TASK_ID")
    for index, count in (("JOB_COMPLETION_INDEX", SHARDS), ("RANK", "WORLD_SIZE")):
        if index in environment:
            return Shard(_number(environment, index), _number(environment, count), index)
    return None


def _number(environment: Mapping[str, str], name: str, default: int | None = None) -> int:
    value = environment.get(name, "" if default is None else str(default))
    if not value.isdecimal():
        state = f"{value!r}, which is not a number" if value else "not set"
        raise UsageError(f"Which shard of how many is this? {name} is {state}: give --shard INDEX/COUNT.")
    return int(value)
