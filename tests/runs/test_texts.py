"""The texts to learn from."""

import io
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest

from nextchar.errors import TextError, UsageError
from nextchar.runs.texts import Texts, check_tokens, events_of_text, find, notice_lists
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text.corpus_cache import encode_corpus
from nextchar.text.files import TextFile
from nextchar.training.events import Event, Note, TextRead

NAMES = "".join(f"R-{number} resistor\n" for number in range(240))
PROSE = "A line that is long, as the lines of running text are, which go on and on until the page ends.\n" * 40
R = TypeVar("R")


def finished(steps: Generator[Event, None, R]) -> tuple[list[Event], R]:
    """Return the events of ``steps``, and what they return."""
    events: list[Event] = []
    while True:
        try:
            events.append(next(steps))
        except StopIteration as end:
            return events, end.value


def files_of(folder: Path, text: str, **settings: object) -> tuple[list[TextFile], TextSettings]:
    """Return ``text`` as a file that is found, and how it is read."""
    (folder / "text.txt").write_text(text)
    chosen = TextSettings.model_validate(settings)
    _, files = finished(find(Texts((str(folder / "text.txt"),), chosen), chosen, folder))
    return list(files), chosen


def test_standard_input_is_found_and_kept(tmp_path: Path) -> None:
    texts = Texts(("-",), TextSettings(), io.BytesIO(PROSE.encode()))
    events, (file,) = finished(find(texts, texts.settings, tmp_path))
    assert events == []
    assert file.path.read_text() == PROSE
    assert file.path.is_relative_to(tmp_path)


def test_what_is_no_text_is_refused_with_a_way_to_learn_it(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    texts = Texts((str(tmp_path / "picture.png"),), TextSettings())
    with pytest.raises(TextError, match="--tokens bytes"):
        finished(find(texts, texts.settings, tmp_path))


@pytest.mark.parametrize(
    ("text", "given", "decided", "said"),
    [(NAMES, None, True, 1), (NAMES, True, True, 0), (NAMES, False, False, 0), (PROSE, None, None, 0)],
)
def test_a_list_is_noticed_unless_it_is_decided(
    text: str, given: bool | None, decided: bool | None, said: int, tmp_path: Path
) -> None:
    files, settings = files_of(tmp_path, text, lines=given)
    found, messages = notice_lists(files, settings, TrainingSettings())
    assert (found.lines, len(messages)) == (decided, said)


def test_the_classic_recipe_reads_running_text_in_characters(tmp_path: Path) -> None:
    classic = TrainingSettings(recipe="classic")
    files, settings = files_of(tmp_path, NAMES)
    assert notice_lists(files, settings, classic) == (settings, ())
    with pytest.raises(UsageError, match="leave --lines out"):
        notice_lists(files, settings.model_copy(update={"lines": True}), classic)
    check_tokens(settings, classic)
    with pytest.raises(UsageError, match="leave --tokens words out"):
        check_tokens(TextSettings(tokens="words"), classic)


def test_an_encoded_text_is_told_with_what_to_know_of_it(tmp_path: Path) -> None:
    files, settings = files_of(tmp_path, "cafe\u0301 " * 40 + PROSE)
    corpus = encode_corpus(files, settings, cache_folder=tmp_path / "cache")
    read, note = events_of_text(corpus)
    assert isinstance(read, TextRead)
    assert (read.characters, read.training_characters) == (len(corpus.ids), corpus.training_characters)
    assert (read.tokens, read.lines) == ("characters", None)
    assert isinstance(note, Note)
    assert "--normalize nfc" in note.message
