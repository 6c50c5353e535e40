"""What the network is fed."""

import numpy as np
import pytest

from nextchar.training.batches import ParallelStreams, ShuffledWindows, count_windows


def test_targets_are_the_next_characters_and_windows_follow_each_other() -> None:
    streams = ParallelStreams(np.arange(100, dtype=np.uint8), streams=4, window=5)
    inputs, targets = streams.batch(0)
    assert inputs.shape == targets.shape == (5, 4)
    assert inputs[:, 1].tolist() == [25, 26, 27, 28, 29]
    assert (targets == inputs + 1).all()
    assert streams.batch(1)[0][0].tolist() == targets[-1].tolist()


def test_every_character_is_predicted_once_in_a_pass() -> None:
    streams = ParallelStreams(np.arange(120), streams=4, window=5, offset=17)
    seen = np.concatenate([streams.batch(step)[1].ravel() for step in range(120 // 20)])
    assert sorted(seen.tolist()) == list(range(120))


def test_streams_read_on_around_the_end_of_a_short_text() -> None:
    inputs, targets = ParallelStreams(np.array([7, 8, 9]), streams=2, window=4).batch(3)
    assert inputs.shape == (4, 2)
    follows = {7: 8, 8: 9, 9: 7}
    assert all(follows[i] == t for i, t in zip(inputs.ravel().tolist(), targets.ravel().tolist(), strict=True))


def test_a_pass_takes_every_window_once_in_a_new_order() -> None:
    windows = ShuffledWindows(np.arange(100, dtype=np.uint8), batch=7, window=6, stride=3, seed=0)
    starts: list[list[int]] = []
    for epoch in range(2):
        batches = [windows.batch(epoch * 5 + step) for step in range(5)]
        assert [inputs.shape for inputs, _ in batches] == [(6, 7)] * 4 + [(6, 4)]
        for inputs, targets in batches:
            assert (np.diff(inputs, axis=0) == 1).all()
            assert targets.tolist() == [(inputs[-1] + 1).tolist()]
        starts.append([int(start) for inputs, _ in batches for start in inputs[0]])
    # As `for i in range(0, len(text) - maxlen, step)` of the example.
    assert sorted(starts[0]) == sorted(starts[1]) == list(range(0, 100 - 6, 3))
    assert starts[0] != starts[1] != sorted(starts[1])


def test_any_batch_can_be_had_first() -> None:
    """A resumed run begins in the middle of a pass."""
    make = lambda: ShuffledWindows(np.arange(100), batch=7, window=6, stride=3, seed=4)  # noqa: E731
    whole, later = make(), make()
    expected = [whole.batch(step) for step in range(12)]
    np.testing.assert_array_equal(later.batch(11)[0], expected[11][0])
    np.testing.assert_array_equal(later.batch(3)[0], expected[3][0])


@pytest.mark.parametrize(("characters", "count"), [(60, 0), (61, 1), (63, 1), (64, 2), (600_893, 200_278)])
def test_windows_are_counted_as_in_the_example(characters: int, count: int) -> None:
    assert count_windows(characters, 60, 3) == count == len(range(0, characters - 60, 3))
