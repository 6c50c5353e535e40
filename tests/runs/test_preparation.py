"""What comes before training: the text, the prompt, the plan; and the way back to a run."""

import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

import nextchar.training
from nextchar.errors import MissingDependencyError, RunFolderError, TextError, TrainingError
from nextchar.runs.folder import RunFolder
from nextchar.runs.preparation import prepare, resume
from nextchar.runs.run_settings import plan_of
from nextchar.runs.texts import Texts
from nextchar.runs.trainers import SCORED, Prepared, import_trainer
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.text.corpus_cache import encode_corpus
from nextchar.text.files import open_text
from nextchar.training.default_recipe import PROMPT, start_of_line
from nextchar.training.events import Event, Note, Planned, TextRead
from tests.command import made_up_text

TINY = TrainingSettings(hidden=16, streams=4, window=16, threads=1, sample_length=10, steps=40, evaluations=2)


def texts_of(folder: Path, text: str = made_up_text(), **settings: object) -> Texts:
    """Return ``text`` as a file to learn from."""
    (folder / "book.txt").write_text(text)
    return Texts((str(folder / "book.txt"),), TextSettings.model_validate(settings))


def corpus_of(folder: Path, text: str, **settings: object) -> Corpus:
    texts = texts_of(folder, text, **settings)
    return encode_corpus([open_text(Path(texts.names[0]))], texts.settings, cache_folder=folder / "cache")


def prepared(texts: Texts, cache: Path, training: TrainingSettings = TINY) -> tuple[list[Event], Prepared]:
    """Return what is told while a run is prepared, and the run."""
    events: list[Event] = []
    steps = prepare(texts, training, cache)
    while True:
        try:
            events.append(next(steps))
        except StopIteration as end:
            return events, end.value


def test_what_was_found_and_chosen_is_told_and_recorded(tmp_path: Path) -> None:
    text = made_up_text() + "é"
    (tmp_path / "book.txt").write_bytes(text.encode("cp1252"))
    texts = Texts((str(tmp_path / "book.txt"),), TextSettings(lowercase=True))
    events, run = prepared(texts, tmp_path / "cache", TINY.model_copy(update={"seed": 3}))
    run.trainer.close()
    note, read, planned = events
    assert isinstance(note, Note)
    assert "cp1252 (detected)" in note.message
    assert isinstance(read, TextRead)
    assert (read.characters, read.training_characters, read.validation_characters) == (6001, 5400, 601)
    assert (read.distinct, read.vocabulary_size) == (len(set(text.lower())), run.corpus.vocabulary.size)
    assert isinstance(planned, Planned)
    assert planned.plan == run.settings.plan
    assert planned.parameters == run.trainer.architecture.parameter_count
    assert (planned.seed, planned.expected_seconds) == (3, None)
    assert run.settings.corpus == (str(tmp_path / "book.txt"),)
    assert (run.settings.training.seed, run.settings.text.lowercase, run.settings.evaluations) == (3, True, 2)
    assert plan_of(run.settings).steps == 40


def test_the_prompt_is_the_start_of_a_held_out_line(tmp_path: Path) -> None:
    lines = [f"line number {number} of the text that is learned and scored here" for number in range(100)]
    corpus = corpus_of(tmp_path, "\n".join(lines))
    prompts = {start_of_line(corpus, seed) for seed in range(20)}
    held_out = "\n".join(lines)[int(0.9 * len("\n".join(lines))) :].split("\n")
    assert prompts <= {line[:PROMPT] for line in held_out}
    assert len(prompts) > 3
    assert start_of_line(corpus, 1) == start_of_line(corpus, 1)


def test_without_held_out_text_the_prompt_is_of_the_training_text(tmp_path: Path) -> None:
    text = made_up_text()
    prompt = start_of_line(corpus_of(tmp_path, text, validation=0), 0)
    assert prompt in text
    assert PROMPT // 2 <= len(prompt) <= PROMPT


def test_a_prompt_has_no_unknown_symbol(tmp_path: Path) -> None:
    text = made_up_text(20_000) + "한글이 여기저기 섞인 한 줄 with some words that are known here\n" * 3
    prompt = start_of_line(corpus_of(tmp_path, text, validation=0.01), 0)
    assert prompt
    assert "\ufffd" not in prompt


