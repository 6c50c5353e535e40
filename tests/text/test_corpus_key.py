"""What changes an encoded text changes its name in the cache."""

from __future__ import annotations

from pathlib import Path

from nextchar.settings import TextSettings
from nextchar.text.corpus_cache import encode_corpus
from nextchar.text.files import open_text
from tests.text.encoded import NAMES, SONG, encode, text_file


def test_whatever_changes_the_result_changes_the_key(tmp_path: Path) -> None:
    ascii_text = SONG.encode("ascii", "ignore").decode() + "abc"
    keys = {
        encode(tmp_path, ascii_text).key,
        encode(tmp_path, ascii_text + "d").key,
        encode(tmp_path, ascii_text, lowercase=True).key,
        encode(tmp_path, ascii_text, validation=0.2).key,
        encode(tmp_path, ascii_text, min_count=1).key,
        encode(tmp_path, ascii_text, unknown_symbol=False).key,
        encode_corpus([open_text(tmp_path / "text.txt", "cp949")], TextSettings(), cache_folder=tmp_path / "cache").key,
    }
    assert len(keys) == 7
    halves = [text_file(tmp_path, "ab ab", "one"), text_file(tmp_path, "ba", "two")]
    others = [text_file(tmp_path, "ab a", "three"), text_file(tmp_path, "bba", "four")]
    one = encode_corpus(halves, TextSettings(), cache_folder=tmp_path / "cache")
    other = encode_corpus(others, TextSettings(), cache_folder=tmp_path / "cache")
    assert one.content_sha256 == other.content_sha256
    assert one.key != other.key


def test_how_wrong_bytes_are_read_is_in_the_key(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(SONG.encode() + b"\x92" + (SONG * 20).encode())
    corpora = [
        encode_corpus([open_text(path, errors=errors)], TextSettings(errors=errors), cache_folder=tmp_path / "cache")
        for errors in ("replace", "latin")
    ]
    assert corpora[0].key != corpora[1].key
    assert ["’" in corpus.vocabulary.characters for corpus in corpora] == [False, True]


def test_how_often_a_line_is_learned_changes_the_corpus(tmp_path: Path) -> None:
    twice = NAMES + NAMES
    keep, once = (encode(tmp_path, twice, lines=True, repeated=repeated) for repeated in ("keep", "once"))
    assert keep.key != once.key
    assert keep.characters == 2 * once.characters == len(twice)
