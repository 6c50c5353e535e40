"""Encoded texts in the cache: made once, found again, repaired."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nextchar.errors import TextError, UsageError
from nextchar.settings import TextSettings
from nextchar.text import corpus_cache as cache_module
from nextchar.text import text_file as text_file_module
from nextchar.text.corpus_cache import default_cache_folder, encode_corpus, open_corpus
from nextchar.text.files import open_text
from nextchar.text.text_file import BLOCK, TextFile
from tests.text.encoded import NAMES, SONG, encode, text_file


def entries(folder: Path) -> list[Path]:
    return sorted((folder / "cache" / "corpora").iterdir())


@pytest.fixture
def never_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make encoding fail, so that only the cache can answer."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr(cache_module, "survey_texts", fail)


def test_a_text_worked_by_hand(tmp_path: Path) -> None:
    corpus = encode(tmp_path, "abacabad\r\nZ", validation=0.2)
    assert corpus.vocabulary.characters == "abcd"
    assert corpus.ids.tolist() == [1, 2, 1, 3, 1, 2, 1, 4, 0, 0]
    assert corpus.ids.dtype == np.uint8
    assert corpus.training.tolist() == [1, 2, 1, 3, 1, 2, 1, 4]
    assert corpus.validation.tolist() == [0, 0]
    assert (corpus.characters, corpus.distinct, corpus.rare, corpus.bytes) == (10, 6, 0, 11)
    assert corpus.content_sha256 == hashlib.sha256(b"abacabad\r\nZ").hexdigest()
    assert corpus.names == (str(tmp_path / "text.txt"),)


def test_rare_characters_share_the_unknown_symbol(tmp_path: Path) -> None:
    corpus = encode(tmp_path, "abacabad\nZ", validation=0.2, min_count=2)
    assert corpus.vocabulary.characters == "ab"
    assert corpus.ids.tolist() == [1, 2, 1, 0, 1, 2, 1, 0, 0, 0]
    assert corpus.rare == 2


def test_the_least_count_is_chosen_from_the_training_part(tmp_path: Path) -> None:
    once = "é" + "ab" * 10_000
    small = encode(tmp_path, once, validation=0.1)
    large = encode(tmp_path, once, validation=0)
    assert (small.vocabulary.characters, large.vocabulary.characters) == ("abé", "ab")
    assert (small.rare, large.rare) == (0, 1)


def test_without_an_unknown_symbol_every_character_of_the_whole_text_is_kept(tmp_path: Path) -> None:
    corpus = encode(tmp_path, "bbaaabbbaZ", validation=0.1, unknown_symbol=False)
    assert corpus.vocabulary.characters == "Zab"
    assert corpus.ids.tolist() == [2, 2, 1, 1, 1, 2, 2, 2, 1, 0]
    assert corpus.rare == 0
    with pytest.raises(UsageError, match="leave --min-count out"):
        encode(tmp_path, "abab", unknown_symbol=False, min_count=2)


@pytest.mark.parametrize(
    ("file", "training", "validation"),
    [("tinyshakespeare.txt", 1_003_854, 111_540), ("nietzsche.txt", int(600_893 * 0.9), 60_090)],
)
def test_the_split_is_where_others_have_it(
    corpora: Path, tmp_path: Path, file: str, training: int, validation: int
) -> None:
    corpus = encode_corpus([open_text(corpora / file)], TextSettings(), cache_folder=tmp_path)
    assert (len(corpus.training), len(corpus.validation)) == (training, validation)


def test_the_classic_nietzsche(corpora: Path, tmp_path: Path) -> None:
    text = open_text(corpora / "nietzsche.txt")
    settings = TextSettings(lowercase=True)
    corpus = encode_corpus([text], settings, cache_folder=tmp_path, unknown_symbol=False)
    assert corpus.vocabulary.characters == "\n !\"'(),-.0123456789:;=?[]_abcdefghijklmnopqrstuvwxyzäæéë"
    assert corpus.vocabulary.decode(corpus.ids[116739:116799]) == (
        "the slowly ascending ranks and classes, in which,\nthrough fo"
    )


def test_every_real_text_comes_back(corpora: Path, tmp_path: Path) -> None:
    files = sorted(path for path in corpora.iterdir() if path.suffix in {".txt", ".csv"})
    assert len(files) >= 10
    for path in files:
        original = path.read_text(encoding="utf-8")  # newlines translated
        corpus = encode_corpus([open_text(path)], TextSettings(), cache_folder=tmp_path)
        known = set(corpus.vocabulary.characters)
        assert corpus.vocabulary.decode(corpus.ids) == "".join(c if c in known else "\ufffd" for c in original)
        assert corpus.distinct == len(set(original))
        assert corpus.rare == sum(c not in known for c in original[: corpus.training_characters])
        assert corpus.rare < 0.01 * corpus.characters
        whole = encode_corpus([open_text(path)], TextSettings(), cache_folder=tmp_path, unknown_symbol=False)
        assert whole.vocabulary.decode(whole.ids) == original


def test_lowercase_and_several_texts(tmp_path: Path) -> None:
    texts = [
        text_file(tmp_path, "AB", "one"),
        text_file(tmp_path, "BA\n", "two"),
        text_file(tmp_path, "C", "three"),
    ]
    corpus = encode_corpus(texts, TextSettings(lowercase=True, validation=0), cache_folder=tmp_path / "cache")
    assert corpus.vocabulary.decode(corpus.ids) == "ab\nba\nc"
    assert len(corpus.validation) == 0
    assert corpus.bytes == 6


def test_a_text_of_many_blocks_and_wide_ids(tmp_path: Path) -> None:
    text = "".join(map(chr, range(0xAC00, 0xAC00 + 600))) * 2000 + "x\r" * 3
    corpus = encode(tmp_path, text, validation=0.25)
    assert len(text.encode()) > 3 * BLOCK
    assert corpus.ids.dtype == np.uint16
    assert corpus.vocabulary.decode(corpus.ids) == text[:-6] + "\ufffd" * 6
    assert (len(corpus.training), corpus.rare) == (900_004, 0)


def test_the_ids_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        encode(tmp_path, SONG).ids[0] = 0


@pytest.mark.usefixtures("never_again")
def test_nothing_is_encoded_when_encoding_is_forbidden(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="encoded again"):
        encode(tmp_path, SONG)


def test_the_same_content_is_encoded_once(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    first = encode(tmp_path, SONG)
    request.getfixturevalue("never_again")
    other_name = text_file(tmp_path, SONG, "other name")
    again = encode_corpus([other_name], TextSettings(), cache_folder=tmp_path / "cache")
    assert again.key == first.key
    assert again.names == (str(tmp_path / "other name"),)
    assert np.array_equal(again.ids, first.ids)
    opened = open_corpus(first.key, tmp_path / "cache")
    assert opened.names == first.names
    assert opened.vocabulary == first.vocabulary


@pytest.mark.parametrize("part", ["ids.bin", "corpus.json", ""])
@pytest.mark.parametrize("harm", ["gone", "empty", "cut", "flipped", "longer"])
def test_a_damaged_entry_is_made_anew(tmp_path: Path, part: str, harm: str) -> None:
    first = encode(tmp_path, SONG)
    expected = first.ids.tolist()
    entry = tmp_path / "cache" / "corpora" / first.key
    for path in [entry / part] if part else list(entry.iterdir()):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x80
        flipped = bytes(data)
        harmed = {
            "empty": b"",
            "cut": flipped[: len(data) // 2],
            "flipped": flipped,
            "longer": path.read_bytes() + b"\0",
        }
        path.unlink()
        if harm != "gone":
            path.write_bytes(harmed[harm])
    with pytest.raises(TextError, match=f"{first.key} is missing or damaged in "):
        open_corpus(first.key, tmp_path / "cache")
    assert encode(tmp_path, SONG).ids.tolist() == expected
    assert entries(tmp_path) == [entry]


def test_an_entry_of_another_format_or_text_is_not_opened(tmp_path: Path) -> None:
    key = encode(tmp_path, SONG).key
    place = tmp_path / "cache" / "corpora" / key / "corpus.json"
    for change in ({"format": 1}, {"key": "0" * 32}, {"more": 1}):
        place.write_text(json.dumps({**json.loads(place.read_text("utf-8")), **change}), encoding="utf-8")
        with pytest.raises(TextError, match="damaged"):
            open_corpus(key, tmp_path / "cache")
        encode(tmp_path, SONG)
        open_corpus(key, tmp_path / "cache")


def test_what_is_not_there_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="is missing or damaged in"):
        open_corpus("0" * 32, tmp_path)


def encode_in_process(folder: Path, start: float) -> str:
    time.sleep(max(0.0, start - time.time()))
    corpus = encode_corpus([open_text(folder / "text.txt")], TextSettings(), cache_folder=folder / "cache")
    return hashlib.sha256(corpus.ids.tobytes()).hexdigest()


def test_processes_that_encode_the_same_text_do_not_harm_each_other(tmp_path: Path) -> None:
    text = SONG * 20_000
    text_file(tmp_path, text)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        hashes = pool.starmap(encode_in_process, [(tmp_path, time.time() + 0.5)] * 8)
    assert len(set(hashes)) == 1
    corpus = encode_corpus([open_text(tmp_path / "text.txt")], TextSettings(), cache_folder=tmp_path / "cache")
    assert corpus.vocabulary.decode(corpus.ids) == text
    assert entries(tmp_path) == [tmp_path / "cache" / "corpora" / corpus.key]


def test_another_process_that_was_first_is_believed_unless_its_entry_is_damaged(tmp_path: Path) -> None:
    corpus = encode(tmp_path, SONG)
    place = tmp_path / "cache" / "corpora" / corpus.key
    for harm in (False, True):
        entry = tmp_path / "entry"
        entry.mkdir(exist_ok=True)
        for file in place.iterdir():
            (entry / file.name).write_bytes(file.read_bytes())
        if harm:
            (place / "ids.bin").write_bytes(b"")
        cache_module._install(entry, place, tmp_path / "cache")
        assert entry.exists() != harm
        assert open_corpus(corpus.key, tmp_path / "cache").characters == len(SONG)


def test_what_killed_processes_left_is_removed_in_time(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "corpora"
    for name, age in ((".encoding-old", 3 * 86400), (".encoding-new", 60)):
        (folder / name / "key").mkdir(parents=True)
        then = time.time() - age
        os.utime(folder / name, (then, then))
    corpus = encode(tmp_path, SONG)
    assert [path.name for path in entries(tmp_path)] == [".encoding-new", corpus.key]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", r"1 characters, 0 of them to train on, 0 of these distinct"),
        ("aa", r"2 characters, 1 of them to train on"),
        ("a" * 5000, r"5,000 characters, 4,500 of them to train on, 1 of these distinct"),
        ("a" * 95 + "b" * 5, r"90 of them to train on, 1 of these distinct"),
    ],
)
def test_texts_too_small_to_learn_from(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TextError, match=message):
        encode(tmp_path, text)
    assert not (tmp_path / "cache").exists()


def test_surrogates_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"ab+2AA-ab")
    text = open_text(tmp_path / "text", "utf-7")
    with pytest.raises(TextError, match="lone surrogates"):
        encode_corpus([text], TextSettings(), cache_folder=tmp_path / "cache")


@pytest.mark.parametrize("same_size", [True, False])
def test_a_text_that_changes_while_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same_size: bool) -> None:
    survey = cache_module.survey_texts
    text = text_file(tmp_path, SONG)

    def survey_and_write(*arguments: object, **named: object) -> object:
        result = survey(*arguments, **named)  # type: ignore[arg-type]
        text.path.write_bytes(SONG[::-1].encode() if same_size else SONG.encode() * 2)
        os.utime(text.path, ns=(0, 0))
        return result

    monkeypatch.setattr(cache_module, "survey_texts", survey_and_write)
    with pytest.raises(TextError, match="changed while being read"):
        encode_corpus([text], TextSettings(), cache_folder=tmp_path / "cache")
    assert entries(tmp_path) == []


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("not a folder")
    with pytest.raises(TextError, match=r"cannot be written to .*NEXTCHAR_CACHE"):
        encode(tmp_path, SONG)


def test_the_cache_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTCHAR_CACHE", str(tmp_path))
    assert default_cache_folder() == tmp_path
    monkeypatch.delenv("NEXTCHAR_CACHE")
    assert default_cache_folder().name == "nextchar"


def test_of_a_large_text_a_million_characters_are_held_out(tmp_path: Path) -> None:
    text = "0123456789\n" * 1_000_000
    assert len(encode(tmp_path, text).validation) == 1_000_000
    assert len(encode(tmp_path, text, validation=0.1).validation) == 1_100_000


@pytest.mark.parametrize(
    "harm", ["file", "link to nowhere", "link to a file", "empty folder", "folder of folders", "digit"]
)
def test_whatever_is_in_the_place_of_an_entry_is_replaced(tmp_path: Path, harm: str) -> None:
    first = encode(tmp_path, SONG * 20)
    expected = first.ids.tolist()
    place = tmp_path / "cache" / "corpora" / first.key
    description = (place / "corpus.json").read_text("utf-8")
    if harm == "digit":
        (place / "corpus.json").write_text(description.replace('"rare":', '"rare":1'), encoding="utf-8")
    else:
        cache_module.remove_entry(place)
    if harm == "file":
        place.write_text("not a folder")
        place.chmod(0o400)
    elif harm.startswith("link"):
        (tmp_path / "elsewhere").write_text("untouched")
        place.symlink_to(tmp_path / ("elsewhere" if harm == "link to a file" else "nowhere"))
    elif harm.endswith(("folder", "folders")):
        (place / "ids.bin" if harm == "folder of folders" else place).mkdir(parents=True)
        place.chmod(0o500)
    again = encode(tmp_path, SONG * 20)
    assert again.ids.tolist() == expected
    assert open_corpus(first.key, tmp_path / "cache").characters == len(expected)
    assert [path.name for path in entries(tmp_path)] == [first.key]


@pytest.mark.parametrize("link", [False, True])
def test_a_file_where_the_folder_of_entries_should_be(tmp_path: Path, link: bool) -> None:
    (tmp_path / "cache").mkdir()
    place = tmp_path / "cache" / "corpora"
    if link:
        place.symlink_to(tmp_path / "nowhere")
    else:
        place.write_text("not a folder")
    with pytest.raises(TextError, match=rf"{place} is not a folder.*NEXTCHAR_CACHE"):
        encode(tmp_path, SONG)


def test_a_good_entry_is_read_from_a_cache_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("read-only file system")

    first = encode(tmp_path, SONG)
    monkeypatch.setattr(cache_module, "make_folder", refuse)
    assert encode(tmp_path, SONG).key == first.key
    with pytest.raises(TextError, match=r"cannot be written to .*read-only file system.*NEXTCHAR_CACHE"):
        encode(tmp_path, SONG + "more")


def test_an_entry_of_the_format_before_is_read(tmp_path: Path) -> None:
    corpus = encode(tmp_path, SONG * 20)
    place = tmp_path / "cache" / "corpora" / corpus.key / "corpus.json"
    fields = json.loads(place.read_text("utf-8"))
    del fields["held_out"], fields["checksum"]
    place.write_text(json.dumps({**fields, "format": 2}), encoding="utf-8")
    old = open_corpus(corpus.key, tmp_path / "cache")
    assert old.held_out_excerpt(9).tolist() == corpus.validation[:9].tolist()


@pytest.fixture
def bytes_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which the size of each block is added that is read of any text."""
    sizes: list[int] = []
    blocks = TextFile.blocks

    def counted(text: TextFile) -> Iterator[bytes]:
        for block in blocks(text):
            sizes.append(len(block))
            yield block

    monkeypatch.setattr(TextFile, "blocks", counted)
    monkeypatch.setattr(text_file_module, "BLOCK", 1 << 10)
    return sizes


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("lowercase", [False, True])
def test_a_new_text_is_read_three_times_and_a_known_one_once(
    tmp_path: Path, bytes_read: list[int], count: int, lowercase: bool
) -> None:
    settings, cache = TextSettings(lowercase=lowercase), tmp_path / "cache"
    contents = [(f"{number} İstanbul, 서울\r\nROMA\r" * 4000).encode() for number in range(count)]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.txt").write_bytes(content)
    size = sum(map(len, contents))

    def opened() -> list[TextFile]:
        return [open_text(tmp_path / f"{number}.txt") for number in range(count)]

    new = encode_corpus(opened(), settings, cache_folder=cache)
    heads = count << 10  # looked at to find the encoding
    assert 3 * size <= sum(bytes_read) <= 3 * size + heads
    bytes_read.clear()
    known = encode_corpus(opened(), settings, cache_folder=cache)
    assert known.key == new.key
    assert sum(bytes_read) <= (1 if count == 1 else 2) * size + heads
    assert new.content_sha256 == hashlib.sha256(b"".join(contents)).hexdigest()


