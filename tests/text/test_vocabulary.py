from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nextchar.errors import TextError, UnknownCharacterError
from nextchar.text.vocabulary import (
    CODE_POINTS,
    SCALAR_VALUES,
    UNKNOWN_ID,
    Inherited,
    Replacement,
    Vocabulary,
    code_points,
    describe_characters,
)

any_text = st.text(st.characters())
"""Text with lone surrogates too."""
scalar_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def vocabulary_of(text: str, has_unknown: bool = True) -> Vocabulary:
    return Vocabulary("".join(sorted(set(text))), has_unknown)


def counts_of(text: str) -> np.ndarray:
    return np.bincount(code_points(text), minlength=CODE_POINTS).astype(np.int64)


def test_ids_follow_the_code_points() -> None:
    vocabulary = Vocabulary("\nabz가😀")
    assert vocabulary.size == 7
    assert vocabulary.encode("a가😀\n?").tolist() == [2, 5, 6, 1, UNKNOWN_ID]
    assert vocabulary.decode([2, 5, 6, 1, UNKNOWN_ID]) == "a가😀\n\ufffd"
    assert vocabulary.unknown_in("a?\ud800").tolist() == [False, True, True]


def test_the_unknown_symbol_is_shown_as_what_is_asked_for() -> None:
    vocabulary = Vocabulary("a가\ufffd")
    ids = vocabulary.encode("a☃\ufffd가")
    assert vocabulary.decode(ids) == "a\ufffd\ufffd가"
    assert vocabulary.decode(ids, unknown="?") == "a?\ufffd가"
    assert vocabulary.decode(ids) == "a\ufffd\ufffd가", "asking once changes nothing"
    assert Vocabulary("a가", has_unknown=False).decode([0, 1], unknown="?") == "a가"


def test_without_an_unknown_symbol_ids_begin_at_the_first_character() -> None:
    vocabulary = Vocabulary("ab", has_unknown=False)
    assert vocabulary.size == 2
    assert vocabulary.encode("abba").tolist() == [0, 1, 1, 0]
    assert vocabulary.decode([0, 1]) == "ab"
    with pytest.raises(UnknownCharacterError, match=r"'c' \(U\+0063 LATIN SMALL LETTER C\)"):
        vocabulary.encode("abc")


@given(scalar_text, st.booleans())
@example("\ufffd", True)
@example("\0\U0010ffff", False)
def test_known_text_comes_back(text: str, has_unknown: bool) -> None:
    vocabulary = vocabulary_of(text, has_unknown)
    ids = vocabulary.encode(text)
    assert vocabulary.decode(ids) == text
    assert ids.dtype == vocabulary.dtype
    assert ids.min() >= has_unknown
    assert ids.max() < vocabulary.size


@given(scalar_text, any_text)
def test_unknown_characters_and_only_they_get_the_unknown_id(known: str, text: str) -> None:
    vocabulary = vocabulary_of(known)
    ids = vocabulary.encode(text)
    assert (ids == UNKNOWN_ID).tolist() == [c not in known for c in text]
    assert vocabulary.unknown_in(text).tolist() == [c not in known for c in text]
    assert vocabulary.knows(text) == set(text).issubset(known)


@given(scalar_text, any_text)
@example("a", "\u0301\u0301")
@example("가", unicodedata.normalize("NFD", "각"))
@example("ᄀ", "가\ud800")
def test_folding_never_raises_and_never_leaves_an_unknown_character(known: str, prompt: str) -> None:
    vocabulary = vocabulary_of(known)
    folded, replacements = vocabulary.fold(prompt)
    assert vocabulary.knows(folded)
    for replacement in replacements:
        assert prompt.startswith(replacement.given, replacement.position)
        assert not vocabulary.knows(replacement.given)
        assert vocabulary.knows(replacement.read_as)
        assert str(replacement)


@given(scalar_text, any_text)
def test_folding_replaces_what_it_says_and_nothing_else(known: str, prompt: str) -> None:
    folded, replacements = vocabulary_of(known).fold(prompt)
    rebuilt, position = "", 0
    for replacement in replacements:
        rebuilt += prompt[position : replacement.position] + replacement.read_as
        position = replacement.position + len(replacement.given)
    assert rebuilt + prompt[position:] == folded


@given(scalar_text)
def test_folding_leaves_known_text_alone(text: str) -> None:
    assert vocabulary_of(text).fold(text) == (text, [])
    assert vocabulary_of(text).fold(text, strict=True) == (text, [])


@pytest.mark.parametrize(
    ("known", "prompt", "folded"),
    [
        ("abc", "ABC", "abc"),
        ("ABC", "abc", "ABC"),
        ("cafe", "café", "cafe"),
        ("café", unicodedata.normalize("NFD", "café"), "café"),
        ("e\u0301", "é", "e\u0301"),
        ("각", unicodedata.normalize("NFD", "각"), "각"),
        (unicodedata.normalize("NFD", "각"), "각", unicodedata.normalize("NFD", "각")),
        ("abc", "ＡｂＣ", "abc"),
        ("'\"-.", "’“–…", "'\"-..."),
        ("金", "\uf90a", "金"),
        ("os", "ſØ", "so"),
        ("a", "a😀a", "aa"),
        ("z", "", ""),
    ],
)
def test_what_is_nearest(known: str, prompt: str, folded: str) -> None:
    assert vocabulary_of(known).fold(prompt)[0] == folded


