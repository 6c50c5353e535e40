"""The processes that train together: what they exchange; tests/runs/test_trainers.py has whole runs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nextchar.errors import TrainingError
from nextchar.networks import torch_processes
from nextchar.networks.torch_processes import ALONE, Processes, join_processes
from tests.forked import called_together


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


def _sums() -> dict[str, list[float]]:
    """Return sums over all processes, each of which has one shard, or a third of nine."""
    processes = join_processes()
    value = [1.0, 1e8][processes.rank]
    rows = [[torch.tensor([value, 1.0]), torch.tensor([[0.1]])]]
    many = [[torch.tensor([float(number)])] for number in processes.own(9)]
    return {
        "exact": torch.cat([tensor.flatten() for tensor in processes.add(rows, 2)]).tolist(),
        "many": processes.add(many, 9)[0].tolist(),
        "compressed": torch.cat([tensor.flatten() for tensor in processes.add(rows, 2, compressed=True)]).tolist(),
    }


def test_two_processes_get_the_same_sums() -> None:
    first, second = called_together(_sums)
    assert first == second
    assert first["exact"] == [float(np.float32(1) + np.float32(1e8)), 2.0, pytest.approx(0.2)]
    assert first["many"] == [sum(range(9))]
    large, count, small = first["compressed"]
    assert (large, count) == (pytest.approx(1e8, rel=2**-8), 2.0)
    assert small == 2 * torch.tensor(0.1).bfloat16().item() != pytest.approx(0.2)


def _means() -> list[list[float]]:
    processes = join_processes()
    flat, scalar = torch.tensor([[processes.rank, 4.0]]), torch.tensor(float(processes.rank))
    before = flat.data_ptr()
    processes.average([flat, scalar])
    assert flat.data_ptr() == before
    return [flat.flatten().tolist(), [scalar.item()]]


def test_an_average_is_the_same_in_both_and_stays_where_it_was() -> None:
    assert called_together(_means) == [[[0.5, 4.0], [0.5]]] * 2


def test_one_process_is_its_own_average() -> None:
    value = torch.tensor([3.0])
    ALONE.average([value])
    assert value.item() == 3.0


def test_a_process_takes_its_gpu_before_anything_is_made_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, object]] = []
    for name, value in (("WORLD_SIZE", "6"), ("RANK", "5"), ("LOCAL_RANK", "5")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setattr("torch.cuda.set_device", lambda device: calls.append(("set_device", device)))
    monkeypatch.setattr(torch_processes, "_init_process_group", lambda backend: calls.append(("init", backend)))
    monkeypatch.setattr("torch.distributed.get_rank", lambda: 5)
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 6)
    assert join_processes() == Processes(5, 6, 1)
    assert calls == [("set_device", 1), ("init", "cpu:gloo,cuda:nccl")]
