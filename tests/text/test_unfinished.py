"""An encoding that is killed and continued."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nextchar.errors import TextError
from nextchar.files.cache_entry import UNFINISHED
from nextchar.settings import TextSettings, TokenKind
from nextchar.text import corpus_cache as cache_module
from nextchar.text import record_file as record_file_module
from nextchar.text import records as records_module
from nextchar.text import text_file as text_file_module
from nextchar.text import unfinished as unfinished_module
from nextchar.text.corpus import Corpus
from nextchar.text.corpus_cache import encode_corpus
from nextchar.text.files import open_text
from nextchar.text.held_out import Piece
from nextchar.text.reading_options import ReadingOptions
from nextchar.text.record_file import RecordFile, open_records
from nextchar.text.text_file import TextFile


class Killed(BaseException):
    """Ends an encoding as a kill does, except that it can be caught."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make everything small: what is noted at once, read at once, and a section of a file of records."""
    monkeypatch.setattr(unfinished_module, "INTERVAL", 300)
    monkeypatch.setattr(text_file_module, "BLOCK", 70)
    monkeypatch.setattr(records_module, "_BATCH", 7)
    monkeypatch.setattr(record_file_module, "MIN_SECTION", 400)


def plain(folder: Path) -> list[TextFile]:
    (folder / "one.txt").write_text("".join(f"Line {number} of İstanbul, 서울.\n" for number in range(100)))
    return [open_text(folder / "one.txt")]


def several(folder: Path) -> list[TextFile]:
    for name in "abc":
        (folder / name).write_text("".join(f"Line {number} of {name}.\n" for number in range(40)) + "end")
    return [open_text(folder / name) for name in "abc"]


def records(folder: Path) -> list[TextFile]:
    rows = [json.dumps({"text": f"Record {number}." if number % 5 else None}) for number in range(300)]
    (folder / "a.jsonl").write_text("\n".join(rows))
    (folder / "b.csv").write_text("text\n" + "".join(f'"Row {number},\nof two lines"\n' for number in range(100)))
    return [open_records(folder / name, ReadingOptions(column="text")) for name in ("a.jsonl", "b.csv")]


SOURCES: list[Callable[[Path], list[TextFile]]] = [plain, several, records]


def encode(texts: list[TextFile], cache: Path, lowercase: bool = False, **options: Any) -> Corpus:
    settings = TextSettings(lowercase=lowercase, boundary="blank", **options)
    return encode_corpus(texts, settings, cache_folder=cache)


def kill_after(monkeypatch: pytest.MonkeyPatch, characters: int) -> None:
    """Have the next writing of ids killed after so many characters."""
    write = unfinished_module._Writer.write

    def killed(writer: unfinished_module._Writer, piece: Piece) -> None:
        if writer.written >= characters:
            monkeypatch.setattr(unfinished_module._Writer, "write", write)
            raise Killed
        write(writer, piece)

    monkeypatch.setattr(unfinished_module._Writer, "write", killed)