def test_strict_folding_says_which_and_where() -> None:
    with pytest.raises(UnknownCharacterError, match=r"'é' .*U\+00E9.* at character 4.*without --strict"):
        vocabulary_of("cafe").fold("café", strict=True)


def test_a_replacement_can_be_read() -> None:
    assert str(Replacement(3, "é", "e")) == ("'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE) at character 4 read as 'e'")
    assert str(Replacement(0, "\ue000", "")) == "'\\ue000' (U+E000 no name) at character 1 left out"
    assert describe_characters("\ud800") == "'\\ud800' (U+D800 no name)"


def test_the_vocabulary_of_counts() -> None:
    counts = counts_of("aaabbc\n")
    assert Vocabulary.from_counts(counts).characters == "\nabc"
    assert Vocabulary.from_counts(counts, 2, has_unknown=False) == Vocabulary("ab", has_unknown=False)
    with pytest.raises(TextError, match=r"occurs 4 times .*--min-count 1"):
        Vocabulary.from_counts(counts, 4)


def test_what_a_model_knows_may_be_rare() -> None:
    counts = counts_of("aaabbc각각")
    assert Vocabulary.from_counts(counts, 2, inherited=Inherited(known="cd")).characters == "abc각"
    assert Vocabulary.from_counts(counts, 2, inherited=Inherited(kept="dc뷁")).characters == "abcd각뷁"
    assert Vocabulary.from_counts(counts, 2, inherited=Inherited(syllables="뷁")).characters == "ab각뷁"
    assert Vocabulary.from_counts(counts_of("aaabb"), 2, inherited=Inherited(syllables="뷁")).characters == "ab"


def test_of_a_model_syllables_are_inherited_unless_it_is_said_otherwise() -> None:
    assert Inherited.of("aé가힣漢", keep=None) == Inherited(known="aé가힣漢", syllables="가힣")
    assert Inherited.of("aé가힣漢", keep=False) == Inherited(known="aé가힣漢")
    assert Inherited.of("aé가힣漢", keep=True) == Inherited(known="aé가힣漢", kept="aé가힣漢")
    assert Inherited(known="a", syllables="가").options() == {"known": "a", "syllables": "가"}


@pytest.mark.parametrize("characters", ["ba", "aa", "a\ud800"])
def test_vocabularies_that_cannot_be(characters: str) -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        Vocabulary(characters)


@pytest.mark.parametrize(("size", "dtype"), [(2, "u1"), (256, "u1"), (257, "u2"), (65_536, "u2"), (65_537, "u4")])
def test_the_smallest_type_that_holds_every_id(size: int, dtype: str) -> None:
    points = [point for point in range(70_000) if not 0xD800 <= point < 0xE000]
    vocabulary = Vocabulary("".join(map(chr, points[: size - 1])))
    assert vocabulary.size == size
    assert vocabulary.dtype == np.dtype(dtype)


@given(scalar_text)
def test_the_probabilities_of_all_characters_sum_to_one(known: str) -> None:
    """The unknown symbol's probability is shared by all characters that are not in the vocabulary."""
    vocabulary = vocabulary_of(known)
    unseen = SCALAR_VALUES - len(vocabulary.characters)
    assert unseen * 2**vocabulary.unseen_log2_probability == pytest.approx(1)


def test_real_texts_come_back(corpora: Path) -> None:
    for path in sorted(corpora.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        vocabulary = Vocabulary.from_counts(counts_of(text))
        assert vocabulary.decode(vocabulary.encode(text)) == text
        assert vocabulary.fold(text[:2000]) == (text[:2000], [])


@pytest.mark.parametrize(
    ("prompt", "longest"),
    [("e" + "\u0301\u0323" * 5000, 31), ("\u0301" * 5000, 31), ("\u1100\u1161\u11a8" * 5000, 3), ("\u1100" * 5000, 30)],
)
def test_what_is_put_together_is_bounded(prompt: str, longest: int) -> None:
    """Marks are put in order in time in proportion to the square of their number: 40 kB of them took half a minute."""
    folded, replacements = vocabulary_of("z").fold(prompt)
    assert folded == ""
    assert "".join(replacement.given for replacement in replacements) == prompt
    assert max(len(replacement.given) for replacement in replacements) == longest


def test_each_piece_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def nearest(piece: str, _: object) -> str:
        looked.append(piece)
        return ""

    monkeypatch.setattr("nextchar.text.vocabulary._nearest", nearest)
    _, replacements = vocabulary_of("z").fold("☃é" * 1000)
    assert (looked, len(replacements)) == (["☃", "é"], 2000)


def test_one_syllable_of_jamo_that_is_not_known_leaves_the_others() -> None:
    assert vocabulary_of("한").fold(unicodedata.normalize("NFD", "한국"))[0] == "한"
