"""Texts that go on from prompts: the same that the library writes, piece by piece."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextchar.model.language_model import LanguageModel
from nextchar.settings import SamplingSettings
from nextchar.text.vocabulary import Vocabulary
from nextchar.web import continuation, prediction
from nextchar.web.continuation import Continuation
from nextchar.web.prediction import Reader, entropy
from tests.small_networks import ALPHABET, random_model

MODEL = random_model()
WINDOWED = LanguageModel(
    replace(MODEL.file, architecture=MODEL.file.architecture.model_copy(update={"context_length": 5}))
)


def written(model: LanguageModel, prompt: str, index: int = 0, **options: object) -> tuple[str, str]:
    """Return the text, and why it ended."""
    text = Continuation(model, prompt, SamplingSettings.model_validate(options), index)
    return "".join(text.pieces()), text.finish_reason


@pytest.mark.parametrize("model", [MODEL, WINDOWED], ids=["carrying", "windowed"])
@pytest.mark.parametrize("prompt", ["", "h", "hello", "the fox " * 300])
@pytest.mark.parametrize("shape", [{}, {"top_k": 3}, {"top_p": 0.5, "min_p": 0.1}, {"temperature": 0}])
def test_a_text_is_the_one_that_the_library_writes(model: LanguageModel, prompt: str, shape: dict[str, float]) -> None:
    options = {"length": 50, "temperature": 1.0, "seed": 3, **shape}
    for index in (0, 2):
        expected = "".join(model.stream(prompt, text=index, **options))
        assert written(model, prompt, index, **options) == (expected, "length")


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.text("ab\n ", min_size=0, max_size=3) | st.text(ALPHABET, max_size=2), max_size=4),
    st.integers(0, 5),
    st.integers(0, 120),
)
def test_stops_end_a_text_where_the_library_ends_it(stops: list[str], seed: int, length: int) -> None:
    options = {"length": length, "temperature": 1.5, "seed": seed, "stop": tuple(stops)}
    expected = MODEL.generate("a", **options)
    assert written(MODEL, "a", **options) == (expected, "stop" if len(expected) < length else "length")


@pytest.mark.parametrize("stops", [("cd", "abcdef"), ("bcd", "cd"), ("d", "cd", "bcd"), ("abcdefg", "g")])
def test_of_several_stops_the_first_complete_one_ends_a_text(
    stops: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = "xxabcdefxx" * 3
    ids = MODEL.vocabulary.encode(whole).tolist()
    for loop in ("nextchar.model.language_model.generate_ids", "nextchar.web.continuation.continue_ids"):
        monkeypatch.setattr(loop, lambda *_, **__: iter(ids))
    options = {"length": len(whole), "stop": stops}
    expected = MODEL.generate("a", **options)
    assert written(MODEL, "a", **options) == (expected, "length" if expected == whole else "stop")


def test_a_text_that_could_be_the_beginning_of_a_stop_waits() -> None:
    whole = MODEL.generate("a", length=40, seed=1, temperature=1.0)
    at = 3
    stop = whole[at : at + 20] + "☃"
    text = Continuation(MODEL, "a", SamplingSettings(length=40, seed=1, temperature=1.0, stop=(stop,)))
    shown = ""
    for piece in text.pieces():
        shown += piece
        assert not any(shown.endswith(stop[:size]) for size in range(1, 20)) or shown == whole
    assert shown == whole


def count_read(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by how many ids are read, whenever the network of ``model`` reads any."""
    sizes: list[int] = []
    network = type(model.network)
    forward = network.forward

    def count(self: object, ids: np.ndarray, state: object) -> object:
        sizes.append(ids.shape[1])
        return forward(self, ids, state)  # type: ignore[arg-type]

    monkeypatch.setattr(network, "forward", count)
    return sizes


def test_a_long_prompt_is_read_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no more memory is taken for it, and others have a go; the text is the same."""
    sizes = count_read(MODEL, monkeypatch)
    prompt = "the fox " * 1000
    steps = 0
    for _ in Continuation(MODEL, prompt, SamplingSettings(length=1)).pieces():
        steps += 1
    assert max(sizes) == continuation.CHUNK
    assert sum(sizes) == len(prompt)
    assert steps > len(prompt) / continuation.CHUNK
    sizes.clear()
    list(prediction.distribution(MODEL, prompt, SamplingSettings(), 5))
    assert max(sizes) == continuation.CHUNK


def test_of_a_windowed_model_only_the_window_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = count_read(WINDOWED, monkeypatch)
    list(prediction.distribution(WINDOWED, "the fox " * 100, SamplingSettings(), 5))
    assert sum(read) == 5


def test_a_reader_says_the_same_however_a_text_is_cut() -> None:
    ids = MODEL.vocabulary.encode("the quick fox jumps over 가나다\n" * 3)
    whole = Reader(MODEL, 4).read(ids)
    cut = Reader(MODEL, 4)
    parts = [cut.read(part) for part in (ids[:1], ids[1:30], ids[30:])]
    for name in ("log_probabilities", "alternatives", "alternative_log_probabilities"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), atol=1e-5)


def test_all_characters_of_a_model_without_an_unknown_symbol_can_be_alternatives() -> None:
    foreseen = Reader(MODEL, 1000).read(MODEL.vocabulary.encode("fox"))
    assert sorted(foreseen.alternatives[0]) == list(range(1, MODEL.vocabulary.size))
    file = MODEL.file
    known = Vocabulary("".join(sorted({*ALPHABET, "z", "ü"})), has_unknown=False)
    plain = LanguageModel(replace(file, vocabulary=known))
    foreseen = Reader(plain, 1000).read(known.encode("fox"))
    assert sorted(foreseen.alternatives[2]) == list(range(known.size))
    assert np.exp(foreseen.alternative_log_probabilities[2]).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("probabilities", "bits"), [([1.0, 0.0], 0), ([0.5, 0.5], 1), ([0.25] * 4, 2), ([0.5, 0.25, 0.25, 0], 1.5)]
)
def test_entropy(probabilities: list[float], bits: float) -> None:
    assert entropy(np.array(probabilities)) == pytest.approx(bits)