def left(cache: Path) -> list[Path]:
    return list((cache / "corpora").glob(f"{UNFINISHED}*"))


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kills", [(0,), (250,), (700, 500), (1500,), (900, 310, 301)])
def test_a_killed_encoding_ends_in_the_same_ids(
    source: Callable[[Path], list[TextFile]],
    kills: tuple[int, ...],
    lowercase: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = encode(source(tmp_path), tmp_path / "whole", lowercase)
    for characters in kills:
        kill_after(monkeypatch, characters)
        with pytest.raises(Killed):
            encode(source(tmp_path), tmp_path / "cache", lowercase)
        assert len(left(tmp_path / "cache")) == 1
    continued = encode(source(tmp_path), tmp_path / "cache", lowercase)
    assert continued.ids.tobytes() == whole.ids.tobytes()
    assert (continued.key, continued.held_out) == (whole.key, whole.held_out)
    assert left(tmp_path / "cache") == []


@pytest.mark.parametrize("options", [{}, {"lowercase": True, "normalize": "nfkc"}, {"lines": True}], ids=str)
@pytest.mark.parametrize("tokens", ["words", "jamo", "bytes"])
@pytest.mark.parametrize("source", SOURCES)
def test_a_killed_encoding_of_other_tokens_ends_in_the_same_ids(
    source: Callable[[Path], list[TextFile]],
    tokens: TokenKind,
    options: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if tokens == "bytes":
        options = {name: value for name, value in options.items() if name == "lines"}
    how = {**options, "tokens": tokens}
    whole = encode(source(tmp_path), tmp_path / "whole", **how)
    for characters in (0, 400, 900, 310):
        kill_after(monkeypatch, characters)
        with pytest.raises(Killed):
            encode(source(tmp_path), tmp_path / "cache", **how)
        assert len(left(tmp_path / "cache")) == 1
    continued = encode(source(tmp_path), tmp_path / "cache", **how)
    assert continued.ids.tobytes() == whole.ids.tobytes()
    assert (continued.key, continued.held_out) == (whole.key, whole.held_out)
    assert continued.vocabulary == whole.vocabulary
    sizes = (continued.characters, continued.training_characters, continued.training_ids)
    assert sizes == (whole.characters, whole.training_characters, whole.training_ids)
    lengths = whole.vocabulary.token_lengths(whole.ids)
    assert int(lengths.sum()) == whole.characters
    assert int(lengths[: whole.training_ids].sum()) == whole.training_characters
    assert sum(whole.held_out) == len(whole.ids) - whole.training_ids
    assert left(tmp_path / "cache") == []


def test_what_is_done_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_after(monkeypatch, 4500)
    with pytest.raises(Killed):
        encode(records(tmp_path), tmp_path / "cache")
    texts = records(tmp_path)

    def refuse(*_: object) -> None:
        raise AssertionError("counted again")

    starts: list[int] = []
    sections = RecordFile.sections

    def watched(text: RecordFile, start: int = 0, *, lowercase: bool) -> Iterator[Iterator[str]]:
        starts.append(start)
        return sections(text, start, lowercase=lowercase)

    monkeypatch.setattr(cache_module, "count_texts", refuse)
    monkeypatch.setattr(RecordFile, "sections", watched)
    encode(texts, tmp_path / "cache")
    assert len(starts) == 1, "the first file is not opened again"
    assert starts[0] > 0


@pytest.mark.parametrize("name", ["position.json", "counts.npz", "held_out.bin", "entry/ids.bin"])
@pytest.mark.parametrize("harm", ["gone", "empty", "cut"])
def test_a_damaged_beginning_is_begun_anew(
    name: str, harm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = encode(several(tmp_path), tmp_path / "whole")
    kill_after(monkeypatch, 1500)
    with pytest.raises(Killed):
        encode(several(tmp_path), tmp_path / "cache")
    (folder,) = left(tmp_path / "cache")
    data = (folder / name).read_bytes()
    (folder / name).unlink()
    if harm != "gone":
        (folder / name).write_bytes(b"" if harm == "empty" else data[: len(data) // 2])
    assert encode(several(tmp_path), tmp_path / "cache").ids.tobytes() == whole.ids.tobytes()


def test_another_content_is_never_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_after(monkeypatch, 1500)
    with pytest.raises(Killed):
        encode(several(tmp_path), tmp_path / "cache")
    texts = several(tmp_path)
    content = texts[0].path.read_text()
    texts[0].path.write_text(content.replace("Line", "Zeil"))
    corpus = encode(texts, tmp_path / "cache")
    assert "Zeil" in corpus.vocabulary.decode(corpus.ids)
    assert len(left(tmp_path / "cache")) == 1  # of the old content: removed after two days


def test_an_error_of_a_text_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_after(monkeypatch, 1500)
    with pytest.raises(Killed):
        encode(several(tmp_path), tmp_path / "cache")

    def fail(*_: object, **__: object) -> Iterator[Piece]:
        raise TextError("cannot be read")

    monkeypatch.setattr(cache_module, "split_pieces", fail)
    with pytest.raises(TextError, match="cannot be read"):
        encode(several(tmp_path), tmp_path / "cache")
    assert left(tmp_path / "cache") == []
