"""A prompt becoming a text: the same text for everything that writes, piece by piece."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextchar.model import continuation, generation
from nextchar.model.continuation import Continuation, Prompt
from nextchar.model.generation import generate_ids
from nextchar.model.language_model import LanguageModel
from nextchar.randomness import random_stream
from nextchar.settings import SamplingSettings
from tests.small_networks import ALPHABET, random_model

MODEL = random_model()
WINDOWED = LanguageModel(
    replace(MODEL.file, architecture=MODEL.file.architecture.model_copy(update={"context_length": 5}))
)


def written(model: LanguageModel, prompt: str, index: int = 0, **options: object) -> tuple[str, str | None]:
    """Return the text, and why it ended."""
    text = Continuation(model.fold_prompt(prompt), SamplingSettings.model_validate(options), index)
    return "".join(text.steps()), text.finish_reason


def drawn(model: LanguageModel, prompt: str, index: int, **options: Any) -> str:
    """Return what is drawn with ``options`` after ``prompt``, read in one go, whatever it should stop before."""
    vocabulary, sampling = model.vocabulary, SamplingSettings(**options)
    random = random_stream(options["seed"], "sampling", index)
    ids = generate_ids(model.network, model.fold_prompt(prompt).ids, sampling, random, vocabulary.never_drawn)
    return vocabulary.decode(list(islice(ids, sampling.length)))


def cut(text: str, stops: Iterable[str]) -> tuple[str, str]:
    """Return ``text`` up to the first complete one of ``stops``, the longest of several, and why it ends."""
    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if stop and text[:end].endswith(stop)]
        if found:
            return text[: end - max(map(len, found))], "stop"
    return text, "length"


@pytest.mark.parametrize("model", [MODEL, WINDOWED], ids=["carrying", "windowed"])
@pytest.mark.parametrize("prompt", ["", "h", "hello", "the fox " * 300])
@pytest.mark.parametrize("shape", [{}, {"top_k": 3}, {"top_p": 0.5, "min_p": 0.1}, {"temperature": 0}])
def test_a_text_is_what_is_drawn_after_its_prompt(model: LanguageModel, prompt: str, shape: dict[str, float]) -> None:
    options = {"length": 50, "temperature": 1.0, "seed": 3, **shape}
    for index in (0, 2):
        expected = drawn(model, prompt, index, **options)
        assert written(model, prompt, index, **options) == (expected, "length")
        assert "".join(model.stream(prompt, text=index, **options)) == expected


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.text("ab\n ", min_size=0, max_size=3) | st.text(ALPHABET, max_size=2), max_size=4),
    st.integers(0, 5),
    st.integers(0, 120),
)
def test_stops_end_a_text(stops: list[str], seed: int, length: int) -> None:
    options = {"length": length, "temperature": 1.5, "seed": seed}
    expected = cut(drawn(MODEL, "a", 0, **options), stops)
    assert written(MODEL, "a", stop=tuple(stops), **options) == expected


@pytest.mark.parametrize("stops", [("cd", "abcdef"), ("bcd", "cd"), ("d", "cd", "bcd"), ("abcdefg", "g")])
def test_of_several_stops_the_first_complete_one_ends_a_text(
    stops: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = "xxabcdefxx" * 3
    ids = MODEL.vocabulary.encode(whole).tolist()
    monkeypatch.setattr(continuation, "draw_blocks", lambda *_, **__: ([id_] for id_ in ids))
    assert written(MODEL, "a", length=len(whole), stop=stops) == cut(whole, stops)


def test_a_text_that_could_be_the_beginning_of_a_stop_waits() -> None:
    whole = MODEL.generate("a", length=40, seed=1, temperature=1.0)
    at = 3
    stop = whole[at : at + 20] + "☃"
    text = MODEL.continuation("a", length=40, seed=1, temperature=1.0, stop=(stop,))
    shown = ""
    for piece in text:
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
    for _ in MODEL.continuation(prompt, length=1).steps():
        steps += 1
    assert max(sizes) == continuation.CHUNK
    assert sum(sizes) == len(prompt)
    assert steps > len(prompt) / continuation.CHUNK


def test_of_a_windowed_model_only_the_window_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = count_read(WINDOWED, monkeypatch)
    for _ in WINDOWED.fold_prompt("the fox " * 100).read():
        pass
    assert sum(read) == 5


def test_a_prompt_is_read_once_for_all_its_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    read, prompt = count_read(MODEL, monkeypatch), MODEL.fold_prompt("the fox " * 100)
    texts = ["".join(Continuation(prompt, SamplingSettings(length=20, seed=1), index)) for index in (0, 1, 0)]
    assert sum(size for size in read if size > 1) == 800
    assert texts[0] == texts[2] != texts[1]


def test_a_continuation_tells_what_was_read_and_why_it_ended() -> None:
    text = MODEL.continuation("Hé☃", length=30, temperature=1.0)
    assert (text.prompt, text.finish_reason) == ("hé", None)
    assert list(map(str, text.replacements)) == [
        "'H' (U+0048 LATIN CAPITAL LETTER H) at character 1 read as 'h'",
        "'☃' (U+2603 SNOWMAN) at character 3 left out",
    ]
    first = "".join(text)
    assert text.finish_reason == "length"
    assert first == "".join(text) == MODEL.generate("hé", length=30, temperature=1.0, seed=text.seed)
    stopped = MODEL.continuation("hé", length=30, temperature=1.0, seed=text.seed, stop=first[3])
    assert "".join(stopped) == first[: first.index(first[3])]
    assert stopped.finish_reason == "stop"


def test_a_seed_that_is_drawn_fits_in_a_browser() -> None:
    seeds = [MODEL.continuation().seed for _ in range(64)]
    assert max(seeds) < 2**32
    assert max(seeds) > 2**24, "it has more than a few bits"
    assert MODEL.continuation(seed=2**63 - 1).seed == 2**63 - 1


@pytest.mark.parametrize(
    ("model", "sizes"),
    [(MODEL, [1, 2, 4, 8, 16, 32, 64, 128, 256, 89]), (WINDOWED, [1, 2, 4, *[8] * 74, 1])],
    ids=["carrying", "windowed"],
)
def test_steps_grow_while_pieces_come_as_they_are_drawn(model: LanguageModel, sizes: list[int]) -> None:
    prompt = Prompt(model.compiled_network, model.vocabulary, "hello")
    text = Continuation(prompt, SamplingSettings(length=600, seed=1, temperature=1.0, top_k=3))
    steps = list(text.steps())
    assert steps[0] == ""
    assert list(map(len, filter(None, steps))) == sizes
    assert list(text) == list("".join(steps))


def test_no_step_draws_more_than_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = Prompt(WINDOWED.compiled_network, WINDOWED.vocabulary, "hello")
    for _ in prompt.read():
        pass
    drawn = list[int]()
    draw = generation.draw
    monkeypatch.setattr(generation, "draw", lambda *given: drawn.append(1) or draw(*given))
    assert len("".join(Continuation(prompt, SamplingSettings(length=10)).steps())) == len(drawn) == 10


def test_the_first_piece_comes_before_the_second_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = Prompt(MODEL.compiled_network, MODEL.vocabulary, "hello")
    pieces = list(Continuation(compiled, SamplingSettings(length=600, seed=1)))
    assert list(map(len, pieces)) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 89]
    read = count_read(MODEL, monkeypatch)
    assert len(next(iter(MODEL.continuation("hello", length=600, seed=1)))) == 1
    assert read == [5]
