"""`nextchar convert`: from a model of Keras to text, and back."""

from __future__ import annotations

import json
import re
import shlex
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nextchar.cli import main
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from tests.command import Outcome, assert_refused, converted, made_up_text, nextchar
from tests.keras_models import NUMPY_WARNING, keras, one_hot, probabilities
from tests.small_networks import random_model

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNING)

TEXT = made_up_text(3000)
LOWERED = "".join(sorted(set(TEXT.lower())))


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a text and a model that Keras made of it."""
    (tmp_path / "corpus.txt").write_text(TEXT, encoding="utf-8")
    one_hot(len(LOWERED)).save(tmp_path / "model.keras")
    monkeypatch.chdir(tmp_path)
    return tmp_path


PAGE = Path(__file__).parents[2] / "docs" / "convert.md"
IMPORT = ("model.keras", "model.safetensors", "--vocabulary", "corpus.txt", "--lowercase")


def test_a_model_of_keras_writes_text(desk: Path) -> None:
    outcome = nextchar("convert", *IMPORT)
    assert outcome == Outcome(0, "model.safetensors\n", "")
    prompt = TEXT[:60].lower()
    written = nextchar("sample", "model.safetensors", prompt, "--length", 50, "--seed", 1, "--no-echo").stdout
    assert written == LanguageModel.load("model.safetensors").generate(prompt, length=50, seed=1) + "\n"
    facts = json.loads(nextchar("info", "model.safetensors", "--json").stdout)
    assert (facts["recipe"], facts["lowercase"], facts["corpus"]) == ("keras", True, ["corpus.txt"])
    assert facts["characters_known"] == LOWERED
    again = nextchar("convert", *IMPORT)
    assert_refused(again, 2, "model.safetensors is there already", "--force")


def test_the_commands_of_the_page_run(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one_hot(len(LOWERED)).save_weights(desk / "model.weights.h5")
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    lines = "".join(blocks).splitlines()
    assert len(lines) == 6
    for line in lines:
        arguments = shlex.split(line)[1:]
        if arguments[0] == "convert":
            (desk / arguments[2]).unlink(missing_ok=True)
        assert main(arguments) == 0, capsys.readouterr().err
        assert capsys.readouterr().out


def test_there_and_back(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert converted(capsys, *IMPORT).status == 0
    outcome = converted(capsys, "model.safetensors", "back.keras")
    assert (outcome.status, outcome.stdout) == (0, "back.keras\n")
    assert "back.characters.json" in outcome.stderr
    assert json.loads((desk / "back.characters.json").read_text(encoding="utf-8")) == list(LOWERED)
    ids = np.array([[LOWERED.index(c) for c in TEXT[:60].lower()]])
    one, other = (keras().saving.load_model(desk / name) for name in ("model.keras", "back.keras"))
    assert np.array_equal(probabilities(one, ids), probabilities(other, ids))
    arguments = ("back.keras", "again.safetensors", "--vocabulary", "back.characters.json")
    assert converted(capsys, *arguments) == Outcome(0, "again.safetensors\n", "")
    models = [ModelFile.load(desk / name) for name in ("model.safetensors", "again.safetensors")]
    assert models[0].vocabulary == models[1].vocabulary
    assert all(np.array_equal(models[0].parameters[name], array) for name, array in models[1].parameters.items())


def test_a_run_folder_and_a_model_with_an_unknown_symbol(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "run").mkdir()
    random_model().save(desk / "run" / "model.safetensors")
    outcome = converted(capsys, "run", "model.weights.h5")
    assert outcome.status == 0
    assert "index 0 stands for unknown characters" in outcome.stderr
    assert json.loads((desk / "model.characters.json").read_text(encoding="utf-8"))[0] is None
    outcome = converted(capsys, "model.weights.h5", "back.safetensors", "--vocabulary", "model.characters.json")
    assert outcome.status == 0
    assert "weights alone" in outcome.stderr
    assert "--context-length 60" in outcome.stderr
    assert ModelFile.load(desk / "back.safetensors").vocabulary == random_model().vocabulary


def test_nothing_that_is_there_is_lost_unless_asked(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random_model().save("other.safetensors")
    (desk / "other.characters.json").write_text("precious")
    before = (desk / "model.keras").read_bytes()
    assert_refused(converted(capsys, "other.safetensors", "model.keras"), 2, "model.keras is there already")
    assert_refused(converted(capsys, "other.safetensors", "other.h5"), 2, "other.characters.json", "--force")
    assert (desk / "model.keras").read_bytes() == before
    assert not (desk / "other.h5").exists()
    assert (desk / "other.characters.json").read_text() == "precious"
    assert converted(capsys, "other.safetensors", "other.h5", "--force").status == 0
    assert converted(capsys, "other.safetensors", "other.keras").status == 0  # the same characters are no loss
    assert not [path for path in desk.iterdir() if path.name.startswith(".")]


def test_the_context_length_can_be_given(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert converted(capsys, *IMPORT, "--context-length", "20").status == 0
    assert ModelFile.load(desk / "model.safetensors").architecture.context_length == 20


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("model.keras", "m.safetensors"), 2, ("--vocabulary", "--lowercase", ".json")),
        (("model.keras", "m.safetensors", "--lowercase"), 2, ("--vocabulary",)),
        (("model.keras", "m.safetensors", "--vocabulary", "corpus.txt"), 2, ("as it is", "Add --lowercase")),
        (("model.keras", "m.safetensors", "--vocabulary", "nothing.txt"), 1, ("nothing.txt",)),
        (("model.keras", "m.safetensors", "--vocabulary", "nothing.json"), 1, ("nothing.json",)),
        ((*IMPORT[:3], "c.json", "--encoding", "utf-8"), 2, ("--encoding", "UTF-8")),
        ((*IMPORT, "--context-length", "0"), 2, ("--context-length 0", "1 to 4096")),
        (("nothing.keras", "m.safetensors", "--vocabulary", "corpus.txt"), 1, ("no model nothing.keras",)),
        (("corpus.txt", "m.safetensors"), 2, ("corpus.txt", ".safetensors", ".weights.h5", ".keras", ".h5")),
        (("own.safetensors", "m.onnyx"), 2, ("m.onnyx", ".keras")),
        (("own.safetensors", "m.safetensors"), 2, ("nothing to convert", "Both")),
        (("model.keras", "m.h5"), 2, ("nothing to convert", "Neither")),
        (("own.safetensors", "folder"), 2, ("folder is a folder",)),
        (("own.safetensors", "nowhere/m.keras"), 2, ("no folder nowhere",)),
        (("own.safetensors", "m.keras", "--vocabulary", "corpus.txt"), 2, ("--vocabulary", "has its own")),
        (("own.safetensors", "m.keras", "--context-length", "9"), 2, ("--context-length", "has its own")),
        (("damaged.safetensors", "m.keras"), 1, ("damaged.safetensors",)),
        (("damaged.keras", "m.safetensors", "--vocabulary", "corpus.txt"), 1, ("damaged.keras", "or is damaged")),
        (("damaged.h5", "m.safetensors", "--vocabulary", "corpus.txt"), 1, ("damaged.h5", "or is damaged")),
        (("tensorflow", "m.safetensors", "--vocabulary", "corpus.txt"), 1, ("SavedModel", ".keras")),
        (("folder", "m.keras"), 1, ("folder",)),
    ],
)
def test_mistakes_are_told(
    arguments: tuple[str, ...], status: int, words: tuple[str, ...], desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random_model().save("own.safetensors")
    (desk / "folder").mkdir()
    (desk / "tensorflow").mkdir()
    (desk / "tensorflow" / "saved_model.pb").touch()
    for suffix in ("safetensors", "keras", "h5"):
        (desk / f"damaged.{suffix}").write_bytes(b"\x89HDF\r\n\x1a\nPK\x03\x04" + bytes(range(200)))
    assert_refused(converted(capsys, *arguments), status, *words)
    assert not list(desk.glob("m.*"))


def test_without_keras_it_is_said_how_to_get_it(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    random_model().save("own.safetensors")
    monkeypatch.setitem(sys.modules, "keras", None)
    assert_refused(converted(capsys, *IMPORT), 1, 'pip install "nextchar[keras]"')
    assert_refused(converted(capsys, "own.safetensors", "m.keras"), 1, 'pip install "nextchar[keras]"')


def test_a_disk_that_takes_nothing(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    random_model().save("own.safetensors")

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("nextchar.convert.conversion.write_atomically", full)
    assert_refused(converted(capsys, "own.safetensors", "m.keras"), 1, "cannot be written", "No space left")


@pytest.mark.parametrize("name", ["model.H5", "model.hdf5", "model.KERAS", "model.h5", "model", "model.weights.h5"])
@pytest.mark.parametrize("form", [".keras", ".h5"])
def test_a_model_of_keras_is_known_by_its_first_bytes(
    name: str, form: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one_hot(len(LOWERED)).save(desk / f"saved{form}")
    (desk / "model.keras").unlink()
    (desk / f"saved{form}").rename(desk / name)
    assert converted(capsys, name, *IMPORT[1:]).status == 0
    assert ModelFile.load(desk / "model.safetensors").vocabulary.characters == LOWERED


def test_suffixes_are_read_in_upper_case_too(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random_model().save("own.safetensors")
    for name in ("m.HTML", "m.H5", "m.hdf5", "m.Weights.h5", "m.ONNX"):
        outcome = converted(capsys, "own.safetensors", name)
        assert (outcome.status, outcome.stdout) == (0, f"{name}\n"), outcome
    assert (desk / "m.HTML").read_bytes().startswith(b"<!DOCTYPE html>")
    arguments = ("--vocabulary", "m.characters.json")
    for name in ("m.H5", "m.hdf5", "m.Weights.h5"):
        assert converted(capsys, name, "back.safetensors", *arguments, "--force").status == 0
        assert np.array_equal(
            ModelFile.load(desk / "back.safetensors").parameters["output.weight"],
            random_model().file.parameters["output.weight"],
        )
    (desk / "m.HTML").rename("page")
    assert converted(capsys, "page", "from-page.SAFETENSORS").status == 0
    assert converted(capsys, "from-page.SAFETENSORS", "again.html").status == 0


@pytest.mark.parametrize("name", ["run.html", "run.keras", "run.safetensors"])
def test_a_run_folder_of_any_name_is_converted(name: str, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / name).mkdir()
    random_model().save(desk / name / "model.safetensors")
    assert converted(capsys, name, "m.html") == Outcome(0, "m.html\n", converted_note(desk / "m.html"))
    assert converted(capsys, name, "m.keras").status == 0
    outcome = converted(capsys, name, "m.safetensors")
    assert_refused(outcome, 2, "nothing to convert")


def converted_note(page: Path) -> str:
    return f"nextchar: a page of {page.stat().st_size / 1000:,.0f} kB, with the weights rounded to float16\n"


def test_the_folders_of_the_user_do_not_travel(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = desk / "secret-folder"
    folder.mkdir()
    (folder / "book.txt").write_text(TEXT, encoding="cp1252")
    small = ("--hidden", "8", "--streams", "2", "--window", "8", "--sample-length", "5", "--steps", "2")
    trained = nextchar("train", folder / "book.txt", "--encoding", "cp1252", "--out", folder / "run", *small)
    assert trained.status == 0, trained.stderr
    assert "secret-folder" in (folder / "run" / "settings.json").read_text()  # to find the text again
    assert nextchar("report", folder / "run").status == 0
    files = [folder / "run" / "report.html", folder / "run" / "model.safetensors", folder / "run" / "samples.md"]
    for name in ("m.html", "m.onnx", "m.keras", "m.h5", "m.weights.h5"):
        assert converted(capsys, str(folder / "run"), name, "--force").status == 0
        files.append(desk / name)
    for file in files:
        content = file.read_bytes()
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                content = b"".join(map(archive.read, archive.namelist()))
        assert b"secret-folder" not in content, file
    assert ModelFile.load(folder / "run" / "model.safetensors").provenance.corpus == ("book.txt",)
