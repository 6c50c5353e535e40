"""The share of the files that one of several processes takes, by option or by the variables of a cluster."""

from __future__ import annotations

import pytest

from nextchar.cli.shard import Shard, parse_shard, shard_of_job
from nextchar.errors import UsageError

SLURM = {"SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "5", "SLURM_ARRAY_TASK_MAX": "7"}


def test_the_shards_have_every_file_once() -> None:
    files = [f"{number}.txt" for number in range(11)]
    shares = [Shard(index, 4).share(files) for index in range(4)]
    assert [len(share) for share in shares] == [3, 3, 3, 2]
    assert sorted(file for share in shares for file in share) == sorted(files)
    assert Shard(2, 3).share(["a", "b"]) == []


def test_the_option_counts_from_zero() -> None:
    assert parse_shard("15/16") == Shard(15, 16)


@pytest.mark.parametrize("given", ["3", "16/16", "-1/4", "1/0", "1/4/5", "a/b", ""])
def test_what_is_no_shard_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="INDEX/COUNT"):
        parse_shard(given)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"SLURM_ARRAY_TASK_ID": "6", **SLURM}, (1, 3)),
        ({"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "16", "SLURM_ARRAY_TASK_MIN": "0"}, (0, 16)),
        ({"SLURM_ARRAY_TASK_ID": "13", **SLURM, "SLURM_ARRAY_TASK_STEP": "4"}, (2, 3)),
        ({"JOB_COMPLETION_INDEX": "3", "NEXTCHAR_SHARDS": "16"}, (3, 16)),
        ({"RANK": "1", "WORLD_SIZE": "2"}, (1, 2)),
        ({"SLURM_ARRAY_TASK_ID": "6", **SLURM, "RANK": "0", "WORLD_SIZE": "2"}, (1, 3)),
    ],
)
def test_a_job_says_which_shard_it_is(environment: dict[str, str], expected: tuple[int, int] | None) -> None:
    shard = shard_of_job(environment)
    assert (shard and (shard.index, shard.count)) == expected


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"JOB_COMPLETION_INDEX": "3"}, "NEXTCHAR_SHARDS is not set"),
        ({"RANK": "one", "WORLD_SIZE": "2"}, "RANK is 'one', which is not a number"),
        # An array of chosen tasks, 5, 6 and 9: its variables do not tell how many come before one.
        ({"SLURM_ARRAY_TASK_ID": "9", **SLURM}, "shard 4 of 3 does not exist"),
    ],
)
def test_a_job_that_does_not_say_it_is_asked_for_the_option(environment: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=rf"{words}.*--shard INDEX/COUNT"):
        shard_of_job(environment)
