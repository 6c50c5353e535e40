"""Scores of a text by one or several scorers, in pieces."""

from __future__ import annotations

import numpy as np
import pytest

from nextchar.errors import TextError
from nextchar.model.evaluation import Evaluation, score_pieces
from nextchar.networks.architecture import Ids
from nextchar.text.vocabulary import Vocabulary
from tests.token_models import KINDS, model_of_kind, tokens_of

TEXT = "the kings don't fight.\n옛날에 값\n☃ café e\u0301"
PIECES = ("the ", "kings don't fight.\n옛날에", " 값\n☃ café e\u0301")


class EachId:
    """Gives every id the same log2 p."""

    def __init__(self, log2_p: float) -> None:
        self._log2_p = log2_p

    def score(self, ids: Ids) -> np.ndarray:
        return np.full(len(ids), self._log2_p)


def test_a_text_is_counted_and_its_bits_are_per_character() -> None:
    scorers = {"bits_per_character": EachId(-3.0), "network_bits_per_character": EachId(-5.0)}
    found = score_pieces(scorers, ["ab\n", "", "ba\n"], Vocabulary("\nab"))
    assert found == Evaluation(3.0, 6, 0, network_bits_per_character=5.0, lines=2, tokens=6)


def test_an_unknown_character_costs_its_share_of_unicode_and_is_counted() -> None:
    vocabulary = Vocabulary("ab")
    found = score_pieces({"bits_per_character": EachId(-3.0)}, ["a☃"], vocabulary)
    assert (found.characters, found.unknown_characters) == (2, 1)
    extra = vocabulary.unknown_cost(vocabulary.encode("☃"))[0]
    assert extra > 15
    assert found.bits_per_character == pytest.approx((3 + 3 + extra) / 2)


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_of_every_kind_pay_for_each_character_once(kind: str) -> None:
    tokens = tokens_of(kind)  # type: ignore[arg-type]
    found = score_pieces({"bits_per_character": EachId(-1.0)}, [TEXT], tokens)
    ids = tokens.encode(TEXT)
    assert (found.characters, found.tokens) == (len(TEXT), len(ids))
    assert found.bits_per_character == pytest.approx((len(ids) + tokens.unknown_cost(ids).sum()) / len(TEXT))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "words"])
def test_pieces_are_scored_as_the_whole(kind: str) -> None:
    model = model_of_kind(kind)  # type: ignore[arg-type]
    whole = model.evaluate(TEXT)
    assert model.evaluate(PIECES).bits_per_character == pytest.approx(whole.bits_per_character, abs=1e-6)
    assert whole.bits_per_character == pytest.approx(float(model.surprises(TEXT).mean()), abs=1e-6)


@pytest.mark.parametrize("pieces", [[], [""], ["", ""]])
def test_an_empty_text_is_refused(pieces: list[str]) -> None:
    with pytest.raises(TextError, match="An empty text cannot be scored: give at least one character"):
        score_pieces({"bits_per_character": EachId(-1.0)}, pieces, Vocabulary("ab"))
