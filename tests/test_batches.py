"""What the network is fed."""

import numpy as np

from nextchar.batches import ParallelStreams, character_frequencies


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
    assert all(follows[i] == t for i, t in zip(inputs.ravel(), targets.ravel(), strict=True))


def test_frequencies_are_counts_and_never_zero() -> None:
    assert character_frequencies(np.array([0, 2, 2], np.uint8), 4).tolist() == [1.5, 0.5, 2.5, 0.5]
    assert character_frequencies(np.array([0, 2, 2], np.uint8), 4, most=1).tolist() == [1.5, 0.5, 0.5, 0.5]
