"""Runs on bytes, jamo and words: interrupted, continued, started from, and never mixed."""

from pathlib import Path

import pytest

from nextchar.errors import TextError, UsageError
from nextchar.model.language_model import LanguageModel
from nextchar.runs.agreement import check_agreement
from nextchar.runs.folder import RunFolder
from nextchar.runs.run import Run
from nextchar.runs.texts import Texts
from nextchar.settings import TextSettings, TokenKind, TrainingSettings
from nextchar.training.events import Event, Finished, Planned, TextRead
from tests.command import made_up_text

KINDS: tuple[TokenKind, ...] = ("bytes", "jamo", "words")
TINY = TrainingSettings(
    hidden=16, streams=4, window=16, threads=1, sample_length=10, steps=40, evaluations=2, from_="none"
)
KOREAN = "아내는 우산을 들고 문밖에 서 있었다. The rain fell, and fell. 밤이 깊었다.\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text((KOREAN + made_up_text()[:200] + "\n") * 40, encoding="utf-8")
    return path


def run_on(book: Path, folder: Path, kind: TokenKind, training: TrainingSettings = TINY) -> list[Event]:
    texts = Texts((str(book),), TextSettings(tokens=kind))
    return list(Run.new(RunFolder(folder), texts, training, cache=folder.parent / "cache").events())


