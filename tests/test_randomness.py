"""One seed, many streams."""

from nextchar.randomness import random_stream


def test_streams_are_repeatable_and_apart() -> None:
    purposes = ("weights", "order", "dropout", "evaluation", "sampling")
    draws = [random_stream(1, purpose).random(4).tolist() for purpose in purposes]
    draws += [
        random_stream(2, "weights").random(4).tolist(),
        random_stream(1, "sampling", 1).random(4).tolist(),
    ]
    assert len({tuple(draw) for draw in draws}) == len(draws)
    assert random_stream(1, "weights").random(4).tolist() == draws[0]


def test_a_stream_is_the_same_on_every_machine() -> None:
    assert random_stream(42, "sampling").integers(1000, size=4).tolist() == [510, 585, 20, 173]