def test_a_text_that_changed_since_it_was_opened_is_read_anew(tmp_path: Path) -> None:
    text = text_file(tmp_path, SONG)
    text.path.write_text(SONG * 3, encoding="utf-8", newline="")
    os.utime(text.path, ns=(0, 0))
    corpus = encode_corpus([text], TextSettings(), cache_folder=tmp_path / "cache")
    assert corpus.characters == 3 * len(SONG)
    assert corpus.content_sha256 == hashlib.sha256((SONG * 3).encode()).hexdigest()


def test_a_single_plain_text_needs_no_starts(tmp_path: Path) -> None:
    corpus = encode(tmp_path, "one\ntwo\nthree\n" * 9)
    assert str(corpus.source.place(5)) == f"{tmp_path / 'text.txt'}, line 2"
    description = json.loads((entries(tmp_path)[0] / "corpus.json").read_text())
    assert description["starts"] == []


def test_a_list_is_held_out_by_lines_and_kept_so(tmp_path: Path) -> None:
    corpus = encode(tmp_path, NAMES + "\n\n", lines=True, validation=0.2)
    assert corpus.is_list
    assert corpus.line_end == corpus.vocabulary.encode("\n")[0]
    assert corpus.training[-1] == corpus.validation[-1] == corpus.line_end
    learned, held_out = (corpus.vocabulary.decode(ids).splitlines() for ids in (corpus.training, corpus.validation))
    assert sorted([*learned, *held_out]) == sorted(NAMES.splitlines())
    assert 30 < len(held_out) < 90
    again = open_corpus(corpus.key, tmp_path / "cache")
    assert again.is_list
    assert again.line_end == corpus.line_end
    assert not encode(tmp_path, NAMES, validation=0.2).is_list
