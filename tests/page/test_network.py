"""The parts of the page's engine, in a real browser: random numbers, the model file, the network."""

from __future__ import annotations

import base64
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextchar.model.model_file import ModelFile
from nextchar.networks.architecture import Architecture
from nextchar.networks.engine import make_network
from nextchar.randomness import random_stream
from nextchar.text.vocabulary import Vocabulary
from tests.page_engine import Engine
from tests.small_networks import random_parameters

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_random_numbers_are_those_of_numpy(engines: dict[str, Engine]) -> None:
    chosen = random.Random(0)
    seeds = [0, 1, 2**32, 2**53 + 1, 2**63 - 1, *(chosen.randrange(2**63) for _ in range(200))]
    drawn = engines["one layer"].page.evaluate(
        """seeds => seeds.map((seed) => [0, 1, 7, 2 ** 32].map((text) => {
             const stream = samplingStream(seed, text);
             return [stream.random(), stream.random(), stream.random()];
           }))""",
        [str(seed) for seed in seeds],
    )
    expected = [[random_stream(seed, "sampling", n).random(3).tolist() for n in (0, 1, 7, 2**32)] for seed in seeds]
    assert drawn == expected


SIZES = [
    {"embedding": None, "hidden": (1,)},
    {"embedding": 3, "hidden": (7,)},
    {"embedding": 5, "hidden": (9, 4, 13)},
    {"embedding": None, "hidden": (16, 8), "context_length": 5},
    {"embedding": 2, "hidden": (3,), "context_length": 1},
]


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_networks_of_all_sizes_compute_what_python_computes(
    engines: dict[str, Engine], sizes: dict[str, Any], half: bool
) -> None:
    architecture = Architecture(vocabulary_size=11, **sizes)
    parameters = random_parameters(architecture, seed=2)
    file = ModelFile(architecture, Vocabulary("abcdefghij"), parameters).to_bytes(half=half)
    if half:
        parameters = {name: array.astype(np.float16).astype(np.float32) for name, array in parameters.items()}
    ids = np.random.default_rng(0).integers(11, size=20)
    found = engines["one layer"].page.evaluate(
        """([file, ids]) => {
             const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
             const { header, tensors } = readModelFile(bytes);
             const network = makeNetwork(header.architecture, tensors);
             const each = [];
             network.read(ids, network.initialState(), (logits) => each.push(Array.from(logits)));
             const half = network.read(ids.slice(0, 8), network.initialState());
             network.read([1, 2, 3], half.state);
             const { logits } = network.read(ids.slice(8), half.state);
             return { each, inTwo: Array.from(logits) };
           }""",
        [base64.b64encode(file).decode(), ids.tolist()],
    )
    network = make_network(architecture, parameters)
    logits, _ = network.forward(ids[None], network.initial_state(1))  # (1, T, V)
    np.testing.assert_allclose(found["each"], logits[0], atol=2e-5)
    np.testing.assert_allclose(found["inTwo"], logits[0, -1], atol=2e-5)


def test_every_float16_is_read(engines: dict[str, Engine]) -> None:
    texts = engines["one layer"].page.evaluate(
        "Array.from(widened(Uint16Array.from({ length: 65536 }, (_, bits) => bits)), String)"
    )
    expected = np.arange(65536).astype(np.uint16).view(np.float16).astype(np.float64)
    np.testing.assert_array_equal([float(text) for text in texts], expected)


def test_the_quick_tanh_is_as_exact_as_float32(engines: dict[str, Engine]) -> None:
    inputs = [*np.linspace(-12, 12, 4001).tolist(), 1e-9, -1e-4, 100.0, -1e30]
    found = np.array(engines["one layer"].page.evaluate("inputs => inputs.map(quickTanh)", inputs))
    np.testing.assert_allclose(found, np.tanh(inputs), rtol=4e-7)


def test_the_page_tells_of_damage(engines: dict[str, Engine], chromium: Browser, tmp_path: Path) -> None:
    content = bytearray(engines["one layer"].path.read_bytes())
    place = content.index(b'id="model">') + 9000
    content[place] = ord("A") if content[place] != ord("A") else ord("B")
    (tmp_path / "damaged.html").write_bytes(content)
    page = chromium.new_page()
    page.goto((tmp_path / "damaged.html").as_uri())
    page.locator("#alarm").get_by_text("The model in this page is damaged: its checksum does not match").wait_for()
    page.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("bytes.slice(0, 5)", "cut short"),
        ("bytes.slice(0, 900)", "cut short"),
        ("bytes.slice(0, -2)", "does not fit"),
        ("bytes.map((byte, at) => (at === 20 ? 0 : byte))", "header cannot be read"),
        ("new TextEncoder().encode(new TextDecoder('latin1').decode(bytes).replace('format', 'f0rmat'))", "damaged"),
    ],
)
def test_a_damaged_model_file_is_refused(engines: dict[str, Engine], change: str, words: str) -> None:
    with pytest.raises(Exception, match=words):
        engines["one layer"].page.evaluate(
            f"""() => {{
                  const file = atob(document.getElementById('model').textContent);
                  const bytes = Uint8Array.from(file, (character) => character.charCodeAt(0));
                  return new LocalModel({change}, {{ name: 'x' }}).info;
                }}"""
        )
