"""`nextchar convert MODEL out.html`: what is in the file, and that Python reads it like any model."""

from __future__ import annotations

import itertools
import json
import math
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nextchar
from nextchar.cli import main
from nextchar.convert import single_file
from nextchar.convert.conversion import convert
from nextchar.errors import ModelFileError
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Architecture
from nextchar.networks.headers import BlendHeader
from nextchar.page import build_page, embedded_model, embedded_setup
from nextchar.randomness import random_stream
from nextchar.settings import sampling_limits
from nextchar.text import catalog
from nextchar.text.vocabulary import Vocabulary
from tests.command import assert_refused, converted
from tests.command import nextchar as command
from tests.served_page import BITS, EVALUATIONS, evaluation_events, run_folder
from tests.small_networks import ALPHABET, random_blend, random_model, random_parameters, random_text

PAGE = Path(__file__).parents[2] / "docs" / "single-file.md"
LOSS = 0.002
"""Bits per character that rounding the weights may cost."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a model file and a run."""
    random_model().save(tmp_path / "story.safetensors")
    run_folder(tmp_path / "fox")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def page(source: str = "story.safetensors", target: str = "out.html") -> bytes:
    convert(Path(source), Path(target), force=True)
    return Path(target).read_bytes()


def test_the_model_comes_back_rounded_to_float16(desk: Path) -> None:
    page()
    model, before = LanguageModel.load("out.html"), LanguageModel.load("story.safetensors")
    assert model.vocabulary == before.vocabulary
    assert model.file.architecture == before.file.architecture
    for name, array in model.file.parameters.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, before.file.parameters[name].astype(np.float16).astype(np.float32))


