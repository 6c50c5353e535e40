"""Blends in the page, in a real browser, against Python: the tables of n-grams, probabilities, texts, and damage."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextchar.convert.conversion import convert
from nextchar.model.blending import prune_both
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.networks.headers import BlendHeader
from nextchar.networks.kinds import blend_content, counts_of, network_alone, ngram_content, text_counts_of
from nextchar.networks.ngram_counts import MAX_BYTE
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.page import build_page
from tests.page_engine import Engine
from tests.small_networks import random_blend, random_text

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PLAIN = "etaoinshr dlu\n"
HANGUL = "".join(map(chr, range(0xAC00, 0xAC00 + 120))) + " \n"
LARGE = "".join(map(chr, range(0x4E00, 0x4E00 + 700))) + "。\n"
TEXTS = {
    "plain": random_text(PLAIN, 3000),
    "Hangul": random_text(HANGUL, 5000),
    "large": random_text(LARGE, 8000),
    "list": random_text(PLAIN, 3000).replace(" ", "\n").replace("\n\n", "\n") + "\n",
}


def pruned(file: ModelFile, most: int) -> ModelFile:
    """Return ``file`` with at most ``most`` counts."""
    header = file.architecture
    assert isinstance(header, BlendHeader)
    counts = prune_both(text_counts_of(header, file.parameters), most)
    small, arrays = blend_content(*network_alone(header, file.parameters), counts, file.parameters["weights"])
    return replace(file, architecture=small, parameters=arrays)


def counts_alone(file: ModelFile) -> ModelFile:
    """Return what the blend ``file`` has counted."""
    header = file.architecture
    assert isinstance(header, BlendHeader)
    alone, arrays = ngram_content(counts_of(header, file.parameters), header.line_end)
    return replace(file, architecture=alone, parameters=arrays)


FILES: dict[str, Callable[[], ModelFile]] = {
    "plain": lambda: random_blend(TEXTS["plain"]),
    "Hangul": lambda: random_blend(TEXTS["Hangul"]),
    "large": lambda: random_blend(TEXTS["large"]),
    "plain, pruned": lambda: pruned(random_blend(TEXTS["plain"], order=6), 1500),
    "large, pruned": lambda: pruned(random_blend(TEXTS["large"], order=3), 4000),
    "plain, words": lambda: random_blend(TEXTS["plain"], words=True),
    "Hangul, words": lambda: random_blend(TEXTS["Hangul"], words=True),
    "large, words": lambda: random_blend(TEXTS["large"], words=True),
    "plain, words, pruned": lambda: pruned(random_blend(TEXTS["plain"], words=True), 1500),
    "plain, windows": lambda: random_blend(TEXTS["plain"], context_length=5),
    "plain, counts alone": lambda: counts_alone(random_blend(TEXTS["plain"])),
    "large, counts alone": lambda: counts_alone(random_blend(TEXTS["large"])),
    "list": lambda: random_blend(TEXTS["list"], is_list=True),
    "list, pruned": lambda: pruned(random_blend(TEXTS["list"], order=6, is_list=True), 1500),
    "list, counts alone": lambda: counts_alone(random_blend(TEXTS["list"], is_list=True)),
    "plain, one id of context": lambda: random_blend(TEXTS["plain"], order=1),
}
"""The name of the text comes first. With the large alphabet, ids have two bytes, and there is no table of probabilities
after single ids."""


@pytest.fixture(scope="module")
def page(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page to call the engine in."""
    path = tmp_path_factory.mktemp("blend") / "page.html"
    path.write_text(build_page({"life": "exported", "name": "x", "history": None, "limits": {}}, b""))
    page = chromium.new_page()
    page.goto(path.as_uri())
    yield page
    page.close()


def evaluate(page: Page, body: str, content: bytes, *arguments: Any) -> Any:
    """Return what the JavaScript ``body`` returns, which finds the bytes of a model file and ``given``."""
    script = f"""([file, given]) => {{
      const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
      {body}
    }}"""
    return page.evaluate(script, [base64.b64encode(content).decode(), [*arguments]])


