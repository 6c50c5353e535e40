"""The surprise at each character, and the most surprising places."""

from __future__ import annotations

import numpy as np
import pytest

from nextchar.model.baselines import LOST
from nextchar.model.language_model import LanguageModel
from nextchar.model.surprise import EXPECTED, MAX_BEFORE, WorstPlaces, read_first_surprises
from nextchar.text.tokenizer import REPLACEMENT
from tests.small_networks import random_model

TEXT = "the old man\n가나 Zoë\nthe end"


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return random_model()


def worst(model: LanguageModel, pieces: list[str], count: int, characters: int = 1000) -> WorstPlaces:
    places = WorstPlaces(count)
    for _ in places.watch(read_first_surprises(model, pieces, characters, EXPECTED + 1)):
        pass
    return places


def test_the_bits_are_those_of_the_model_however_the_text_is_cut(model: LanguageModel) -> None:
    for pieces in ([TEXT], ["the o", "ld man\n가", "", "나 Zoë\nthe end"]):
        read = list(read_first_surprises(model, pieces, 1000, 2))
        assert "".join(token for piece in read for token in piece.tokens) == TEXT
        np.testing.assert_allclose(np.concatenate([piece.bits for piece in read]), model.surprises(TEXT), rtol=1e-5)
        unknown = np.concatenate([piece.unknown for piece in read])
        assert [TEXT[n] for n in np.flatnonzero(unknown)] == ["Z", "ë"]


def test_only_the_beginning_is_read(model: LanguageModel) -> None:
    def pieces():
        yield "the old"
        yield " man and the sea"
        pytest.fail("more was read than asked for")

    read = read_first_surprises(model, pieces(), 11, 2)
    assert "".join(token for piece in read for token in piece.tokens) == "the old man"


def test_what_was_expected_is_in_order_of_probability(model: LanguageModel) -> None:
    (piece,) = read_first_surprises(model, ["the"], 3, 4)
    expected = piece.expected(0)
    shares = [share for _, share in expected]
    assert len(expected) == 4
    assert shares == sorted(shares, reverse=True)
    assert [token for token, _ in expected] == list(model.next_character_distribution("\n"))[:4]


def test_a_lower_casing_model_reads_lower_case() -> None:
    model = random_model(lowercase=True)
    (piece,) = read_first_surprises(model, ["The"], 3, 1)
    assert piece.tokens == ["t", "h", "e"]


def test_what_is_lost_is_shown_as_unknown(model: LanguageModel) -> None:
    (piece,) = read_first_surprises(model, ["a" + LOST], 2, 1)
    assert piece.tokens == ["a", REPLACEMENT]
    assert piece.unknown.tolist() == [False, True]


def test_the_worst_places_are_found_with_line_and_column(model: LanguageModel) -> None:
    bits = model.surprises(TEXT)
    found = worst(model, [TEXT[:13], TEXT[13:]], 4).found()
    order = np.argsort(-bits, kind="stable")[:4].tolist()
    assert [place.token for place in found] == [TEXT[n] for n in order]
    for place, n in zip(found, order, strict=True):
        before = TEXT[:n].rsplit("\n", 1)[-1]
        assert (place.line, place.column) == (TEXT[:n].count("\n") + 1, len(before) + 1)
        assert place.before == before[-MAX_BEFORE:]
        assert place.bits == pytest.approx(bits[n], rel=1e-5)
        assert place.is_unknown is (place.token in "Zë")
        assert len(place.expected) == EXPECTED
        assert place.is_unknown or place.token not in dict(place.expected)


def test_of_equally_surprising_places_the_first_is_kept(model: LanguageModel) -> None:
    text = "ab" * 2000
    found = worst(model, [text], 3, len(text)).found()
    assert [place.bits for place in found] == sorted((place.bits for place in found), reverse=True)
    bits = model.surprises(text)
    assert found[0].column == int(bits.argmax()) + 1


def test_no_places_may_be_asked_for(model: LanguageModel) -> None:
    assert worst(model, [TEXT], 0).found() == []


def test_a_place_is_plain_values_for_json(model: LanguageModel) -> None:
    (place,) = worst(model, ["가Z"], 1).found()
    values = place.as_json()
    assert {key: values[key] for key in ("line", "column", "character", "unknown")} == {
        "line": 1, "column": place.column, "character": place.token, "unknown": place.is_unknown
    }  # fmt: skip
    assert set(values["expected"][0]) == {"character", "probability"}
