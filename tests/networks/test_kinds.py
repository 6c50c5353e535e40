"""The kinds of networks: what each demands of a model file, and what it says about a network."""

import numpy as np
import pytest

from nextchar.networks.architecture import Architecture, Parameters
from nextchar.networks.blend import TextCounts
from nextchar.networks.headers import BlendHeader
from nextchar.networks.kinds import (
    BLEND_KIND,
    KINDS,
    LSTM_KIND,
    NGRAM_KIND,
    blend_content,
    blend_networks,
    kind_of,
    network_alone,
    ngram_content,
)
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.networks.word_counting import count_words
from nextchar.networks.word_counts import BELONGS, SEPARATES, SEPARATOR
from tests.small_networks import random_parameters

HEADER = Architecture(vocabulary_size=7, embedding=3, hidden=(5, 4))
PARAMETERS = random_parameters(HEADER)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_has_the_name_that_its_headers_give(name: str) -> None:
    assert KINDS[name].header.model_fields["kind"].default == name


def test_the_kind_of_a_header_is_found() -> None:
    assert kind_of(HEADER) is LSTM_KIND


@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_the_arrays_of_an_lstm_are_accepted(kind: str) -> None:
    LSTM_KIND.check_arrays(HEADER, {name: array.astype(kind) for name, array in PARAMETERS.items()})


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({name: array for name, array in PARAMETERS.items() if name != "embedding"}, "do not fit its architecture"),
        ({**PARAMETERS, "more": np.zeros(1, np.float32)}, "do not fit its architecture"),
        ({**PARAMETERS, "output.bias": np.zeros(8, np.float32)}, "do not fit its architecture"),
        ({**PARAMETERS, "output.bias": np.zeros(7)}, "neither float32 nor float16"),
    ],
    ids=["missing", "more", "shape", "type"],
)
def test_other_arrays_are_refused(arrays: Parameters, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LSTM_KIND.check_arrays(HEADER, arrays)


def test_a_network_is_made_of_header_and_arrays() -> None:
    network = LSTM_KIND.make_network(HEADER, PARAMETERS, compiled=False, carry_state=False, weights="float32")
    logits, _ = network.forward(np.array([[1, 2]]), network.initial_state(1))
    assert logits.shape == (1, 2, 7)


def test_windows_are_read_whole_for_each_character() -> None:
    windowed = HEADER.model_copy(update={"context_length": 10})
    plain = LSTM_KIND.numpy_seconds(HEADER, 50, carry_state=False)
    assert LSTM_KIND.numpy_seconds(windowed, 5, carry_state=False) == pytest.approx(plain)
    assert LSTM_KIND.numpy_seconds(windowed, 50, carry_state=True) == pytest.approx(plain)


def test_counts_take_longer_in_numpy_than_a_small_network() -> None:
    header = BlendHeader(network=HEADER, order=8, ngrams=100)
    with_words = header.model_copy(update={"words": 100})
    network = LSTM_KIND.numpy_seconds(HEADER, 4000, carry_state=False)
    counts = BLEND_KIND.numpy_seconds(header, 4000, carry_state=False)
    both = BLEND_KIND.numpy_seconds(with_words, 4000, carry_state=False)
    assert 4 * network < counts < both
    assert both > 1.5  # 0.4 ms a character: loading the compiled loops takes half a second


def test_an_lstm_is_described_by_its_layers() -> None:
    assert LSTM_KIND.describe(HEADER) == "LSTM of 5 + 4 units"
    assert LSTM_KIND.sizes(HEADER) == {"hidden": [5, 4], "layers": 2, "embedding": 3}
    assert LSTM_KIND.parameter_count(HEADER) == sum(array.size for array in PARAMETERS.values())


COUNTS = count_text(np.arange(40) % 6, 7, 2)
BLEND, BLEND_ARRAYS = blend_content(HEADER, PARAMETERS, TextCounts(COUNTS), np.full((3, 2), 0.5, np.float32))
WORDS = count_words(np.arange(40) % 6, np.array([SEPARATOR, SEPARATES, *[BELONGS] * 5], np.uint8))
WITH_WORDS, ARRAYS_WITH_WORDS = blend_content(
    HEADER, PARAMETERS, TextCounts(COUNTS, WORDS), np.full((9, 3), 0.5, np.float32)
)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_blend_is_made_of_its_network_and_its_counts(compiled: bool) -> None:
    BLEND_KIND.check_arrays(BLEND, BLEND_ARRAYS)
    options = {"compiled": compiled, "carry_state": False, "weights": "float32"}
    blend = BLEND_KIND.make_network(BLEND, BLEND_ARRAYS, **options)
    alone = LSTM_KIND.make_network(HEADER, PARAMETERS, **options)
    ids = np.array([[1, 2, 5, 0]])
    logits, _ = blend.forward(ids, blend.initial_state(1))
    expected, _ = alone.forward(ids, alone.initial_state(1))
    counted, _ = NgramNetwork(COUNTS).forward(ids, NgramNetwork(COUNTS).initial_state(1))
    np.testing.assert_allclose(logits, 0.5 * expected + 0.5 * counted, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": np.zeros((2, 2), np.float32)}, "do not fit its architecture"),
        ({"more": np.zeros(1, np.float32)}, "do not fit its architecture"),
        ({"network.output.bias": np.zeros(8, np.float32)}, "do not fit its architecture"),
        ({"ngrams.ids": np.zeros(2, np.uint8)}, "do not fit each other"),
    ],
    ids=["weights", "more", "network", "counts"],
)
def test_other_arrays_of_a_blend_are_refused(changes: Parameters, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        BLEND_KIND.check_arrays(BLEND, {**BLEND_ARRAYS, **changes})


@pytest.mark.parametrize("compiled", [False, True])
def test_a_blend_with_words_comes_back_from_its_arrays(compiled: bool) -> None:
    BLEND_KIND.check_arrays(WITH_WORDS, ARRAYS_WITH_WORDS)
    options = {"compiled": compiled, "carry_state": False, "weights": "float32"}
    blend = BLEND_KIND.make_network(WITH_WORDS, ARRAYS_WITH_WORDS, **options)
    direct = blend_networks(
        LSTM_KIND.make_network(HEADER, PARAMETERS, **options),
        TextCounts(COUNTS, WORDS),
        ARRAYS_WITH_WORDS["weights"],
        compiled=compiled,
    )
    ids = np.array([[1, 2, 5, 0, 0, 3, 4]])
    logits, _ = blend.forward(ids, blend.initial_state(1))
    np.testing.assert_array_equal(logits, direct.forward(ids, direct.initial_state(1))[0])
    assert BLEND_KIND.describe(WITH_WORDS).endswith(f" n-grams and {len(WORDS)} beginnings of words")
    assert WITH_WORDS.parameter_count == BLEND.parameter_count + len(WORDS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": np.zeros((3, 2), np.float32)}, "do not fit its architecture"),
        ({"words.kinds": np.zeros(7, np.uint8)}, "kinds of ids do not fit each other"),
        ({"words.kinds": np.full(7, 2, np.uint8)}, "kinds of ids do not fit each other"),
        ({"words.kinds": np.array([2, 1, 3, 0, 0, 0, 0], np.uint8)}, "kinds of ids do not fit each other"),
        ({"words.kinds": np.zeros(6, np.uint8)}, "do not fit its architecture"),
        ({"words.kinds": ARRAYS_WITH_WORDS["words.kinds"].astype(np.int64)}, "do not fit its architecture"),
        ({"words.discounts": np.full((3, 3), 0.4, np.float32)}, "do not fit its architecture"),
        ({"words.more": np.zeros(6, np.uint8)}, "do not fit its architecture"),
        ({"words.ids": np.zeros(2, np.uint8)}, "do not fit each other"),
    ],
)
def test_other_arrays_of_words_are_refused(changes: Parameters, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        BLEND_KIND.check_arrays(WITH_WORDS, {**ARRAYS_WITH_WORDS, **changes})


def test_words_that_are_lost_or_too_many_are_refused() -> None:
    lost = {name: array for name, array in ARRAYS_WITH_WORDS.items() if not name.startswith("words.")}
    with pytest.raises(ValueError, match="its counts do not fit its architecture"):
        BLEND_KIND.check_arrays(WITH_WORDS, lost)
    with pytest.raises(ValueError, match="its counts do not fit its architecture"):
        BLEND_KIND.check_arrays(WITH_WORDS.model_copy(update={"words": 3}), ARRAYS_WITH_WORDS)


def test_a_blend_is_described_by_its_network_and_its_memory() -> None:
    assert BLEND_KIND.describe(BLEND) == f"LSTM of 5 + 4 units with a memory of {BLEND.ngrams} n-grams"
    assert BLEND_KIND.sizes(BLEND) == {**LSTM_KIND.sizes(HEADER), "ngrams": BLEND.ngrams, "order": 2, "words": 0}
    assert BLEND_KIND.parameter_count(BLEND) == HEADER.parameter_count + BLEND.ngrams
    assert BLEND.vocabulary_size == 7
    assert network_alone(BLEND, BLEND_ARRAYS)[0] is HEADER
    assert network_alone(HEADER, PARAMETERS) == (HEADER, PARAMETERS)


@pytest.mark.parametrize("compiled", [False, True])
def test_counts_alone_are_a_network(compiled: bool) -> None:
    header, arrays = ngram_content(COUNTS)
    NGRAM_KIND.check_arrays(header, arrays)
    network = NGRAM_KIND.make_network(header, arrays, compiled=compiled, carry_state=False, weights="float32")
    ids = np.array([[1, 2, 5, 0]])
    expected, _ = NgramNetwork(COUNTS).forward(ids, NgramNetwork(COUNTS).initial_state(1))
    logits, _ = network.forward(ids, network.initial_state(1))
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    assert network.context_length == header.context_length == 2


def test_other_arrays_of_counts_are_refused() -> None:
    header, arrays = ngram_content(COUNTS)
    with pytest.raises(ValueError, match="do not fit its architecture"):
        NGRAM_KIND.check_arrays(header, {**arrays, "more": np.zeros(1, np.float32)})
    with pytest.raises(ValueError, match="do not fit its architecture"):
        NGRAM_KIND.check_arrays(header.model_copy(update={"ngrams": 3}), arrays)


def test_counts_are_described_by_their_number_and_length() -> None:
    header, _ = ngram_content(COUNTS)
    assert NGRAM_KIND.describe(header) == f"{header.ngrams} n-grams of up to 3 characters"
    assert NGRAM_KIND.sizes(header) == {"ngrams": header.ngrams, "order": 2}
    assert NGRAM_KIND.parameter_count(header) == header.ngrams
