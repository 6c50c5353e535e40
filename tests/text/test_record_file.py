"""A column of a file of records as a text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd

from nextchar.errors import TextError
from nextchar.settings import Boundary, Normalization, TextSettings, TokenKind
from nextchar.text import record_file as record_file_module
from nextchar.text import records as records_module
from nextchar.text.corpus import Corpus
from nextchar.text.corpus_cache import encode_corpus
from nextchar.text.normalization import in_form
from nextchar.text.reading_options import ReadingOptions
from nextchar.text.record_file import MAX_SECTIONS, RecordFile, open_records
from nextchar.text.text_file import TextFile, content_of, joined_chunks

TEXT = ReadingOptions(column="text")
WORDS = ["so", "it", "goes", "and", "nobody", "knows", "where", "to"]


def sentences(count: int) -> list[str]:
    return [f"{WORDS[at % 8].capitalize()} {WORDS[at % 7]} {at}." for at in range(count)]


def write_json(path: Path, documents: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps({"text": document}) + "\n" for document in documents), encoding="utf-8")
    return path


def encode(text: TextFile, folder: Path, **options: object) -> Corpus:
    return encode_corpus([text], TextSettings.model_validate(options), cache_folder=folder / "cache")


@pytest.fixture
def small_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_module, "_BATCH", 7)
    monkeypatch.setattr(record_file_module, "MIN_SECTION", 500)


@pytest.mark.parametrize(
    ("boundary", "joined"), [("line", "one\ntwo\n\nthree\n"), ("blank", "one\n\ntwo\n\nthree\n\n"), ("none", None)]
)
def test_documents_are_separated_as_asked(boundary: Boundary, joined: str | None, tmp_path: Path) -> None:
    documents = ["one", "two\r\n\r\n", "", "three", None]
    text = open_records(write_json(tmp_path / "a.jsonl", documents), ReadingOptions(column="text", boundary=boundary))
    assert "".join(joined_chunks([text])) == (joined or "onetwo\n\nthree")
    assert (text.documents, text.left_out) == (3, 2)


def test_every_format_gives_the_same_text_under_the_same_key(tmp_path: Path) -> None:
    documents = sentences(500)
    files = [
        write_json(tmp_path / "a.jsonl", documents),
        tmp_path / "b.jsonl.zst",
        tmp_path / "c.csv",
        tmp_path / "d.tsv",
        tmp_path / "e.parquet",
    ]
    files[1].write_bytes(zstd.compress(files[0].read_bytes()))
    files[2].write_text("id,text\n" + "".join(f'{at},"{text}"\n' for at, text in enumerate(documents)))
    files[3].write_text("text\tid\n" + "".join(f"{text}\t{at}\n" for at, text in enumerate(documents)))
    pq.write_table(pa.table({"text": documents}), files[4])
    corpora = [encode(open_records(file, TEXT), tmp_path) for file in files]
    assert len({corpus.key for corpus in corpora}) == 1
    assert corpora[0].vocabulary.decode(corpora[0].ids) == "\n".join(documents) + "\n"
    assert corpora[0].names == (str(files[0]),)


@pytest.mark.usefixtures("small_sections")
def test_the_held_out_text_is_spread_over_the_file(tmp_path: Path) -> None:
    documents = [f"{'abcdefghij'[at // 300]}{at % 300:03}" for at in range(3000)]  # sorted, as files often are
    corpus = encode(open_records(write_json(tmp_path / "a.jsonl", documents), TEXT), tmp_path)
    held_out = corpus.vocabulary.decode(corpus.validation).split()
    assert {document[0] for document in held_out} == set("abcdefghij")
    assert len(held_out) == pytest.approx(300, abs=30)
    training = corpus.vocabulary.decode(corpus.training).split()
    assert sorted([*training, *held_out]) == documents
    assert sum(corpus.held_out) == len(corpus.validation)
    assert len(corpus.held_out) == 30  # sections of 500 characters, of 15,000


@pytest.mark.usefixtures("small_sections")
def test_a_section_can_be_read_without_those_before_it(tmp_path: Path) -> None:
    text = open_records(write_json(tmp_path / "a.jsonl", [None, *sentences(300), "İ", None]), TEXT)
    for lowercase in (False, True):
        whole = ["".join(section) for section in text.sections(lowercase=lowercase)]
        assert text.content
        assert [len(section) for section in whole] == list(text.content.lengths(lowercase=lowercase))
        assert "".join(whole) == "".join(joined_chunks([text], lowercase))
        for start in (1, 5, len(whole) - 1):
            assert ["".join(section) for section in text.sections(start, lowercase=lowercase)] == whole[start:]


@pytest.mark.usefixtures("small_sections")
def test_a_large_file_has_longer_sections_and_not_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_file_module, "MAX_SECTIONS", 8)
    text = open_records(write_json(tmp_path / "a.jsonl", sentences(2000)), TEXT)
    assert text.content
    lengths = text.content.lengths(lowercase=False)
    assert 4 <= len(lengths) <= 8
    assert sum(lengths) == text.content.decoded_characters
    assert min(lengths[:-1]) >= 500
    assert MAX_SECTIONS == 1024


def test_a_short_file_is_held_out_from_like_a_text(tmp_path: Path) -> None:
    documents = sentences(200)
    corpus = encode(open_records(write_json(tmp_path / "a.jsonl", documents), TEXT), tmp_path)
    text = "\n".join(documents) + "\n"
    assert len(corpus.validation) == len(text) - int(0.9 * len(text))


def test_files_that_hold_no_text_or_no_records(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"a.jsonl has no text in the column 'text' \(2 records\)"):
        open_records(write_json(tmp_path / "a.jsonl", [None, ""]), TEXT)
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(TextError, match=r"a.txt has no columns: --column is for .*\.jsonl, .*\.parquet"):
        open_records(tmp_path / "a.txt", TEXT)
    (tmp_path / "a.parquet").write_bytes(zstd.compress(b"PAR1"))
    with pytest.raises(TextError, match=r"compressed as a whole.*unpack it"):
        open_records(tmp_path / "a.parquet", TEXT)
    write_json(tmp_path / "a.jsonl", ["x", "\ud800"])
    with pytest.raises(TextError, match=r"a.jsonl, line 2, has a lone surrogate"):
        open_records(tmp_path / "a.jsonl", TEXT)


def test_old_encodings_and_wrong_bytes_are_read_as_in_plain_text(tmp_path: Path) -> None:
    korean = "옛날 옛적에 호랑이가 담배를 피우던 시절에"
    (tmp_path / "a.csv").write_bytes(f"글,id\n{korean},1\n".encode("cp949"))
    text = open_records(tmp_path / "a.csv", ReadingOptions(column="글"))
    assert "".join(joined_chunks([text])) == korean + "\n"
    assert text.source
    assert text.source.encoding == "cp949"
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a\xffb"}\n')
    with pytest.raises(TextError, match=r"a.jsonl .* has bytes at offset 11 in line 1 that do not decode"):
        open_records(tmp_path / "a.jsonl", TEXT)
    replaced = open_records(tmp_path / "a.jsonl", ReadingOptions(column="text", encoding="utf-8", errors="replace"))
    assert "".join(replaced.decoded()) == "a\ufffdb\n"
    assert replaced.source
    assert replaced.source.replaced == 1


def test_a_file_that_changed_is_read_anew(tmp_path: Path) -> None:
    text = open_records(write_json(tmp_path / "a.jsonl", sentences(50)), TEXT)
    write_json(tmp_path / "a.jsonl", sentences(60))
    corpus = encode(text, tmp_path)
    assert corpus.vocabulary.decode(corpus.ids) == "\n".join(sentences(60)) + "\n"
    assert isinstance(text, RecordFile)


@pytest.mark.parametrize("form", ["nfc", "nfkc"])
def test_documents_are_normalized(form: Normalization, tmp_path: Path, small_sections: None) -> None:
    documents = [f"\u1112\u1161\u11ab ﬁ e\u0301 {number}" for number in range(200)]
    text = open_records(write_json(tmp_path / "a.jsonl", documents), ReadingOptions(column="text", normalize=form))
    expected = "".join(in_form(document, form) + "\n" for document in documents)
    assert "".join(joined_chunks([text])) == expected
    assert content_of(text).characters(lowercase=False) == len(expected)
    corpus = encode(text, tmp_path, normalize=form)
    whole = corpus.vocabulary.decode(corpus.ids)
    assert sorted(whole.splitlines()) == sorted(expected.splitlines())


@pytest.mark.parametrize("tokens", ["bytes", "jamo", "words"])
def test_records_are_encoded_in_other_tokens(tokens: TokenKind, tmp_path: Path, small_sections: None) -> None:
    documents = [f"한글 {number} the words of it" for number in range(300)]
    text = open_records(write_json(tmp_path / "a.jsonl", documents), TEXT)
    corpus = encode(text, tmp_path, tokens=tokens, validation=0.1)
    plain = encode(text, tmp_path, validation=0.1)
    for part, expected in ((corpus.training, plain.training), (corpus.validation, plain.validation)):
        assert corpus.vocabulary.decode(part) == plain.vocabulary.decode(expected)
    assert len(corpus.held_out) == len(plain.held_out) > 3
    of_sections = np.split(corpus.validation, np.cumsum(corpus.held_out)[:-1])
    assert [int(corpus.vocabulary.token_lengths(ids).sum()) for ids in of_sections] == list(plain.held_out)
    excerpt = corpus.vocabulary.decode(corpus.held_out_excerpt(200))
    assert 0 < len(excerpt) < plain.characters - plain.training_characters
