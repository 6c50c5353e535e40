"""What the network is fed."""

import numpy as np
import pytest

from nextchar.training.batches import (
    IGNORED,
    MAX_LINE,
    ParallelStreams,
    ShuffledLines,
    ShuffledWindows,
    count_windows,
)


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


LINES = ["ab", "c", "defgh", "a", "bb", "cccc", "d", "e" * 9]
LINE_IDS = np.array([ord(c) - ord("a") + 1 if c != "\n" else 0 for line in LINES for c in f"{line}\n"], np.uint8)


def read_lines(inputs: np.ndarray, targets: np.ndarray) -> list[str]:
    """Return the lines of a batch, after checking that each is read from the line end before it."""
    lines = []
    for read, wanted in zip(inputs.T.tolist(), targets.T.tolist(), strict=True):
        ids = [target for target in wanted if target != IGNORED]
        assert wanted[len(ids) :] == [IGNORED] * (len(wanted) - len(ids))
        assert ids[-1] == 0
        assert read[: len(ids)] == [0, *ids[:-1]]
        lines.append("".join(chr(ord("a") + target - 1) for target in ids[:-1]))
    return lines


def test_a_pass_takes_every_line_once_in_a_new_order() -> None:
    batches = ShuffledLines(LINE_IDS, batch=3, line_end=0, seed=0)
    passes = [[line for step in range(3) for line in read_lines(*batches.batch(3 * epoch + step))] for epoch in (0, 1)]
    assert sorted(passes[0]) == sorted(passes[1]) == sorted(LINES)
    assert passes[0] != passes[1]


def test_lines_side_by_side_have_about_the_same_length() -> None:
    batches = ShuffledLines(LINE_IDS, batch=2, line_end=0, seed=1)
    widths = sorted(len(batches.batch(step)[0]) for step in range(4))
    assert widths == [2, 3, 5, 10]


def test_any_batch_of_lines_can_be_had_first() -> None:
    whole, later = (ShuffledLines(LINE_IDS, batch=3, line_end=0, seed=4) for _ in range(2))
    expected = [whole.batch(step) for step in range(7)]
    for step in (6, 2):
        for mine, theirs in zip(later.batch(step), expected[step], strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_a_long_line_is_learned_from_its_beginning() -> None:
    ids = np.concatenate([np.ones(MAX_LINE + 50, np.uint8), [0]])
    inputs, targets = ShuffledLines(ids, batch=1, line_end=0, seed=0).batch(0)
    assert inputs.shape == targets.shape == (MAX_LINE, 1)
    assert (targets == 1).all()
