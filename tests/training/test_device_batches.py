"""Batches on a device: those that main memory gives."""

import numpy as np
import pytest
import torch

from nextchar.networks.architecture import Ids
from nextchar.training.device_batches import CopiedBatches, ResidentText, batches_on
from nextchar.training.feeding import Feeding, Streams, WindowBatches, Windows
from tests.devices import on_devices

FEEDINGS = [Streams(batch=4, window=10), Windows(batch=7, window=10, stride=3, count=30)]


@on_devices
@pytest.mark.parametrize("kind", [CopiedBatches, ResidentText])
@pytest.mark.parametrize("ids", [np.arange(100, dtype=np.uint8), np.arange(100, dtype=np.uint16) + 65_000], ids=str)
@pytest.mark.parametrize("feeding", FEEDINGS, ids=lambda feeding: feeding.kind)
def test_batches_are_the_same_and_on_the_device(
    feeding: Feeding, ids: Ids, kind: type[CopiedBatches] | type[ResidentText], device: str
) -> None:
    ids.flags.writeable = False  # as a text that is mapped from disk
    batches = feeding.batches(ids, 3)
    assert isinstance(batches, WindowBatches)
    there = kind(batches, torch.device(device))
    for step in range(9):
        for ours, expected in zip(there.batch(step), batches.batch(step), strict=True):
            assert (ours.device.type, ours.dtype) == (device, torch.int64)
            np.testing.assert_array_equal(ours.cpu().numpy(), expected)


@on_devices
def test_a_gpu_keeps_the_text(device: str) -> None:
    there = batches_on(torch.device(device), FEEDINGS[0].batches(np.arange(100), 0))
    assert isinstance(there, ResidentText if device == "cuda" else CopiedBatches)
    if isinstance(there, ResidentText):
        assert there.ids.device.type == device


def test_a_text_that_does_not_fit_a_gpu_is_copied_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda _: (1599, 80_000_000_000))
    assert isinstance(batches_on(torch.device("cuda"), FEEDINGS[0].batches(np.arange(100), 0)), CopiedBatches)
