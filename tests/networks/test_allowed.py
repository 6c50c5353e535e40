"""What may be drawn after what: the same in NumPy and in compiled loops, and nothing else is ever drawn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import pytest

from nextchar.model.generation import allowed_ids, generate_ids, generate_rows
from nextchar.networks import kernels
from nextchar.networks.allowed import Allowed
from nextchar.networks.architecture import Architecture, Network
from nextchar.networks.blend import TextCounts
from nextchar.networks.compiled_network import CompiledNetwork
from nextchar.networks.compiled_ngram_network import CompiledNgramNetwork
from nextchar.networks.kinds import blend_networks
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.networks.windowed import as_trained
from nextchar.networks.word_counting import count_words
from nextchar.networks.word_counts import kinds_of
from nextchar.settings import SamplingSettings
from nextchar.text.jamo import put_together
from nextchar.text.tokenizer import Succession
from tests.small_networks import random_parameters
from tests.token_kinds import jamo_of

SIZE = 7
CLASSES = np.array([0, 0, 1, 1, 2, 2, 3], np.uint8)
MAY_FOLLOW = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [1, 1, 0, 1], [1, 0, 0, 0]], np.bool_)
SUCCESSION = Succession(CLASSES, MAY_FOLLOW)
NEVER = (0,)

TEXT = "값을 치르고 한글을 읽는 닭이 운다. 흙과 물, 하늘!\n" * 40
JAMO = jamo_of(TEXT)
IDS = JAMO.encode(TEXT)


def networks(size: int, text: np.ndarray, symbols: Sequence[str] | None = None) -> dict[str, Network[Any]]:
    """Return a network of each kind that writes, with weights so small that everything is drawn."""
    architecture = Architecture(vocabulary_size=size, embedding=3, hidden=(16,))
    parameters = random_parameters(architecture, spread=0.3)
    kinds = kinds_of(symbols)
    counts = TextCounts(count_text(text, size, 3), None if kinds is None else count_words(text, kinds))
    weights = np.full(counts.weights_shape(), 0.5, np.float32)
    windowed = architecture.model_copy(update={"context_length": 4})
    found: dict[str, Network[Any]] = {"windowed": as_trained(NumpyNetwork(windowed, parameters), windowed)}
    for name, kind in (("numpy", NumpyNetwork), ("compiled", CompiledNetwork)):
        network = found[name] = kind(architecture, parameters)
        compiled = name == "compiled"
        found[f"{name} blend"] = blend_networks(network, counts, weights, compiled=compiled)
        found[f"{name} ngram"] = (CompiledNgramNetwork if compiled else NgramNetwork)(counts.ngrams)
    return found


NETWORKS = networks(SIZE, np.random.default_rng(0).integers(SIZE, size=500))
OF_JAMO = networks(JAMO.size, IDS, JAMO.word_symbols)


def check(ids: Sequence[int]) -> None:
    before = 0
    for token in ids:
        assert token not in NEVER
        assert MAY_FOLLOW[before, CLASSES[token]]
        before = int(CLASSES[token])


def test_always_allows_the_ids_of_the_mask() -> None:
    allowed = Allowed.always(np.array([True, False, True]), 2)
    logits = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    assert allowed.masked(logits).tolist() == [[1, -np.inf, 3], [4, -np.inf, 6]]
    allowed.read(np.array([2, 0]))
    assert allowed.masked(logits).tolist() == [[1, -np.inf, 3], [4, -np.inf, 6]]


def test_what_is_allowed_depends_on_the_class_before() -> None:
    allowed = allowed_ids(SIZE, NEVER, SUCCESSION, batch=2)
    logits = np.zeros((2, SIZE), np.float32)
    first = allowed.masked(logits)
    assert np.isfinite(first).tolist() == [[False, True, True, True, False, False, False]] * 2
    allowed.read(np.array([1, 3]))
    assert np.isfinite(allowed.masked(logits)).tolist() == [
        [False, True, True, True, False, False, False],
        [False, False, False, False, True, True, False],
    ]
    fewer = allowed.where(np.arange(SIZE) != 4)
    assert np.isfinite(fewer.masked(logits))[1].tolist() == [False] * 5 + [True, False]
    assert np.isfinite(allowed.masked(logits))[1].tolist() == [False] * 4 + [True, True, False], "it did not change"


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_a_compiled_draw_keeps_to_the_class_of_its_row(temperature: float) -> None:
    allowed = allowed_ids(SIZE, NEVER, SUCCESSION, batch=3)
    draw = kernels.Draw(temperature, *allowed, np.empty(SIZE))
    random = np.random.default_rng(1)
    drawn: list[list[int]] = [[], [], []]
    for _ in range(200):
        logits, uniforms, ids = random.normal(size=(3, SIZE)).astype(np.float32), random.random(3), np.zeros(3, int)
        kernels.draw_rows(logits, draw, uniforms, ids)
        for row, token in enumerate(ids.tolist()):
            drawn[row].append(token)
    for ids_of_row in drawn:
        check(ids_of_row)
    assert allowed.last.tolist() == [int(CLASSES[ids_of_row[-1]]) for ids_of_row in drawn]


@pytest.mark.parametrize("options", [{}, {"top_k": 4}, {"top_p": 0.9}], ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_impossible_is_drawn(name: str, options: dict[str, Any]) -> None:
    settings = SamplingSettings(temperature=2.0, length=700, **options)
    count = 10_000 if not options else 500
    ids = generate_ids(NETWORKS[name], np.array([1]), settings, np.random.default_rng(2), NEVER, succession=SUCCESSION)
    alone = list(islice(ids, count))
    check(alone)
    assert {*CLASSES[alone].tolist()} == {0, 1, 2, 3}
    randoms = [np.random.default_rng(seed) for seed in (2, 3, 4)]
    rows = generate_rows(NETWORKS[name], np.array([1]), settings, randoms, NEVER, succession=SUCCESSION)
    side_by_side = np.array(list(islice(rows, 500)))  # (T, B)
    for row in range(3):
        check(side_by_side[:, row].tolist())
    assert side_by_side[:, 0].tolist() == alone[:500]


@pytest.mark.parametrize("pair", [("numpy", "compiled"), ("numpy blend", "compiled blend")])
def test_compiled_loops_write_what_numpy_writes(pair: tuple[str, str]) -> None:
    settings = SamplingSettings(temperature=0.9)
    written = [
        list(
            islice(
                generate_ids(
                    OF_JAMO[name], IDS[:9], settings, np.random.default_rng(4), (0,), succession=JAMO.succession
                ),
                900,
            )
        )
        for name in pair
    ]
    assert written[0] == written[1]


@pytest.mark.parametrize("name", OF_JAMO)
def test_jamo_are_written_as_syllables(name: str) -> None:
    settings = SamplingSettings(temperature=2.0)
    ids = generate_ids(
        OF_JAMO[name], IDS[:5], settings, np.random.default_rng(0), JAMO.never_drawn, succession=JAMO.succession
    )
    drawn = list(islice(ids, 10_000))
    text = JAMO.decode(drawn)
    last = JAMO.decode(drawn[-2:])  # the last syllable may lack its medial yet
    assert not any("\u1100" <= character <= "\u11ff" for character in text.removesuffix(last)[:-1])
    assert put_together(JAMO.symbols.decode(drawn)) == text
    assert sum("가" <= character <= "힣" for character in text) > 500


@pytest.mark.parametrize("name", ["numpy", "compiled"])
def test_where_ids_of_a_class_are_missing_others_are_drawn(name: str) -> None:
    only = Succession(CLASSES, np.eye(4, dtype=np.bool_))
    ids = generate_ids(
        NETWORKS[name],
        np.array([4]),
        SamplingSettings(temperature=2.0),
        np.random.default_rng(0),
        NEVER,
        succession=only,
    )
    assert {*islice(ids, 50)} == {1}, "a text begins with the class 0, whatever the prompt ends in"
