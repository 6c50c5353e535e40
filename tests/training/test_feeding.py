"""What a plan feeds its network with."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from nextchar.training.batches import ParallelStreams, ShuffledWindows
from nextchar.training.feeding import Feeding, Lines, Streams, Windows

STREAMS = Streams(batch=4, window=10)
WINDOWS = Windows(batch=4, window=10, stride=3, count=30)
IDS = np.arange(100)


def test_streams_carry_their_state_and_predict_every_character() -> None:
    assert (STREAMS.carries_state, STREAMS.context_length) == (True, None)
    assert (STREAMS.predicted, STREAMS.epoch_steps) == (40, None)
    assert STREAMS.over(7) is STREAMS


def test_windows_start_from_nothing_and_predict_one_character_each() -> None:
    assert (WINDOWS.carries_state, WINDOWS.context_length) == (False, 10)
    assert (WINDOWS.predicted, WINDOWS.epoch_steps) == (4, 8)  # the last update of a pass has two windows
    assert WINDOWS.over(40).count == 10  # one each 3 characters, while one follows the window: 0, 3, ..., 27


def test_the_seed_decides_the_batches() -> None:
    for feeding, kind in ((STREAMS, ParallelStreams), (WINDOWS, ShuffledWindows)):
        first, same, other = (feeding.batches(IDS, seed) for seed in (1, 1, 2))
        assert isinstance(first, kind)
        np.testing.assert_array_equal(first.batch(0)[0], same.batch(0)[0])
        assert not np.array_equal(first.batch(0)[0], other.batch(0)[0])


@pytest.mark.parametrize(("feeding", "targets"), [(STREAMS, 10), (WINDOWS, 1)])
def test_targets_are_the_characters_after(feeding: Feeding, targets: int) -> None:
    read, wanted = feeding.batches(IDS, 0).batch(0)
    assert (read.shape, wanted.shape) == ((10, 4), (targets, 4))
    np.testing.assert_array_equal(wanted[-1], (read[-1] + 1) % 100)


def test_the_kind_is_told_by_its_name() -> None:
    adapter: TypeAdapter[Feeding] = TypeAdapter(Feeding)
    for feeding in (STREAMS, WINDOWS):
        assert adapter.validate_json(feeding.model_dump_json()) == feeding
    with pytest.raises(ValidationError, match="stride"):
        adapter.validate_python({"kind": "windows", "batch": 4, "window": 10, "count": 3})


def test_lines_are_timed_on_lines_of_the_mean_length() -> None:
    lines = Lines.instead_of(Streams(batch=4, window=16), np.array([1, 2, 0, 3, 0, 1, 1, 1, 0]), 0)
    assert (lines.batch, lines.window, lines.line_end) == (21, 3, 0)
    ids = lines.example(5)
    assert len(ids) >= 2 * lines.predicted
    assert np.flatnonzero(ids == 0).tolist() == list(range(2, len(ids), 3))
