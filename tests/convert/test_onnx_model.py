"""Models as ONNX files: metadata, versions, notes, and the example of the page."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from nextchar.cli import main
from nextchar.convert import onnx_model
from nextchar.errors import ModelFileError
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Architecture
from nextchar.settings import TokenKind
from nextchar.text.byte_tokenizer import ESCAPE
from nextchar.text.vocabulary import Vocabulary
from tests.command import assert_refused, converted
from tests.onnx_models import ALPHABET, MODELS, content, model, session_of
from tests.small_networks import random_model
from tests.token_models import model_of_kind, unescaped

PAGE = Path(__file__).parents[2] / "docs" / "convert.md"


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


@pytest.mark.parametrize("kind", ["bytes", "jamo", "words"])
def test_a_model_of_other_tokens_is_written_from_its_metadata(kind: TokenKind) -> None:
    language_model, prompt, length = model_of_kind(kind, seed=2), "the fox\n", 40
    session = session_of(content(language_model.file))
    facts = {key: json.loads(value) for key, value in session.get_modelmeta().custom_metadata_map.items()}
    assert "characters" not in facts
    assert facts["tokens"]["kind"] == kind
    assert facts["has_unknown"] == (kind != "bytes")
    texts = facts["tokens"].get("texts", [bytes([value]) for value in range(256)])
    assert [id_ for id_, text in enumerate(texts) if text is None] == ([0] if facts["has_unknown"] else [])
    everything = facts["succession"] if kind == "jamo" else {"classes": [0] * len(texts), "may_follow": [[True]]}
    assert ("succession" in facts) == (kind == "jamo")
    classes = np.array(everything["classes"])
    state = [np.zeros((1, tensor.shape[1]), np.float32) for tensor in session.get_inputs()[1:]]
    names = [tensor.name for tensor in session.get_inputs()]
    ids, written, last = language_model.vocabulary.encode(prompt).tolist(), [], 0
    for _ in range(length):
        logits, *state = session.run(None, dict(zip(names, [[ids], *state], strict=True)))
        allowed = np.array(everything["may_follow"])[last, classes] & [text is not None for text in texts]
        drawn = int(np.where(allowed, logits[0, -1], -np.inf).argmax())
        ids, last = [drawn], classes[drawn]
        written.append(texts[drawn])
    joined = b"".join(written).decode("utf-8", ESCAPE) if kind == "bytes" else "".join(written)
    expected = unescaped(kind, language_model.generate(prompt, length=length, temperature=0))
    assert len(expected) >= length // 3
    assert unicodedata.normalize("NFC", joined).startswith(expected[:-1])


def test_every_character_survives() -> None:
    characters = "\0\n\r\"'\\\u2028\ufeff\ufffe\U0010ffff"
    file = model()
    sizes = file.lstm_for("A test")[0].model_copy(update={"vocabulary_size": len(characters)})
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


def test_what_does_not_fit_into_a_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_model, "MAX_BYTES", 4 * model().architecture.parameter_count)
    content(model())
    monkeypatch.setattr(onnx_model, "MAX_BYTES", 4 * model().architecture.parameter_count - 1)
    with pytest.raises(
        ModelFileError, match=r"model\.onnx cannot be written: the weights have 11 kB, and .* at most 11 kB"
    ):
        content(model())


def test_the_limit_of_a_file_is_named() -> None:
    assert 2**31 - 2**27 < onnx_model.MAX_BYTES < 2**31, "a protocol buffer holds less than 2 GiB"
    sizes = model().architecture.model_copy(update={"hidden": (8192, 8192)})
    message = r"model\.onnx cannot be written: the weights have 3\.2 GB, and an ONNX file can hold at most 2\.1 GB\."
    with pytest.raises(ModelFileError, match=message):
        content(replace(model(), architecture=sizes))


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
    assert_refused(converted(capsys, "model.safetensors", "run.onnx"), 2, "run.onnx already exists", "--force")
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
        (("model.onnx", "m.safetensors"), ("model.onnx cannot be read", "only write", ".safetensors")),
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