def some_ids(name: str, file: ModelFile) -> list[int]:
    """Return ids after which known contexts come, and unknown ones."""
    known = file.vocabulary.encode(TEXTS[name.partition(",")[0]][300:400])
    random = np.random.default_rng(1).integers(file.vocabulary.size, size=20)
    return np.concatenate([known, random, known[:5]]).tolist()


@pytest.mark.parametrize("name", FILES)
def test_blends_compute_what_python_computes(page: Page, name: str) -> None:
    file = FILES[name]()
    ids = some_ids(name, file)
    found = evaluate(
        page,
        """const { header, tensors } = readModelFile(bytes);
           const network = makeNetwork(header.architecture, tensors);
           const [ids] = given;
           const each = [];
           network.read(ids, network.initialState(), (logits) => each.push(Array.from(logits)));
           const half = network.read(ids.slice(0, 60), network.initialState());
           network.read([1, 2, 3], half.state);
           const { logits } = network.read(ids.slice(60), half.state);
           return { each, inTwo: Array.from(logits) };""",
        file.to_bytes(),
        ids,
    )
    network = LanguageModel(file).network
    logits, _ = network.forward(np.array([ids]), network.initial_state(1))  # (1, T, V)
    np.testing.assert_allclose(found["each"], logits[0], atol=2e-5)
    np.testing.assert_allclose(found["inTwo"], logits[0, -1], atol=2e-5)


@pytest.mark.parametrize("name", ["plain", "plain, pruned", "large, pruned"])
def test_the_tables_are_those_of_python(page: Page, name: str) -> None:
    file = FILES[name]()
    assert isinstance(file.architecture, BlendHeader)
    counts = counts_of(file.architecture, file.parameters)
    assert (counts.lost.max() > 0) == ("pruned" in name)
    ids = some_ids(name, file)
    found = evaluate(
        page,
        """const { header, tensors } = readModelFile(bytes);
           const { ngrams } = makeNetwork(header.architecture, tensors);
           const out = new Float32Array(ngrams.vocabulary);
           const [ids] = given;
           const predicted = ids.map((id) => {
             ngrams.advance(id);
             return [ngrams.predict(out), Array.from(out)];
           });
           const { shares, rests } = ngrams;
           return { shares: Array.from(shares), rests: Array.from(rests), predicted };""",
        file.to_bytes(),
        ids,
    )
    np.testing.assert_array_equal(np.array(found["shares"], np.float32), counts.shares)
    np.testing.assert_array_equal(np.array(found["rests"], np.float32), counts.rests)
    network = NgramNetwork(counts)
    log_p, longest, _ = network.read(np.array([ids]), network.initial_state(1))
    assert [length for length, _ in found["predicted"]] == longest[0].tolist()
    np.testing.assert_allclose([row for _, row in found["predicted"]], log_p[0], atol=1e-5)


def test_large_counts_are_read_from_their_own_array(page: Page) -> None:
    file = random_blend("ab" * 400 + "ba" * 300, order=2)
    assert file.parameters["ngrams.large_counts"].min() >= MAX_BYTE
    counts = evaluate(
        page,
        """const { tensors } = readModelFile(bytes);
           const named = (name) => tensors[`ngrams.${name}`];
           return Array.from(unpacked({ counts: named('counts'), large_counts: named('large_counts') }, 'counts'));""",
        file.to_bytes(),
    )
    assert isinstance(file.architecture, BlendHeader)
    assert counts == counts_of(file.architecture, file.parameters).counts[1:].tolist()


