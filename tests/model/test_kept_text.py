"""The training text inside a model file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextchar.convert import single_file
from nextchar.errors import ModelFileError, UsageError
from nextchar.files import tensor_file
from nextchar.model import kept_text
from nextchar.model.kept_text import ARRAY
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.text.documents import Place
from nextchar.text.vocabulary import Vocabulary
from tests.small_networks import model_with_text, random_model

TEXT = "the fox\nand the 가나\n" * 30


def with_text(text: str = TEXT, name: str = "/home/me/fox.txt") -> ModelFile:
    return model_with_text(text, name).file


def loaded(tmp_path: Path, content: bytes) -> ModelFile:
    (tmp_path / "m.safetensors").write_bytes(content)
    return ModelFile.load(tmp_path / "m.safetensors")


@pytest.mark.parametrize("alphabet", ["", "".join(map(chr, range(0x4E00, 0x4E00 + 300)))], ids=["bytes", "wide"])
def test_a_text_comes_back_with_its_places(tmp_path: Path, alphabet: str) -> None:
    text = alphabet + TEXT
    back = LanguageModel(loaded(tmp_path, with_text(text).to_bytes()))
    source = back.source_text
    assert back.vocabulary.decode(source.ids) == text
    assert source.place(len(alphabet) + 9) == Place("fox.txt", 2)
    assert b"/home/me" not in (tmp_path / "m.safetensors").read_bytes()


def test_without_a_text_a_file_is_what_it_was(tmp_path: Path) -> None:
    file = with_text()
    plain = random_model(TEXT).file.to_bytes()
    assert file.without_text().to_bytes() == plain
    assert loaded(tmp_path, plain).text is None
    header, arrays = tensor_file.from_bytes(plain)
    assert "text" not in header
    assert ARRAY not in arrays


def test_a_page_is_without_the_text(tmp_path: Path) -> None:
    exported = single_file.write(with_text(), tmp_path / "fox.html", tmp_path)
    for path, content in exported.files.items():
        path.write_bytes(content)
    assert ModelFile.load(tmp_path / "fox.html").text is None


def test_of_a_long_text_the_end_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_text, "MAX_KEPT", 50)
    file = with_text()
    assert file.text is not None
    source = file.text.source(file.characters_for("A test"))
    assert file.vocabulary.decode(source.ids) == TEXT[-50:]
    assert source.place(0) == Place("fox.txt", TEXT[:-50].count("\n") + 1)


HARM: dict[str, Any] = {
    "no text": lambda header, arrays: arrays.pop(ARRAY),
    "no header": lambda header, arrays: header.pop("text"),
    "another type": lambda header, arrays: arrays.update({ARRAY: arrays[ARRAY].astype(np.uint16)}),
    "too long": lambda header, arrays: header["text"].update(characters=kept_text.MAX_KEPT + 1),
    "a document beyond": lambda header, arrays: header["text"]["documents"][0].update(start=10**6),
    "another entry": lambda header, arrays: header["text"].update(more=1),
}


@pytest.mark.parametrize("harm", HARM)
def test_what_does_not_fit_is_refused(tmp_path: Path, harm: str) -> None:
    header, arrays = tensor_file.from_bytes(bytearray(with_text().to_bytes()))
    HARM[harm](header, arrays)
    with pytest.raises(ModelFileError, match="is not a nextchar model, or is damaged"):
        loaded(tmp_path, tensor_file.to_bytes(header, arrays))


DAMAGE: dict[str, Any] = {
    "garbage": lambda file: replace(file.text, packed=np.zeros(9, np.uint8)),
    "cut short": lambda file: replace(file.text, packed=file.text.packed[:-9]),
    "fewer": lambda file: replace(file.text, header=file.text.header.model_copy(update={"characters": 9})),
    "more": lambda file: replace(file.text, header=file.text.header.model_copy(update={"characters": 10**6})),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_text_is_found_when_it_is_used(damage: str) -> None:
    file = with_text()
    model = LanguageModel(replace(file, text=DAMAGE[damage](file)))
    assert len(model.generate("the", length=5)) == 5
    with pytest.raises(ModelFileError, match="training text in the model file is damaged"):
        model.generate("the", length=5, max_copy=3)


def test_ids_beyond_the_vocabulary_are_damage() -> None:
    file = with_text()
    assert file.text is not None
    with pytest.raises(ModelFileError, match="damaged"):
        file.text.source(Vocabulary("ab"))


def test_without_the_text_nothing_can_be_compared() -> None:
    model = random_model(TEXT)
    for use in (lambda: model.generate(max_copy=3), lambda: model.copied_runs("x"), lambda: model.copy_index):
        with pytest.raises(UsageError, match=r"does not have its training text.*--no-keep-text"):
            use()


def test_a_model_writes_no_longer_run_and_finds_those_it_wrote() -> None:
    model = LanguageModel(with_text())
    free = model.generate("the", length=400, seed=1, temperature=0.5)
    for longest in (2, 4, 9):
        limited = model.generate("the", length=400, seed=1, temperature=0.5, max_copy=longest)
        first = max(0, len("the") - longest)  # of the runs that do not lie in the prompt
        runs = [("the" + limited)[n : n + longest + 1] for n in range(first, len(limited) + 3 - longest)]
        assert not any(run in TEXT for run in runs)
        assert model.copied_runs(limited, longest + 1) == []
        assert limited == "".join(model.stream("the", length=400, seed=1, temperature=0.5, max_copy=longest))
        many = model.generate_many("the", 3, length=400, seed=1, temperature=0.5, max_copy=longest)
        assert many == [
            "".join(model.stream("the", text=n, length=400, seed=1, temperature=0.5, max_copy=longest))
            for n in range(3)
        ]
    assert model.generate("the", length=400, seed=1, temperature=0.5, max_copy=1000) == free


def test_the_prompt_is_part_of_a_run_but_may_be_one() -> None:
    model = LanguageModel(with_text())
    prompt = "the fox\nand the "
    assert model.next_character_distribution(prompt, max_copy=18)["가"] > 0
    assert model.next_character_distribution(prompt, max_copy=17)["가"] == 0  # the word would be too long
    assert model.next_character_distribution(prompt, max_copy=16)["가"] == 0
    run = model.copied_runs("fox\nand", 5, prompt="the ")[0]
    assert (run.start, run.end, run.length, run.place) == (0, 7, 11, Place("fox.txt", 1))
    with pytest.raises(UsageError, match="minimum = 0 is not allowed"):
        model.copied_runs("the", 0)


def test_a_lower_cased_model_compares_lower_cased() -> None:
    file = with_text()
    model = LanguageModel(replace(file, provenance=file.provenance.model_copy(update={"lowercase": True})))
    assert [(run.start, run.end) for run in model.copied_runs("THE FOX")] == []
    assert [(run.start, run.end) for run in model.copied_runs("a THE FOX", 7)] == [(2, 9)]
