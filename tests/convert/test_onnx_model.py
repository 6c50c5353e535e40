"""Models as ONNX: what onnxruntime computes and nextchar does, side by side."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from nextchar.cli import main
from nextchar.convert import onnx_model
from nextchar.errors import ModelFileError
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile, Provenance
from nextchar.networks.architecture import Architecture, Ids
from nextchar.networks.engine import make_network
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.text.vocabulary import Vocabulary
from tests.command import assert_refused, converted
from tests.small_networks import random_model

PAGE = Path(__file__).parents[2] / "docs" / "convert.md"
ALPHABET = "".join(map(chr, range(32, 127)))
LARGE = "".join(map(chr, range(0xAC00, 0xAC00 + 1499)))
MODELS = {
    "one-hot": (ALPHABET, None, (16,), None),
    "embedding": (ALPHABET, 5, (12, 7), None),
    "three layers": (ALPHABET, None, (8, 20, 5), None),
    "one unit": ("ab", 1, (1,), None),
    "many characters": (LARGE, None, (32,), None),
    "many characters, embedding": (LARGE, 6, (24, 10), None),
    "windows": (ALPHABET, None, (16,), 7),
    "windows, embedding": (ALPHABET, 3, (6, 9), 7),
}


def model(name: str = "embedding", has_unknown: bool = True, **provenance: object) -> ModelFile:
    """Return one of the models, with weights that mean nothing."""
    characters, embedding, hidden, context_length = MODELS[name]
    vocabulary = Vocabulary(characters, has_unknown)
    architecture = Architecture(
        vocabulary_size=vocabulary.size, embedding=embedding, hidden=hidden, context_length=context_length
    )
    random = np.random.default_rng(0)
    shapes = architecture.parameter_shapes()
    parameters = {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    return ModelFile(architecture, vocabulary, parameters, Provenance.model_validate(provenance))


def content(file: ModelFile) -> bytes:
    """Return the file of ONNX."""
    return onnx_model.write(file, Path("model.onnx")).files[Path("model.onnx")]


def session_of(written: bytes) -> Any:
    """Return onnxruntime, ready to compute; with one thread, and without a line of its own for an error expected."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(written, options, providers=["CPUExecutionProvider"])


class OnnxNetwork:
    """A `Network` that onnxruntime computes; its state is the tensors, in their order."""

    context_length = None

    def __init__(self, file: ModelFile) -> None:
        self.session = session_of(content(file))
        self.vocabulary_size = file.architecture.vocabulary_size
        self._states = self.session.get_inputs()[1:]

    def initial_state(self, batch: int) -> tuple[np.ndarray, ...]:
        return tuple(np.zeros((batch, state.shape[1]), np.float32) for state in self._states)

    def forward(self, ids: Ids, state: tuple[np.ndarray, ...]) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        given = dict(zip([state.name for state in self._states], state, strict=True))
        logits, *after = self.session.run(None, {"ids": np.asarray(ids, np.int64), **given})
        return logits, tuple(after)