@pytest.mark.parametrize("temperature", [0.3, 0.7, 1.0])
@pytest.mark.parametrize("name", [*TEXTS, *(f"{name}, words" for name in TEXTS if name != "list")])
def test_the_same_seed_gives_the_same_text_as_in_python(
    chromium: Browser, tmp_path: Path, name: str, temperature: float
) -> None:
    FILES[name]().save(tmp_path / "model.safetensors")
    path = tmp_path / "page.html"
    convert(tmp_path / "model.safetensors", path)
    page = chromium.new_page()
    page.goto(path.as_uri())
    page.wait_for_function("app.model !== null")
    engine, settings = Engine(path, page, LanguageModel.load(path)), {"length": 500, "temperature": temperature}
    for seed in range(3):
        written = engine.generate("", seed=seed, **settings)["text"]
        assert written == engine.model.generate("", seed=seed, **settings)
    page.close()


DAMAGE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "its counts do not fit each other": lambda arrays: arrays["ngrams.children"].__setitem__(0, 1),
    "its n-grams are out of order": lambda arrays: arrays["ngrams.ids"].__setitem__(
        [0, 1], arrays["ngrams.ids"][[1, 0]]
    ),
    "its tensors do not fit its architecture": lambda arrays: arrays.update(weights=arrays["weights"][1:]),
    "counts do not fit": lambda arrays: arrays.update(
        {"ngrams.large_counts": np.append(arrays["ngrams.large_counts"], np.uint32(300))}
    ),
    "counts do not fit each": lambda arrays: arrays["ngrams.discounts"].__setitem__((0, 0), 1.5),
    "do not fit each other": lambda arrays: arrays["ngrams.counts"].__setitem__(5, 0),
    "not fit each other": lambda arrays: arrays["ngrams.ids"].__setitem__(-1, 200),
    "tensors do not fit": lambda arrays: arrays.pop("ngrams.lost"),
    "layer0.bias is not 32": lambda arrays: arrays.pop("network.layer0.bias"),
}
"""What is wrong, and how it comes about."""


@pytest.mark.parametrize("words", DAMAGE)
def test_damaged_tables_are_refused(page: Page, words: str) -> None:
    file = random_blend(TEXTS["plain"])
    arrays = {name: array.copy() for name, array in file.parameters.items()}
    DAMAGE[words](arrays)
    content = replace(file, parameters=arrays).to_bytes()
    with pytest.raises(Exception, match=rf"The model in this page is damaged: .*{words}.* Get the page again\."):
        evaluate(page, "return new LocalModel(bytes, { name: 'x' }).info;", content)


WORD_DAMAGE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "its kinds of ids do not fit each other": lambda arrays: arrays["words.kinds"].__setitem__(slice(None), 1),
    "kinds of ids do not fit": lambda arrays: arrays["words.kinds"].__setitem__(0, 3),
    "its counts do not fit each other": lambda arrays: arrays["words.children"].__setitem__(0, 1),
    "its counts do not fit its architecture": lambda arrays: [
        arrays.pop(name) for name in list(arrays) if name.startswith("words.")
    ],
    "its tensors do not fit its architecture": lambda arrays: arrays.update(weights=arrays["weights"][:, :2]),
}


@pytest.mark.parametrize("words", WORD_DAMAGE)
def test_damaged_counts_of_words_are_refused(page: Page, words: str) -> None:
    file = random_blend(TEXTS["plain"], words=True)
    arrays = {name: array.copy() for name, array in file.parameters.items()}
    WORD_DAMAGE[words](arrays)
    content = replace(file, parameters=arrays).to_bytes()
    with pytest.raises(Exception, match=rf"The model in this page is damaged: .*{words}.* Get the page again\."):
        evaluate(page, "return new LocalModel(bytes, { name: 'x' }).info;", content)


def test_a_wrong_number_of_ngrams_is_refused(page: Page) -> None:
    file = random_blend(TEXTS["plain"])
    wrong = file.architecture.model_copy(update={"ngrams": 7})
    with pytest.raises(Exception, match="its counts do not fit its architecture"):
        evaluate(page, "return new LocalModel(bytes, {}).info;", replace(file, architecture=wrong).to_bytes())
