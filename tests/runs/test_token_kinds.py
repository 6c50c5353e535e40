"""Runs whose tokens are not characters: trained, resumed, scored, written from, and started from."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextchar.errors import UsageError
from nextchar.model.baselines import count_and_score
from nextchar.model.language_model import LanguageModel
from nextchar.runs.base_models import read_base
from nextchar.runs.counting_run import new_run
from nextchar.runs.folder import RunFolder
from nextchar.runs.texts import Texts
from nextchar.runs.training_text import corpus_of_model, held_out_text
from nextchar.settings import TextSettings, TokenKind, TrainingSettings
from nextchar.training.events import Event, TextRead
from tests.token_kinds import TOKEN_KINDS

TINY = {"steps": 30, "threads": 1, "streams": 16, "window": 16, "sample_length": 10, "evaluations": 2, "hidden": 16}
LINES = ["한글로 쓴 글을 읽는다.", "the cat saw the cats", "값이 café보다 비싸다 ㅋㅋ", "it is the hat; the cat’s hat"]
PICKS = np.random.default_rng(0).integers(28, size=480).tolist()
TEXT = "".join(f"{LINES[pick % 4]} {pick % 7}\n" for pick in PICKS)


def begin(folder: Path, kind: TokenKind | None, content: bytes | None = None, **options: Any) -> tuple[RunFolder, list]:
    """Train on ``content`` in the folder "run" of ``folder``; return it with the events."""
    (folder / "book.txt").write_bytes(TEXT.encode() if content is None else content)
    text = {name: options.pop(name) for name in ("normalize", "vocabulary_size", "lowercase") if name in options}
    settings = TextSettings.model_validate({"tokens": kind or "auto", **text})
    run = RunFolder(folder / options.pop("name", "run"))
    if options.get("recipe") != "counts":
        options = {**TINY, "from_": "none", **options}
    training = TrainingSettings.model_validate(options)
    texts = Texts((str(folder / "book.txt"),), settings)
    events: list[Event] = list(new_run(run, texts, training, cache=folder / "cache").events())
    return run, events


@pytest.fixture(scope="module", params=TOKEN_KINDS)
def kind(request: pytest.FixtureRequest) -> TokenKind:
    return request.param


@pytest.fixture(scope="module")
def trained(kind: TokenKind, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    """A folder with a run of each kind, and its events."""
    folder = tmp_path_factory.mktemp(kind)
    return folder, begin(folder, kind)[1]


def test_what_is_told_and_recorded_is_of_characters(kind: TokenKind, trained: tuple[Path, list[Event]]) -> None:
    folder, events = trained
    (read,) = (event for event in events if isinstance(event, TextRead))
    assert (read.tokens, read.characters) == (kind, len(TEXT))
    model = LanguageModel.load(folder / "run")
    corpus = corpus_of_model(RunFolder(folder / "run").model_path, model.file, folder / "cache")
    assert read.token_count == len(corpus.ids)
    assert model.vocabulary.kind == kind
    provenance = model.provenance
    assert provenance.characters == len(TEXT)
    assert provenance.training_characters == len(corpus.vocabulary.decode(corpus.training))
    assert provenance.validation_characters == len(corpus.vocabulary.decode(corpus.validation))
    held_out = held_out_text(RunFolder(folder / "run").model_path, model.file, folder / "cache")
    assert len(held_out) == provenance.validation_characters
    assert corpus.vocabulary.decode(corpus.training) + held_out == TEXT
    # The weights of the blend were fitted on other parts of it for the figure.
    scored = model.bits_per_character(held_out)
    assert scored == pytest.approx(provenance.validation_bits_per_character, rel=0.15)


def test_the_model_writes_and_traces(kind: TokenKind, trained: tuple[Path, list[Event]]) -> None:
    model = LanguageModel.load(trained[0] / "run")
    text = model.generate("the ca", length=80, temperature=0.7, seed=1)
    assert len(text) == 80
    if kind != "bytes":
        assert not any("\u1100" <= character <= "\u11ff" for character in text)
    runs = model.copied_runs("it is the hat; the cat’s hat 3\n", 10)
    assert runs
    assert runs[0].place.line is not None
    adaptive = model.evaluate(TEXT[:3000], adapt="counts")
    assert adaptive.adaptive_bits_per_character is not None
    assert adaptive.adaptive_bits_per_character == pytest.approx(adaptive.bits_per_character, rel=0.15)


def test_others_that_count_score_it(kind: TokenKind, trained: tuple[Path, list[Event]]) -> None:
    model = LanguageModel.load(trained[0] / "run")
    corpus = corpus_of_model(trained[0] / "run", model.file, trained[0] / "cache")
    text = "the cat saw \udcff 한글\n" if kind == "bytes" else "the cat saw 한글\n"
    counted = count_and_score(corpus.training, corpus.vocabulary, corpus.vocabulary.start_id, [text])
    assert 0 < counted.ngram_bits_per_character < 20


def test_training_goes_on_from_a_model_of_the_same_kind(kind: TokenKind, trained: tuple[Path, list[Event]]) -> None:
    folder = trained[0]
    base = str(folder / "run")
    run, _ = begin(folder, None, (TEXT[:9000] + "새로운 말 new words\n" * 30).encode(), from_=base, name=f"more {kind}")
    model = LanguageModel.load(run.path)
    assert model.vocabulary.kind == kind
    assert model.provenance.started_from == "run"
    assert run.settings().text.token_kind == kind
    if kind in {"bytes", "words"}:
        assert model.vocabulary == read_base(base).file.vocabulary
    other: TokenKind = "jamo" if kind != "jamo" else "words"
    with pytest.raises(UsageError, match=f"--tokens {other} does not fit run, whose tokens are {kind}"):
        begin(folder, other, from_=base, name="refused")
    if kind == "words":
        with pytest.raises(UsageError, match="leave it out"):
            begin(folder, kind, from_=base, vocabulary_size=500, name="refused")
    if kind == "bytes":
        with pytest.raises(UsageError, match="leave --lowercase out"):
            begin(folder, None, from_=base, lowercase=True, name="refused")
        content = TEXT.encode() + b"\xff\0\r\n"
        run, _ = begin(folder, None, content, from_=base, name="any file")
        assert LanguageModel.load(run.path).provenance.characters == len(TEXT) + 4


@pytest.mark.parametrize("recipe", ["default", "counts"])
def test_prompts_and_scored_texts_are_normalized(recipe: str, tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", TEXT)
    run, _ = begin(tmp_path, "jamo", decomposed.encode(), normalize="nfc", recipe=recipe)
    model = LanguageModel.load(run.path)
    assert model.provenance.normalize == "nfc"
    assert run.settings().text.normalize == "nfc"
    prompt, composed = unicodedata.normalize("NFD", "값이 café"), "값이 café"
    continuation = model.continuation(prompt, length=20, seed=1)
    assert (continuation.prompt, continuation.replacements) == (composed, ())
    assert "".join(continuation) == model.generate(composed, length=20, seed=1)
    assert model.bits_per_character(decomposed) == model.bits_per_character(TEXT)
    pieces = [decomposed[first : first + 3] for first in range(0, 3000, 3)]
    assert model.evaluate(pieces).bits_per_character == pytest.approx(
        model.bits_per_character(unicodedata.normalize("NFC", decomposed[:3000]))
    )
    assert model.surprises(prompt).shape == (len(composed),)
