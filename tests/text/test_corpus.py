"""What an encoded text says of itself: its parts, lines and places."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nextchar.settings import TextSettings
from nextchar.text.corpus_cache import encode_corpus, open_corpus
from nextchar.text.files import open_text
from nextchar.text.reading_options import ReadingOptions
from nextchar.text.record_file import open_records
from tests.text.encoded import NAMES, SONG, encode, text_file


def test_the_end_of_every_text_is_held_out(tmp_path: Path) -> None:
    texts = [text_file(tmp_path, "english\n" * 50, "en"), text_file(tmp_path, "русский\n" * 100, "ru")]
    corpus = encode_corpus(texts, TextSettings(), cache_folder=tmp_path / "cache")
    decode = corpus.vocabulary.decode
    assert decode(corpus.training) == "english\n" * 45 + "русский\n" * 90
    assert decode(corpus.validation) == "english\n" * 5 + "русский\n" * 10
    assert corpus.held_out == (40, 80)
    assert decode(corpus.held_out_excerpt(24)) == "english\n" + "русский\n" * 2
    assert decode(corpus.held_out_excerpt(10**6)) == decode(corpus.validation)
    assert corpus.held_out_excerpt(0).tolist() == []


def test_an_excerpt_of_one_text_is_its_start(tmp_path: Path) -> None:
    corpus = encode(tmp_path, SONG * 20)
    assert corpus.held_out_excerpt(7).tolist() == corpus.validation[:7].tolist()


def test_unknown_characters_are_counted(tmp_path: Path) -> None:
    corpus = encode(tmp_path, "ab" * 90 + "aéaü" * 5)
    assert corpus.count_unknown(corpus.validation) == 10
    assert corpus.count_unknown(corpus.training) == 0
    whole = encode(tmp_path, "ab" * 90 + "aéaü" * 5, unknown_symbol=False)
    assert whole.count_unknown(whole.validation) == 0


def test_corpora_compare_and_show_without_their_ids(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("ab\n" * 500)
    one, other = (
        encode_corpus([open_text(tmp_path / "book.txt")], TextSettings(), cache_folder=tmp_path) for _ in range(2)
    )
    assert one != other
    assert repr(one).startswith("<Corpus: 1,500 characters of ")
    assert "array" not in repr(one)


def test_every_place_in_several_texts_has_its_file_and_line(tmp_path: Path) -> None:
    texts = [text_file(tmp_path, "english\n" * 50, "en"), text_file(tmp_path, "русский\n" * 100, "ru")]
    source = encode_corpus(texts, TextSettings(), cache_folder=tmp_path / "cache").source
    for line, index in ((1, 0), (2, 8), (45, 8 * 44)):
        assert (source.place(index).name, source.place(index).line) == (texts[0].name, line)
    for line, index in ((1, 0), (90, 8 * 89 + 5)):
        assert (source.place(8 * 45 + index).name, source.place(8 * 45 + index).line) == (texts[1].name, line)
    again = open_corpus(encode_corpus(texts, TextSettings(), cache_folder=tmp_path / "cache").key, tmp_path / "cache")
    assert again.source.documents == source.documents


def test_records_have_a_file_but_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": f"number {number}"}) + "\n" for number in range(99)))
    records = open_records(path, ReadingOptions(column="text"), "a.jsonl")
    texts = [records, text_file(tmp_path, "english\n" * 50, "en")]
    source = encode_corpus(texts, TextSettings(), cache_folder=tmp_path / "cache").source
    assert [(document.name, document.line) for document in source.documents] == [("a.jsonl", None), (texts[1].name, 1)]
    assert str(source.place(50)) == "a.jsonl"
    assert source.vocabulary.decode(source.ids[source.documents[1].start :]) == "english\n" * 45
    alone = encode_corpus([records], TextSettings(), cache_folder=tmp_path / "cache").source
    assert [(document.name, document.line) for document in alone.documents] == [("a.jsonl", None)]


def test_a_list_without_its_order_has_the_same_lines(tmp_path: Path) -> None:
    corpus = encode(tmp_path, NAMES, lines=True)
    shuffled = corpus.vocabulary.decode(corpus.without_order(corpus.training)).splitlines()
    lines = corpus.vocabulary.decode(corpus.training).splitlines()
    assert sorted(shuffled) == sorted(lines)
    assert shuffled != lines
    assert corpus.characters_per_line(corpus.training) == pytest.approx(len(corpus.training) / len(lines))
    prose = encode(tmp_path, NAMES)
    np.testing.assert_array_equal(prose.without_order(prose.training), prose.training)
    assert prose.characters_per_line(prose.training) is None


def test_the_source_of_a_list_also_has_what_is_held_out(tmp_path: Path) -> None:
    corpus = encode(tmp_path, NAMES, lines=True)
    assert len(corpus.source.ids) == corpus.characters
    assert corpus.source.place(0).line is None