def some_ids(size: int, batch: int, time: int) -> np.ndarray:
    ids = np.random.default_rng(1).integers(0, size, (batch, time))
    ids[0, 0], ids[-1, -1] = 0, size - 1
    return ids


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", MODELS)
def test_onnxruntime_computes_the_same_logits_and_state(name: str, batch: int) -> None:
    file = model(name)
    ours, theirs = NumpyNetwork(file.architecture, file.parameters), OnnxNetwork(file)
    state, state_there = ours.initial_state(batch), theirs.initial_state(batch)
    for time in (1, 30, 1):
        ids = some_ids(ours.vocabulary_size, batch, time)
        expected, state = ours.forward(ids, state)
        logits, state_there = theirs.forward(ids, state_there)
        assert logits.dtype == np.float32
        assert logits.shape == (batch, time, ours.vocabulary_size)
        assert np.ptp(expected) > 0.5  # no parity of zeros
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)
        assert [array.shape for array in state_there[::2]] == [(batch, size) for size in file.architecture.hidden]
        for layer in range(file.architecture.layers):
            np.testing.assert_allclose(state_there[2 * layer], state.hidden[layer], rtol=0, atol=1e-5)
            np.testing.assert_allclose(state_there[2 * layer + 1], state.cell[layer], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_step_by_step_is_the_same_as_at_once(name: str) -> None:
    network = OnnxNetwork(model(name))
    ids = some_ids(network.vocabulary_size, 3, 20)
    at_once, state_after = network.forward(ids, network.initial_state(3))
    state = network.initial_state(3)
    for step in range(20):
        logits, state = network.forward(ids[:, step : step + 1], state)
        np.testing.assert_allclose(logits[:, 0], at_once[:, step], rtol=0, atol=1e-6)
    for one, other in zip(state, state_after, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", [name for name, (*_, length) in MODELS.items() if length is not None])
def test_a_model_of_windows_reads_the_last_characters_from_zero(name: str) -> None:
    file = model(name)
    ours, theirs = make_network(file.architecture, file.parameters), OnnxNetwork(file)
    ids = some_ids(ours.vocabulary_size, 2, 25)
    expected, _ = ours.forward(ids, ours.initial_state(2))
    for end in range(1, 26):
        logits, _ = theirs.forward(ids[:, max(0, end - 7) : end], theirs.initial_state(2))
        np.testing.assert_allclose(logits[:, -1], expected[:, end - 1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("has_unknown", [True, False])
def test_the_metadata_holds_vocabulary_and_settings(name: str, has_unknown: bool) -> None:
    file = model(name, has_unknown, corpus=["b\udcfccher.txt", "옛날.txt"], lowercase=True, seed=3, plan={"hidden": 8})
    written = content(file)
    read = onnx.load_model_from_string(written)
    raw = {entry.key: entry.value for entry in read.metadata_props}
    assert session_of(written).get_modelmeta().custom_metadata_map == raw
    entries = {key: json.loads(value) for key, value in raw.items()}
    characters = entries.pop("characters")
    assert (characters[0] is None) == has_unknown
    assert Vocabulary("".join(characters[has_unknown:]), entries["has_unknown"]) == file.vocabulary
    assert len(characters) == file.vocabulary.size
    assert Architecture.model_validate(entries.pop("architecture")) == file.architecture
    assert Provenance.model_validate(entries.pop("provenance")) == file.provenance
    assert entries == {
        "format": 1,
        "has_unknown": has_unknown,
        "start_id": LanguageModel(file).start_id,
        "context_length": file.architecture.context_length,
        "lowercase": True,
    }


def test_every_character_survives() -> None:
    characters = "\0\n\r\"'\\\u2028\ufeff\ufffe\U0010ffff"
    file = model()
    sizes = file.architecture.model_copy(update={"vocabulary_size": len(characters)})
    random = np.random.default_rng(0)
    parameters = {k: random.normal(0, 1, shape).astype(np.float32) for k, shape in sizes.parameter_shapes().items()}
    odd = ModelFile(sizes, Vocabulary("".join(sorted(characters)), has_unknown=False), parameters)
    found = session_of(content(odd)).get_modelmeta().custom_metadata_map["characters"]
    assert json.loads(found) == sorted(characters)


def test_the_interface_and_the_versions_are_pinned() -> None:
    written = content(model("embedding"))
    assert written == content(model("embedding"))
    read = onnx.load_model_from_string(written)
    onnx.checker.check_model(read, full_check=True)
    assert (read.producer_name, read.ir_version) == ("nextchar", 8)
    assert [(opset.domain, opset.version) for opset in read.opset_import] == [("", 17)]
    session = session_of(written)
    state = [("hidden_0", 12), ("cell_0", 12), ("hidden_1", 7), ("cell_1", 7)]
    assert [(tensor.name, tensor.shape, tensor.type) for tensor in session.get_inputs()] == [
        ("ids", ["batch", "time"], "tensor(int64)"),
        *((name, ["batch", size], "tensor(float)") for name, size in state),
    ]
    assert [(tensor.name, tensor.shape, tensor.type) for tensor in session.get_outputs()] == [
        ("logits", ["batch", "time", 96], "tensor(float)"),
        *((f"{name}_after", ["batch", size], "tensor(float)") for name, size in state),
    ]


def test_the_directions_fit_the_model() -> None:
    carried, windows = (onnx.load_model_from_string(content(model(name))).doc_string for name in ("one-hot", "windows"))
    assert "zero state" in carried
    assert "the state after" in carried
    assert "the last 7 " in windows
    assert "never id 0" in windows
    assert "id 0" not in onnx.load_model_from_string(content(model(has_unknown=False))).doc_string


def test_the_file_holds_little_more_than_the_weights() -> None:
    file = model("many characters")
    metadata = sum(len(value) for value in session_of(content(file)).get_modelmeta().custom_metadata_map.values())
    list_of_ids = 8 * file.vocabulary.size
    assert len(content(file)) < 4 * file.architecture.parameter_count + metadata + list_of_ids + 5000


@pytest.mark.parametrize("name", ["one-hot", "embedding"])
def test_an_id_that_is_not_there_is_an_error(name: str) -> None:
    network = OnnxNetwork(model(name))
    with pytest.raises(Exception, match="out of data bounds"):
        network.forward(np.array([[network.vocabulary_size]]), network.initial_state(1))


@pytest.mark.parametrize("name", ["one-hot", "embedding"])
@pytest.mark.parametrize("bad", [-1, -2, -(2**63), 2**63 - 1])
def test_a_negative_id_is_an_error_and_not_counted_from_the_end(name: str, bad: int) -> None:
    network = OnnxNetwork(model(name))
    with pytest.raises(Exception, match="out of data bounds"):
        network.forward(np.array([[0, bad]]), network.initial_state(1))


def test_what_does_not_fit_into_a_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_model, "MAX_BYTES", 4 * model().architecture.parameter_count)
    content(model())
    monkeypatch.setattr(onnx_model, "MAX_BYTES", 4 * model().architecture.parameter_count - 1)
    with pytest.raises(ModelFileError, match=r"model\.onnx cannot be written: the weights have"):
        content(model())


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a model."""
    LanguageModel(model()).save(tmp_path / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["one-hot", "embedding", "windows, embedding"])
@pytest.mark.parametrize("has_unknown", [True, False])
def test_the_example_of_the_page_writes_what_nextchar_writes(
    name: str, has_unknown: bool, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    language_model = LanguageModel(model(name, has_unknown))
    language_model.save(desk / "model.safetensors")
    section = PAGE.read_text(encoding="utf-8").partition("\n## To ONNX\n")[2]
    commands, example = re.findall(r"^```(?:sh|python)\n(.*?)^```", section, re.M | re.S)
    assert main(commands.split()[1:]) == 0
    assert capsys.readouterr().out == "model.onnx\n"
    (desk / "model.safetensors").unlink()
    assert "nextchar" not in example
    exec(compile(example, str(PAGE), "exec"), {})
    written = capsys.readouterr().out
    assert len(written) == 200
    assert set(written) <= set(ALPHABET)
    # Near zero the most probable character is drawn, whatever the random numbers are.
    greedy = re.sub(r"^temperature = 0\.5$", "temperature = 1e-9", example, flags=re.M)
    assert greedy != example
    exec(compile(greedy, str(PAGE), "exec"), {})
    assert capsys.readouterr().out == language_model.generate("once upon a time", length=200, temperature=0)


def test_a_run_folder_becomes_a_file_and_what_is_there_is_kept(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "run").mkdir()
    random_model().save(desk / "run" / "model.safetensors")
    outcome = converted(capsys, "run", "run.onnx")
    assert (outcome.status, outcome.stdout) == (0, "run.onnx\n")
    assert "metadata" in outcome.stderr
    assert "id 0 stands for unknown characters" in outcome.stderr
    before = (desk / "run.onnx").read_bytes()
    assert before == content(random_model().file)
    assert_refused(converted(capsys, "model.safetensors", "run.onnx"), 2, "run.onnx is there already", "--force")
    assert (desk / "run.onnx").read_bytes() == before
    assert converted(capsys, "model.safetensors", "run.onnx", "--force").status == 0
    assert (desk / "run.onnx").read_bytes() == content(model())
    assert sorted(path.name for path in desk.iterdir()) == ["model.safetensors", "run", "run.onnx"]


def test_how_to_feed_a_model_of_windows_is_said(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    LanguageModel(model("windows", has_unknown=False)).save(desk / "windows.safetensors")
    told = converted(capsys, "windows.safetensors", "windows.onnx").stderr
    assert "the last 7 characters" in told
    assert "zero state" in told
    assert "unknown" not in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("model.onnx", "m.safetensors"), ("model.onnx cannot be read", "only written", ".safetensors")),
        (("model.onnx", "m.safetensors", "--vocabulary", "corpus.txt"), ("model.onnx cannot be read",)),
        (("model.onnx", "m.onnx"), ("nothing to convert", "Neither", "ONNX")),
        (("model.safetensors", "m.onnx", "--vocabulary", "corpus.txt"), ("--vocabulary", "has its own")),
        (("model.safetensors", "m.onnyx"), ("m.onnyx", ".onnx")),
    ],
)
def test_mistakes_are_told(
    arguments: tuple[str, ...], words: tuple[str, ...], desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "model.onnx").write_bytes(content(model()))
    (desk / "corpus.txt").write_text(ALPHABET)
    assert_refused(converted(capsys, *arguments), 2, *words)
    assert not list(desk.glob("m.*"))


def test_without_the_library_it_is_said_how_to_get_it(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert_refused(converted(capsys, "model.safetensors", "m.onnx"), 1, 'pip install "nextchar[onnx]"')
    assert not (desk / "m.onnx").exists()
