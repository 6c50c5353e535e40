"""What to know about texts before they are encoded: cuts, counts, the vocabulary."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from nextchar.errors import TextError
from nextchar.settings import TextSettings
from nextchar.text.files import open_text
from nextchar.text.survey import Survey, Tally, count_texts, least_count, names_of, split_pieces, survey_texts
from nextchar.text.text_file import TextFile, content_of
from nextchar.text.vocabulary import Vocabulary


def texts_of(folder: Path, *contents: str) -> list[TextFile]:
    for number, content in enumerate(contents):
        (folder / f"{number}.txt").write_bytes(content.encode())
    return [open_text(folder / f"{number}.txt", name=str(number)) for number in range(len(contents))]


def count(texts: list[TextFile], *, lowercase: bool = False, validation: float | None = None) -> Tally:
    settings = TextSettings(lowercase=lowercase, validation=validation)
    return count_texts(texts, [content_of(text) for text in texts], settings)


def survey(texts: list[TextFile], validation: float, *, unknown_symbol: bool = True) -> Survey:
    return survey_texts(texts, count(texts, validation=validation), None, unknown_symbol)


@pytest.mark.parametrize(
    ("characters", "least"), [(19_999, 1), (20_000, 2), (2_999_999, 2), (3_000_000, 3), (10**9, 1000)]
)
def test_how_rare_is_too_rare(characters: int, least: int) -> None:
    assert least_count(characters) == least


def test_characters_are_counted_in_the_training_part_and_in_all(tmp_path: Path) -> None:
    tally = count(texts_of(tmp_path, "aab\r\nbZ"), validation=0.34)
    assert (tally.lengths, tally.sizes, tally.held_out) == ((6,), (3,), (3,))
    assert [tally.training_counts[ord(c)] for c in "ab\nZ"] == [2, 1, 0, 0]
    assert [tally.counts[ord(c)] for c in "ab\nZ"] == [2, 2, 1, 1]
    assert tally.sha256 == hashlib.sha256(b"aab\r\nbZ").hexdigest()


def test_lower_case_is_counted_as_it_is_learned(tmp_path: Path) -> None:
    tally = count(texts_of(tmp_path, "AaİB"), lowercase=True, validation=0)
    assert tally.lengths == (5,)  # the dotted capital becomes two characters
    assert [tally.counts[ord(c)] for c in "Aab\u0307"] == [0, 2, 1, 1]


def test_the_end_of_every_text_is_held_out_and_the_hash_is_of_all(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, "aaaa\n" * 4, "bbbb\n" * 4)
    tally = count(texts, validation=0.25)
    assert tally.held_out == (5, 5)
    assert tally.sha256 == hashlib.sha256(b"aaaa\n" * 4 + b"bbbb\n" * 4).hexdigest()
    pieces = list(split_pieces(texts, TextSettings(), survey(texts, 0.25)))
    for held_out, times in ((False, 3), (True, 1)):
        content = "".join(piece.content for piece in pieces if piece.held_out == held_out)
        assert content == "aaaa\n" * times + "bbbb\n" * times


def test_the_vocabulary_is_that_of_the_training_part_unless_nothing_may_be_unknown(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, "ababababZZ")
    found = survey(texts, 0.2)
    assert found.vocabulary == Vocabulary("ab")
    assert (found.training_characters, found.distinct, found.rare) == (8, 3, 0)
    whole = survey(texts, 0.2, unknown_symbol=False)
    assert whole.vocabulary == Vocabulary("Zab", has_unknown=False)


def test_characters_below_the_least_count_are_rare(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, "aaabbc")
    found = survey_texts(texts, count(texts, validation=0), 2, True)
    assert (found.vocabulary.characters, found.rare) == ("ab", 1)


def test_too_little_text_and_surrogates_are_refused(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, "aaaa")
    with pytest.raises(TextError, match=r"nothing to learn from in 0: 4 characters, 4 of them to train on, 1 of these"):
        survey(texts, 0)
    tally = count(texts_of(tmp_path, "abab"), validation=0)
    tally.counts[0xD800] = 1
    with pytest.raises(TextError, match="0 contains lone surrogates"):
        survey_texts(texts, tally, None, True)
    assert np.count_nonzero(tally.training_counts) == 2


def test_at_most_three_names_are_given(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, *["text"] * 5)
    assert names_of(texts[:3]) == "0, 1, 2"
    assert names_of(texts) == "0, 1, 2 and 2 more"
