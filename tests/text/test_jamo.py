"""Jamo: syllables taken apart and put together, what stands alone left alone, and nothing impossible drawn."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.errors import TextError
from nextchar.model.generation import generate_ids
from nextchar.settings import SamplingSettings
from nextchar.text.jamo import ALONE, JamoTokenizer, put_together, take_apart
from nextchar.text.vocabulary import SCALAR_VALUES, Vocabulary
from tests.small_networks import random_network
from tests.token_kinds import jamo_of

SYLLABLES = "".join(map(chr, range(0xAC00, 0xD7A4)))
hangul = st.text(
    st.sampled_from("가각힣쀓a ㄱㅏㅋ漢\u1100\u1112\u1113\u115f\u1160\u1161\u1175\u1176\u11a7\u11a8\u11c2\u11c3\u11ff")
    | st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
    | st.characters(min_codepoint=0x1100, max_codepoint=0x11FF),
    max_size=20,
)


def test_syllables_are_taken_apart_as_unicode_does() -> None:
    assert take_apart(SYLLABLES) == unicodedata.normalize("NFD", SYLLABLES)
    assert put_together(take_apart(SYLLABLES)) == SYLLABLES


def test_other_characters_stay_as_they_are() -> None:
    text = "aé漢ㅋㅠ́ｱ👩\u200d👧\ue000\0" + "".join(map(chr, range(0x3131, 0x318F))) + "\ua960\ud7b0"
    assert take_apart(text) == put_together(text) == text


def test_a_jamo_that_stands_alone_is_a_symbol_of_its_own() -> None:
    assert take_apart("\u1112\u1161\u11ab") == "".join(chr(ALONE + point) for point in (0x1112, 0x1161, 0x11AB))
    assert take_apart("하\u11ab") == f"\u1112\u1161{chr(ALONE + 0x11AB)}"


@given(hangul)
def test_every_text_comes_back(text: str) -> None:
    assert put_together(take_apart(text)) == text


def test_characters_with_the_symbols_of_lone_jamo_are_unknown() -> None:
    taken = f"{chr(ALONE + 0x1100)}\uffff"
    tokens = jamo_of("가나" + taken)
    assert tokens.unknown_in("가" + taken).tolist() == [False, True, True]
    assert tokens.decode(tokens.encode("가" + taken)) == "가\ufffd\ufffd"
    assert tokens.unknown_in(chr(ALONE + 0x10FF)).tolist() == [True]


def test_ids_worked_by_hand() -> None:
    tokens = jamo_of("한글, 가")
    assert tokens.symbols.characters == " ,\u1100\u1112\u1161\u1173\u11ab\u11af"
    assert tokens.encode("가한 글").tolist() == [3, 5, 4, 5, 7, 1, 3, 6, 8]
    assert tokens.token_lengths(tokens.encode("가한 글")).tolist() == [1, 0, 1, 0, 0, 1, 1, 0, 0]
    assert tokens.split("가한 글") == ["가", "", "한", "", "", " ", "글", "", ""]
    assert tokens.token_texts([3, 5, 0]) == ["\u1100", "\u1161", "\ufffd"]
    assert (tokens.size, tokens.never_drawn, tokens.start_id) == (9, (0,), 1)


def test_a_syllable_never_seen_is_known_by_its_jamo() -> None:
    tokens = jamo_of("한글, 가")
    assert not tokens.unknown_in("흔할갈").any()
    assert tokens.decode(tokens.encode("흔할갈")) == "흔할갈"


@pytest.mark.parametrize("wrong", ["헌", "난", "학"], ids=["medial", "initial", "final"])
def test_a_syllable_with_an_unknown_jamo_is_one_unknown_character(wrong: str) -> None:
    tokens = jamo_of("한글, 가")
    assert tokens.unknown_in(f"한{wrong}글").tolist() == [False, True, False]
    ids = tokens.encode(f"한{wrong}글")
    assert tokens.decode(ids) == "한\ufffd글"
    assert int(tokens.token_lengths(ids).sum()) == 3
    # 2 characters and 2 initials x 2 medials x (2 finals, or none) are known.
    assert tokens.unknown_cost(ids)[3] == pytest.approx(np.log2(SCALAR_VALUES - 2 - 12))


def test_counts_are_of_jamo() -> None:
    text = "가가각 난나x\u1100"
    tokens = jamo_of(text, min_count=3)
    assert tokens.symbols.characters == "\u1100\u1161"
    assert not jamo_of(text, min_count=2).unknown_in("가나난"[:2]).any()
    assert jamo_of(text, min_count=2).unknown_in("각난x\u1100 ").tolist() == [True] * 5


def test_jamo_that_spell_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="spell no character"):
        JamoTokenizer(Vocabulary("\u1100\u11a8"))
    with pytest.raises(TextError, match="No character occurs 4 times"):
        jamo_of("가나다라", min_count=4)


def test_a_decoder_waits_until_a_syllable_is_whole() -> None:
    tokens = jamo_of("한글 가")
    decoder = tokens.decoder()
    pieces = [decoder.push([id_]) for id_ in tokens.encode("가한 글가").tolist()]
    assert pieces == ["", "", "가", "", "한", " ", "", "", "글", "", ""]
    assert decoder.finish() == "가"


def test_jamo_that_no_medial_can_follow_are_not_drawn() -> None:
    tokens = JamoTokenizer(Vocabulary("ab\u1100"))
    succession = tokens.succession
    assert succession is not None
    drawn = generate_ids(
        random_network(tokens.size),
        np.array([1]),
        SamplingSettings(temperature=3.0),
        np.random.default_rng(0),
        tokens.never_drawn,
        succession=succession,
    )
    assert {next(drawn) for _ in range(200)} == {1, 2}


def test_a_prompt_in_jamo_is_read_as_syllables() -> None:
    tokens = jamo_of("한글 가")
    folded, replacements = tokens.fold(unicodedata.normalize("NFD", "한글"))
    assert folded == "한글"
    assert [replacement.read_as for replacement in replacements] == ["한", "글"]


def test_jamo_are_letters_of_words_also_those_that_stand_alone() -> None:
    tokens = jamo_of("한글 가\u1100!")
    assert tokens.word_symbols == [
        "\ufffd",
        " ",
        "!",
        "\u1100",
        "\u1112",
        "\u1161",
        "\u1173",
        "\u11ab",
        "\u11af",
        "\u1100",
    ]
