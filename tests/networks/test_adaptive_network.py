"""A network that learns from what it reads: one text never learns from another."""

from collections.abc import Callable

import numpy as np
import pytest

from nextchar.networks.adaptive_network import AdaptiveNetwork
from nextchar.networks.architecture import Network
from nextchar.networks.blend import TextCounts
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.reading_along import ReadingAlong
from tests.small_networks import random_network, windowed_network

V = 9
IDS = np.tile(np.random.default_rng(0).integers(0, V, 40), 3)[None]
"""(1, 120)"""


def adaptive(network: Network | None = None, learned: int | None = None) -> AdaptiveNetwork:
    counts = TextCounts(count_text(np.random.default_rng(1).integers(0, V, 200), V, 3))
    begin: Callable[[int], ReadingAlong] = lambda hidden: ReadingAlong(  # noqa: E731
        V, hidden, counts, np.full((4, 2), 0.5, np.float32)
    )
    return AdaptiveNetwork(network or random_network(V), begin, learned)


def test_a_text_is_learned_from() -> None:
    network = adaptive()
    log_p, _ = network.forward(IDS, network.initial_state(1))
    came = np.take_along_axis(log_p[0, :-1], IDS[0, 1:, None], -1)[:, 0]
    assert came[80:].mean() > came[:40].mean() + 1
    np.testing.assert_allclose(np.exp(log_p.astype(np.float64)).sum(-1), 1, atol=1e-6)


@pytest.mark.parametrize("kind", ["state", "window"])
def test_two_texts_from_the_same_state_do_not_learn_from_each_other(kind: str) -> None:
    inner = random_network(V) if kind == "state" else windowed_network(4, V)
    network = adaptive(inner)
    _, state = network.forward(IDS[:, :50], network.initial_state(1))
    first, first_end = network.forward(IDS[:, 50:80], state)
    network.forward(IDS[:, 90:], first_end)
    second, second_end = network.forward(IDS[:, 50:80], state)
    np.testing.assert_allclose(first, second, atol=1e-5)
    alone, _ = network.forward(IDS[:, :90], network.initial_state(1))
    np.testing.assert_allclose(network.forward(IDS[:, 80:90], second_end)[0], alone[:, 80:], atol=1e-5)


def test_only_the_beginning_is_learned_from_where_that_is_asked() -> None:
    some, everything = adaptive(learned=50), adaptive()
    (partly, state), (wholly, _) = (each.forward(IDS, each.initial_state(1)) for each in (some, everything))
    np.testing.assert_array_equal(partly[0, :50], wholly[0, :50])
    assert np.abs(partly[0, 60:] - wholly[0, 60:]).max() > 0.1
    again, middle = some.forward(IDS[:, :70], some.initial_state(1))
    np.testing.assert_allclose(np.concatenate([again, some.forward(IDS[:, 70:], middle)[0]], 1), partly, atol=1e-5)
    # Where nothing more is learned, the same ids are predicted alike each time.
    _, later = some.forward(IDS[:, 50:80], state)
    assert later[1] == 150


def test_one_text_at_a_time() -> None:
    with pytest.raises(ValueError, match="one text at a time is read along, not 2"):
        adaptive().initial_state(2)
