"""A network of lists reads each line as if it were the first."""

from typing import Any

import numpy as np
import pytest

from nextchar.model.sampling import softmax
from nextchar.model.scoring import Scorer, score_batch
from nextchar.networks.architecture import Network
from nextchar.networks.blend import LineBlend
from nextchar.networks.kinds import kind_of
from nextchar.networks.lines import LineNetwork, in_lines
from nextchar.parallel import SERIAL, Threads
from tests.small_networks import random_blend, random_network, random_text

END = 3
TEXT = random_text("etaoin\n", 900).replace(" ", "\n").replace("\n\n", "\n").strip("\n") + "\n"
FILE = random_blend(TEXT, is_list=True)


def blend(*, compiled: bool = False) -> Network[Any]:
    header, kind = FILE.architecture, kind_of(FILE.architecture)
    return kind.make_network(header, FILE.parameters, compiled=compiled, carry_state=False, weights="float32")


def lines_of(ids: np.ndarray, end: int) -> list[np.ndarray]:
    """Return what is read of each line: the line end before it, unless it is the first, and its ids."""
    return [part for part in np.split(ids, np.flatnonzero(ids == end)) if len(part)]


def test_each_line_is_read_from_the_beginning() -> None:
    network = LineNetwork(random_network(), END)
    ids = np.random.default_rng(0).integers(9, size=(4, 50))
    assert (ids == END).any(axis=1).all()
    logits, _ = network.forward(ids, network.initial_state(4))
    for row, expected in zip(ids, logits, strict=True):
        read = [network.within.forward(line[None], network.initial_state(1))[0][0] for line in lines_of(row, END)]
        np.testing.assert_allclose(np.concatenate(read), expected, atol=1e-6)


@pytest.mark.parametrize("make", [lambda: LineNetwork(random_network(vocabulary_size=20), END), blend])
def test_reading_in_pieces_is_the_same(make: Any) -> None:
    network = make()
    end = network.line_end
    ids = np.random.default_rng(1).integers(network.vocabulary_size, size=(3, 40))
    ids[:, ::7] = end
    together, _ = network.forward(ids, network.initial_state(3))
    state, pieces = network.initial_state(3), []
    for part in np.split(ids, [1, 8, 20], axis=1):
        logits, state = network.forward(part, state)
        pieces.append(logits)
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), together, atol=1e-5)
    np.testing.assert_allclose(softmax(together.astype(np.float64)).sum(-1), 1, atol=1e-6)


def test_the_order_of_the_lines_of_a_blend_does_not_matter() -> None:
    network, vocabulary = blend(), FILE.vocabulary
    lines = TEXT.splitlines()[:40]
    one, other = ("".join(f"{line}\n" for line in order) for order in (lines, lines[::-1]))
    bits = [
        -Scorer(network, vocabulary.start_id, Threads(2)).score(vocabulary.encode(text)).sum() for text in (one, other)
    ]
    assert bits[0] == pytest.approx(bits[1], rel=1e-6)


def test_the_compiled_blend_is_the_same() -> None:
    ids = FILE.vocabulary.encode(TEXT)[:300][None]
    plain, compiled = blend(), blend(compiled=True)
    assert isinstance(compiled, LineBlend)
    expected, _ = plain.forward(ids, plain.initial_state(1))
    logits, _ = compiled.forward(ids, compiled.initial_state(1))
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_what_fitting_reads_of_a_blend_gives_its_logits() -> None:
    network = blend()
    assert isinstance(network, LineBlend)
    ids = FILE.vocabulary.encode(TEXT)[:60][None]
    reading = network.read(ids, network.initial_state(1))
    weights = network.weights[reading.situations]  # (1, T, 2)
    mixed = weights[..., :1] * reading.predictions[0] + weights[..., 1:] * reading.predictions[1]
    np.testing.assert_allclose(mixed, network.forward(ids, network.initial_state(1))[0], atol=1e-5)
    even = network.with_weights(np.full_like(network.weights, 0.5))
    assert isinstance(even, LineBlend)
    assert even.line_end == network.line_end


def test_without_a_line_end_the_network_stays_as_it_is() -> None:
    network = random_network()
    assert in_lines(network, None) is network
    lines = in_lines(network, END)
    assert isinstance(lines, LineNetwork)
    assert lines.within is network


def test_scoring_a_long_list_in_segments_is_the_same() -> None:
    network, vocabulary = blend(), FILE.vocabulary
    ids = vocabulary.encode(TEXT)
    alone = [
        Scorer(network, vocabulary.start_id, SERIAL).score(vocabulary.encode(f"{line}\n")) for line in TEXT.splitlines()
    ]
    np.testing.assert_allclose(
        Scorer(network, vocabulary.start_id, Threads(2)).score(ids), np.concatenate(alone), atol=1e-4
    )


def test_short_texts_side_by_side_are_scored_the_same() -> None:
    network, vocabulary = blend(compiled=True), FILE.vocabulary
    texts = [vocabulary.encode(text) for text in ("etaoin\n", "nota\n", "e\nta", "at")]
    scores = score_batch(network, texts, vocabulary.start_id)
    for row, ids in zip(scores, texts, strict=True):
        expected = Scorer(network, vocabulary.start_id, SERIAL).score(ids)
        np.testing.assert_allclose(row[: len(ids)], expected, atol=1e-4)
    within = score_batch(network, texts[:2], vocabulary.start_id)
    np.testing.assert_allclose(within[:, :5], scores[:2, :5], atol=1e-5)