def test_a_text_without_lines_has_a_prompt_too(tmp_path: Path) -> None:
    assert len(start_of_line(corpus_of(tmp_path, "ab" * 500), 0)) == PROMPT
    assert start_of_line(corpus_of(tmp_path, "a\nb\n" * 500), 0)


def test_options_and_devices_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TextError):
        prepared(Texts(("nowhere.txt",), TextSettings()), tmp_path)
    with pytest.raises(TrainingError, match="no device"):
        prepared(texts_of(tmp_path), tmp_path / "cache", TINY.model_copy(update={"device": "mps"}))
    with pytest.raises(TextError, match="no standard input"):
        prepared(Texts(("-",), TextSettings()), tmp_path)


def test_of_a_long_held_out_text_a_part_is_scored(tmp_path: Path) -> None:
    assert SCORED == 250_000
    events, run = prepared(texts_of(tmp_path, "abcd\n" * 500_000, validation=0.5), tmp_path / "cache")
    run.trainer.close()
    read = next(event for event in events if isinstance(event, TextRead))
    assert read.validation_characters == SCORED
    assert len(run.corpus.validation) == 1_250_000


def resumed(folder: RunFolder, cache: Path) -> Prepared:
    """Return the run in ``folder`` as it was saved last."""
    steps = resume(folder, cache)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            end.value.trainer.close()
            return end.value


def test_a_run_is_resumed_with_its_text_from_cache_or_file(tmp_path: Path) -> None:
    _, run = prepared(texts_of(tmp_path), tmp_path / "cache")
    run.trainer.close()
    folder = RunFolder(tmp_path / "run")
    with folder.lock():
        folder.create(run.settings)
    (tmp_path / "book.txt").rename(tmp_path / "away.txt")
    assert resumed(folder, tmp_path / "cache").corpus.key == run.corpus.key
    with pytest.raises(TextError, match="can no longer be read"):
        resumed(folder, tmp_path / "other cache")
    (tmp_path / "away.txt").rename(tmp_path / "book.txt")
    again = resumed(folder, tmp_path / "other cache")
    assert (again.corpus.key, again.corpus.names) == (run.corpus.key, run.corpus.names)
    assert again.settings == run.settings
    texts_of(tmp_path, made_up_text() + "!")
    with pytest.raises(RunFolderError, match="has changed"):
        resumed(folder, tmp_path / "third cache")


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    _, run = prepared(texts_of(tmp_path), tmp_path / "cache")
    run.trainer.close()
    folder = RunFolder(tmp_path / "run")
    with folder.lock():
        folder.create(run.settings)
        folder.save_checkpoint(run.trainer.checkpoint)
    state = folder.path / "resume" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-1])
    with pytest.raises(RunFolderError, match="damaged"):
        resumed(folder, tmp_path / "cache")
    arrays = run.trainer.checkpoint.arrays
    for others in ({}, {**arrays, "weights/output.bias": arrays["weights/output.bias"][:-1]}):
        folder.save_checkpoint(replace(run.trainer.checkpoint, arrays=others))
        with pytest.raises(RunFolderError, match="of another run or version"):
            resumed(folder, tmp_path / "cache")


def test_torch_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(nextchar.training, "trainer", raising=False)
    monkeypatch.setitem(sys.modules, "nextchar.training.trainer", None)
    with pytest.raises(ModuleNotFoundError):
        import_trainer()
    monkeypatch.delitem(sys.modules, "nextchar.training.trainer")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match=r"nextchar\[train\]"):
        import_trainer()


@pytest.mark.parametrize("tokens", ["characters", "jamo", "words"])
def test_a_decomposed_text_is_said_to_be(tokens: str, tmp_path: Path) -> None:
    text = unicodedata.normalize("NFD", "한글 café in a text.\n" * 200)
    for form, said in ((None, True), ("nfc", False)):
        events, ready = prepared(texts_of(tmp_path, text, tokens=tokens, normalize=form), tmp_path / "cache")
        notes = [event.message for event in events if isinstance(event, Note) and "--normalize nfc" in event.message]
        assert bool(notes) == said
        assert ready.settings.text.normalize == form
    assert ready.corpus.vocabulary.decode(ready.corpus.ids) == unicodedata.normalize("NFC", text)