def weights(folder: Path) -> dict[str, bytes]:
    checkpoint = RunFolder(folder).checkpoint()
    assert checkpoint is not None
    return {name: array.tobytes() for name, array in checkpoint.arrays.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_says_what_it_reads(kind: TokenKind, book: Path, tmp_path: Path) -> None:
    events = run_on(book, tmp_path / "run", kind)
    read = next(event for event in events if isinstance(event, TextRead))
    planned = next(event for event in events if isinstance(event, Planned))
    assert (read.tokens, planned.tokens) == (kind, kind)
    assert read.characters == len(book.read_text(encoding="utf-8"))
    tokens = LanguageModel.load(tmp_path / "run").vocabulary
    assert read.token_count == len(tokens.encode(book.read_text(encoding="utf-8")))
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.validation_bits_per_character is not None
    assert (finished.characters_per_byte is not None) == (kind == "bytes")


@pytest.mark.parametrize("kind", KINDS)
def test_the_bits_told_are_those_of_evaluate(kind: TokenKind, book: Path, tmp_path: Path) -> None:
    run_on(book, tmp_path / "run", kind, TINY.model_copy(update={"memory": False}))
    model, text = LanguageModel.load(tmp_path / "run"), book.read_text(encoding="utf-8")
    held_out = text[model.provenance.training_characters :]
    assert len(held_out) == model.provenance.validation_characters
    told = model.provenance.validation_bits_per_character
    assert model.evaluate(held_out).bits_per_character == pytest.approx(told, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_run_goes_on_bit_for_bit(kind: TokenKind, book: Path, tmp_path: Path) -> None:
    run_on(book, tmp_path / "whole", kind)
    folder = RunFolder(tmp_path / "parts")
    texts = Texts((str(book),), TextSettings(tokens=kind))
    part = Run.new(folder, texts, TINY, cache=tmp_path / "cache")
    list(part.events(stop=lambda: part.has_begun and part._ready().trainer.state.step >= 15))
    list(Run.resume(folder, cache=tmp_path / "another cache").events())
    assert weights(folder.path) == weights(tmp_path / "whole")
    assert folder.model_path.read_bytes() != b""


def test_a_large_vocabulary_is_continued_bit_for_bit(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextchar.training.plan.LARGE_VOCABULARY", 50)
    monkeypatch.setattr("nextchar.training.updates.FREQUENT", 20)
    monkeypatch.setattr("nextchar.training.updates.DRAWN", 20)
    events = run_on(book, tmp_path / "whole", "words")
    assert next(event for event in events if isinstance(event, Planned)).plan.sampled
    folder = RunFolder(tmp_path / "parts")
    texts = Texts((str(book),), TextSettings(tokens="words"))
    part = Run.new(folder, texts, TINY, cache=tmp_path / "cache")
    list(part.events(stop=lambda: part.has_begun and part._ready().trainer.state.step >= 15))
    list(Run.resume(folder, cache=tmp_path / "cache").events())
    assert weights(folder.path) == weights(tmp_path / "whole")


@pytest.mark.parametrize("kind", KINDS)
def test_training_starts_from_a_model_of_its_kind(kind: TokenKind, book: Path, tmp_path: Path) -> None:
    run_on(book, tmp_path / "base", kind)
    other = tmp_path / "other.txt"
    other.write_text(("아내는 밤에 나갔다. The rain stopped in the night.\n") * 60, encoding="utf-8")
    sizes = {"hidden": None, "steps": 5}
    tuning = TINY.model_copy(update={"from_": str(tmp_path / "base"), **sizes})
    texts = Texts((str(other),), TextSettings())
    events = list(Run.new(RunFolder(tmp_path / "tuned"), texts, tuning, cache=tmp_path / "cache").events())
    assert next(event for event in events if isinstance(event, TextRead)).tokens == kind
    assert LanguageModel.load(tmp_path / "tuned").vocabulary.kind == kind
    assert RunFolder(tmp_path / "tuned").settings().text.tokens == kind
    list(Run.resume(RunFolder(tmp_path / "tuned"), cache=tmp_path / "another cache").events())


@pytest.mark.parametrize(("kind", "asked"), [("jamo", "characters"), ("words", "jamo"), ("bytes", "words")])
def test_kinds_are_not_mixed(kind: TokenKind, asked: TokenKind, book: Path, tmp_path: Path) -> None:
    run_on(book, tmp_path / "base", kind)
    tuning = TINY.model_copy(update={"from_": str(tmp_path / "base"), "hidden": None})
    texts = Texts((str(book),), TextSettings(tokens=asked))
    run = Run.new(RunFolder(tmp_path / "tuned"), texts, tuning, cache=tmp_path / "cache")
    with pytest.raises(UsageError, match=rf"--tokens {asked} does not fit .* whose tokens are {kind}"):
        list(run.events())


def test_the_classic_recipe_reads_characters(book: Path, tmp_path: Path) -> None:
    texts = Texts((str(book),), TextSettings(tokens="jamo"))
    classic = TrainingSettings(recipe="classic", steps=1)
    run = Run.new(RunFolder(tmp_path / "run"), texts, classic, cache=tmp_path / "cache")
    with pytest.raises(UsageError, match="leave --tokens jamo out"):
        list(run.events())


def test_what_is_no_text_can_be_learned_as_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 40 + b"\r\n\x00\xff"
    (tmp_path / "any.bin").write_bytes(content)
    run = Run.new(None, Texts((str(tmp_path / "any.bin"),), TextSettings()), TINY, cache=tmp_path / "cache")
    with pytest.raises(TextError, match="--tokens bytes"):
        list(run.events())
    run_on(tmp_path / "any.bin", tmp_path / "run", "bytes")
    source = LanguageModel.load(tmp_path / "run").file
    assert source.text is not None
    kept = bytes(source.text.source(source.vocabulary).ids)
    assert content.startswith(kept)
    assert len(kept) > 9000


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_command_continues_a_run_that_took_its_tokens_from_a_model(
    kind: TokenKind, book: Path, tmp_path: Path
) -> None:
    run_on(book, tmp_path / "base", kind)
    tuning = TINY.model_copy(update={"from_": str(tmp_path / "base"), "hidden": None, "steps": 5})
    texts = Texts((str(book),), TextSettings())
    folder = RunFolder(tmp_path / "tuned")
    list(Run.new(folder, texts, tuning, cache=tmp_path / "cache").events())
    recorded = folder.settings()
    check_agreement(recorded, texts, recorded.training)
    other = Texts(texts.names, TextSettings(tokens="characters"))
    with pytest.raises(UsageError, match=f"--tokens is {kind} in the run and characters here"):
        check_agreement(recorded, other, recorded.training)
