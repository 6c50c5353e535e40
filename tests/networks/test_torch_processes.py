"""The processes that train together, as far as one process shows it; tests/runs/test_trainers.py has two."""

from __future__ import annotations

import pytest
import torch

from nextchar.errors import TrainingError
from nextchar.networks.torch_processes import ALONE, Processes, join_processes


@pytest.mark.parametrize(("count", "shards"), [(1, 1), (1, 5), (2, 4), (3, 8), (8, 8)])
def test_every_shard_is_computed_by_one_process(count: int, shards: int) -> None:
    own = [list(Processes(rank, count).own(shards)) for rank in range(count)]
    assert [shard for part in own for shard in part] == list(range(shards))
    assert all(own)
    assert max(map(len, own)) - min(map(len, own)) <= 1


def test_one_process_has_nobody_to_ask() -> None:
    assert ALONE.is_first
    assert ALONE.broadcast("a") == "a"
    assert ALONE.gather("a") == ["a"]


def test_gradients_are_added_in_the_order_of_the_shards() -> None:
    """In float32 the order decides: the large ones cancel before the small one is added, or swallow it."""
    shards = [[torch.tensor([value]), torch.tensor([[value, 1.0]])] for value in (1e8, -1e8, 1.0)]
    flat, matrix = ALONE.add(shards, 3)
    assert flat.tolist() == [1.0]
    assert matrix.tolist() == [[1.0, 3.0]]
    flat, _ = ALONE.add([shards[2], shards[0], shards[1]], 3)
    assert flat.tolist() == [0.0]


def test_processes_that_are_not_there_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert join_processes() is ALONE
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    sentence = r"WORLD_SIZE is 2, but the processes do not find each other: .*not set\. Start them with torchrun"
    with pytest.raises(TrainingError, match=sentence):
        join_processes()