def test_the_command_writes_with_a_page(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = converted(capsys, "story.safetensors", "out.html")
    assert (outcome.status, outcome.stdout) == (0, "out.html\n")
    assert "kB, with the weights rounded to float16" in outcome.stderr
    written = command("sample", "out.html", "once ", "--length", 80, "--seed", 3, "--no-echo").stdout
    assert written == LanguageModel.load("out.html").generate("once ", length=80, seed=3) + "\n"
    facts = json.loads(command("info", "out.html", "--json").stdout)
    assert facts["characters_known"] == random_model().vocabulary.characters
    assert_refused(converted(capsys, "story.safetensors", "out.html"), 2, "out.html already exists", "--force")


def test_a_model_of_128_units_takes_less_than_a_megabyte(desk: Path) -> None:
    architecture = Architecture(vocabulary_size=100, embedding=None, hidden=(128,))
    vocabulary = Vocabulary("".join(map(chr, range(0x21, 0x21 + 100))), has_unknown=False)
    run = run_folder(
        desk / "large", LanguageModel(ModelFile(architecture, vocabulary, random_parameters(architecture)))
    )
    run.append([event for number in range(4, 60) for event in evaluation_events(number)])
    assert len(page("large")) < 1_000_000


def test_the_loss_of_float16_is_measured_on_a_real_model(
    corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTCHAR_CORPORA", str(corpora))
    model = nextchar.train(
        "tinyshakespeare",
        out=tmp_path / "run",
        hidden=128,
        steps=200,
        evaluations=1,
        sample_length=1,
        quiet=True,
        memory=False,  # whose n-grams a page has in part
    )
    convert(tmp_path / "run", tmp_path / "out.html")
    (file,) = catalog.resolve(["tinyshakespeare"], cache=tmp_path).files
    text = file.path.read_text(encoding="utf-8")[-60_000:]
    before, after = (one.bits_per_character(text) for one in (model, LanguageModel.load(tmp_path / "out.html")))
    assert before < 3.2
    assert after != before
    assert abs(after - before) < LOSS


def test_a_blend_goes_with_its_ngrams_and_its_own_weights_exact(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = random_blend(random_text(ALPHABET, 2000))
    before.save(desk / "blend.safetensors")
    outcome = converted(capsys, "blend.safetensors", "out.html")
    assert isinstance(before.architecture, BlendHeader)
    assert f"the page has all {before.architecture.ngrams:,} n-grams" in outcome.stderr
    after = ModelFile.load(Path("out.html"))
    assert after.architecture == before.architecture
    for name, array in after.parameters.items():
        exact = before.parameters[name]
        expected = exact.astype(np.float16).astype(np.float32) if name.startswith("network.") else exact
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == exact.dtype


def test_only_the_ngrams_that_are_worth_most_are_in_a_page(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_file, "MAX_NGRAMS", 1000)
    text = random_text(ALPHABET, 2000)
    before = random_blend(text)
    before.save(desk / "blend.safetensors")
    outcome = converted(capsys, "blend.safetensors", "out.html")
    after = ModelFile.load(Path("out.html"))
    assert isinstance(before.architecture, BlendHeader)
    assert isinstance(after.architecture, BlendHeader)
    assert 900 < after.architecture.ngrams <= 1000 < before.architecture.ngrams
    note = f"the page has {after.architecture.ngrams:,} of {before.architecture.ngrams:,} n-grams"
    assert note in outcome.stderr
    np.testing.assert_array_equal(after.parameters["weights"], before.parameters["weights"])
    written = LanguageModel.load("out.html").generate("", length=50, seed=1)
    assert command("sample", "out.html", "--length", 50, "--seed", 1).stdout == written + "\n"
    first = (desk / "out.html").read_bytes()
    assert embedded_model(page("out.html", "again.html")) == embedded_model(first)


def test_weights_that_float16_cannot_hold_stay_float32(desk: Path) -> None:
    model = random_model()
    model.file.parameters["output.bias"][0] = -1e6
    model.file.parameters["output.weight"][0, 0] = 1e5
    model.save("story.safetensors")
    page()
    loaded = LanguageModel.load("out.html").file.parameters
    for name in ("output.bias", "output.weight"):
        np.testing.assert_array_equal(loaded[name], model.file.parameters[name])


def test_the_history_of_a_run_goes_with_it(desk: Path) -> None:
    setup = embedded_setup(page("fox"))
    assert (setup["life"], setup["name"]) == ("exported", "fox")
    assert setup["limits"] == sampling_limits()
    history = setup["history"]
    assert history["finished"] is True
    assert len(history["evaluations"]) == EVALUATIONS
    assert history["evaluations"][0]["samples"][0]["text"] == " at 0.2, step 1"
    assert embedded_setup(page("fox/model.safetensors"))["history"] == history


def test_the_history_of_a_page_is_read_by_its_old_name_too(desk: Path) -> None:
    history = embedded_setup(page("fox"))["history"]
    old = (desk / "out.html").read_bytes().replace(b'"history":', b'"growth":', 1)
    (desk / "old.html").write_bytes(old)
    assert "history" not in embedded_setup(old)
    assert embedded_setup(page("old.html"))["history"] == history


def test_a_run_that_goes_on_is_shown_as_it_is(desk: Path) -> None:
    run_folder(desk / "young", finished=False)
    assert embedded_setup(page("young"))["history"]["finished"] is True


def test_samples_of_a_long_run_are_thinned(desk: Path) -> None:
    run = run_folder(desk / "long")
    run.append([event for number in range(EVALUATIONS, 200) for event in evaluation_events(number)])
    evaluations = embedded_setup(page("long"))["history"]["evaluations"]
    assert len(evaluations) == 200
    assert sum(bool(one["samples"]) for one in evaluations) == single_file.MAX_SAMPLES


def test_a_model_without_a_run_has_no_history(desk: Path) -> None:
    setup = embedded_setup(page())
    assert (setup["name"], setup["history"]) == ("story", None)
    (desk / "fox" / "events.jsonl").unlink()
    assert embedded_setup(page("fox"))["history"] is None


def test_a_damaged_run_is_told_and_its_model_exported(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "fox" / "settings.json").write_text("{")
    outcome = converted(capsys, "fox", "out.html")
    assert outcome.status == 0
    assert "is left out: fox/settings.json cannot be used" in outcome.stderr
    assert embedded_setup((desk / "out.html").read_bytes())["history"] is None
    LanguageModel.load("out.html")


def test_what_is_nobody_elses_business_stays_here(desk: Path) -> None:
    provenance = Provenance(
        corpus=("/home/ann/diary.txt", "C:\\letters\\bob.txt", "nietzsche", "\udcff.txt"),
        corpus_key="0123456789",
        validation_bits_per_character=BITS,
        seed=7,
    )
    replace(random_model(), file=replace(random_model().file, provenance=provenance)).save("story.safetensors")
    model = embedded_model(page())
    assert b"home/ann" not in model
    assert b"letters" not in model
    told = LanguageModel.load("out.html").provenance
    assert told.corpus == ("diary.txt", "bob.txt", "nietzsche", "?.txt")
    assert (told.corpus_key, told.seed, told.validation_bits_per_character) == (None, 7, BITS)


def test_numbers_that_javascript_does_not_read_are_left_out(desk: Path) -> None:
    provenance = Provenance(validation_bits_per_character=math.inf, plan={"clip": math.nan, "steps": 5})
    replace(random_model(), file=replace(random_model().file, provenance=provenance)).save("story.safetensors")
    page()
    told = LanguageModel.load("out.html").provenance
    assert told.validation_bits_per_character is None
    assert told.plan == {"clip": None, "steps": 5}


def test_a_page_becomes_a_model_file_and_a_page_again(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = page("fox")
    outcome = converted(capsys, "out.html", "back.safetensors")
    assert (outcome.status, outcome.stdout) == (0, "back.safetensors\n")
    assert "rounded to float16" in outcome.stderr
    back, inside = LanguageModel.load("back.safetensors").file, LanguageModel.load("out.html").file
    assert all(np.array_equal(array, inside.parameters[name]) for name, array in back.parameters.items())
    assert page("out.html", "again.html") == first


def test_a_page_without_a_model_is_told(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "served.html").write_text(build_page({"life": "served"}), encoding="utf-8")
    (desk / "fox" / "report.html").write_text("<!doctype html><title>fox</title>")
    for name in ("served.html", "fox/report.html"):
        with pytest.raises(ModelFileError, match="no model in this page"):
            LanguageModel.load(name)
        assert_refused(converted(capsys, name, "m.safetensors"), 1, name, "no model in this page")
    assert not (desk / "m.safetensors").exists()


def test_damage_is_noticed(desk: Path) -> None:
    content = page()
    begin = content.index(b'id="model">') + len(b'id="model">')
    end = content.index(b"</script>", begin)
    for place in (begin + 10, (begin + end) // 2, end - 10):
        changed = bytearray(content)
        changed[place] = ord("A") if changed[place] != ord("A") else ord("B")
        (desk / "damaged.html").write_bytes(changed)
        with pytest.raises(ModelFileError, match=r"damaged\.html is not a nextchar model, or is damaged"):
            LanguageModel.load("damaged.html")


def test_a_model_that_no_browser_opens_is_told(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(embedded_model(page()))
    monkeypatch.setattr(single_file, "MAX_BYTES", size)
    page()
    monkeypatch.setattr(single_file, "MAX_BYTES", size - 1)
    with pytest.raises(ModelFileError, match=r"out\.html cannot be written.*--hidden"):
        page()


def test_the_size_of_a_large_page_is_told(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_file, "LARGE", 1000)
    assert "may be too large for a phone" in converted(capsys, "story.safetensors", "out.html").stderr


def test_the_commands_of_the_page_run(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random_model().save("model.safetensors")
    (block,) = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    for line in block.splitlines():
        assert main(shlex.split(line)[1:]) == 0, capsys.readouterr().err
    assert LanguageModel.load("back.safetensors").vocabulary == random_model().vocabulary


@pytest.mark.parametrize("seed", [0, 7, 2**32, 2**63 - 1])
@pytest.mark.parametrize("text", [0, 1, 2**32 + 5])
def test_the_generator_of_the_page_is_that_of_python(seed: int, text: int) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    names: dict[str, Any] = {}
    exec(compile(program, str(PAGE), "exec"), names)
    drawn = list(itertools.islice(names["random_numbers"](seed, text), 50))
    assert drawn == random_stream(seed, "sampling", text).random(50).tolist()
