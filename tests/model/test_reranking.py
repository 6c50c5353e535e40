"""Candidates are ordered by the model's ln p and the scores that they come with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nextchar.model.reranking import CandidateError, Ranking
from tests.small_networks import random_model

MODEL = random_model()


def log_p(text: str) -> float:
    return -math.log(2) * float(MODEL.surprises(text).sum())


def test_the_most_probable_comes_first() -> None:
    texts = ["so it goes", "goes it so", "so", "it goes on and on"]
    ranked = MODEL.rank(texts)
    assert [candidate["text"] for candidate in ranked] == sorted(texts, key=log_p, reverse=True)
    for candidate in ranked:
        assert candidate["log_probability"] == pytest.approx(log_p(candidate["text"]), abs=1e-3)
        assert candidate["total"] == candidate["log_probability"]


def test_given_scores_are_added_with_their_weights() -> None:
    candidates = [{"text": "so", "cost": 4, "votes": 1.5, "who": "a"}, {"text": "it", "cost": 1, "votes": 9}]
    ranked = MODEL.rank(candidates, weights={"cost": -2, "votes": 0.5})
    totals = {"so": log_p("so") - 8 + 0.75, "it": log_p("it") - 2 + 4.5}
    assert {candidate["text"]: candidate["total"] for candidate in ranked} == pytest.approx(totals, abs=1e-3)
    assert [candidate["text"] for candidate in ranked] == sorted(totals, key=lambda text: -totals[text])
    assert {"who": "a", "cost": 4, "votes": 1.5}.items() <= next(c for c in ranked if c["text"] == "so").items()
    assert "total" not in candidates[0], "what is given stays as it is"


def test_a_long_candidate_does_not_lose_by_its_length() -> None:
    short, long = "so", "so it goes so it goes"
    assert MODEL.rank([long, short])[0]["text"] == short
    ranked = MODEL.rank([long, short, ""], per_character=True)
    means = {text: log_p(text) / max(1, len(text)) for text in (long, short)}
    assert {c["text"]: c["total"] for c in ranked} == pytest.approx({**means, "": 0.0}, abs=1e-4)


def test_the_line_end_can_count() -> None:
    (candidate,) = Ranking(line_end=True).rank([[{"text": "so"}]], MODEL.score_many)[0]
    assert candidate["total"] == pytest.approx(log_p("so\n"), abs=1e-3)
    (candidate,) = Ranking(line_end=True, per_character=True).rank([[{"text": "so"}]], MODEL.score_many)[0]
    assert candidate["total"] == pytest.approx(log_p("so\n") / 3, abs=1e-3)


def test_groups_stay_apart_and_equals_in_order() -> None:
    groups: list[list[dict[str, Any]]] = [[], [{"text": "b", "n": 0}, {"text": "b", "n": 1}], [{"text": "a"}]]
    empty, equal, single = Ranking().rank(groups, MODEL.score_many)
    assert empty == []
    assert [candidate["n"] for candidate in equal] == [0, 1]
    assert [candidate["text"] for candidate in single] == ["a"]
    assert MODEL.rank([]) == []


@pytest.mark.parametrize(
    ("candidate", "weights", "message"),
    [
        (3, {}, "a string, or an object with a string 'text', not 3"),
        ({"txt": "a"}, {}, "not {'txt': 'a'}"),
        ({"text": None}, {}, "an object with a string 'text'"),
        ({"text": "a", "total": 1}, {}, "has a field 'total' already"),
        ({"text": "a"}, {"cost": 1}, "has no 'cost'"),
        ({"text": "a", "cost": "1"}, {"cost": 1}, "has 'cost' = '1'"),
        ({"text": "a", "cost": True}, {"cost": 1}, "has 'cost' = True"),
        ({"text": "a", "cost": math.nan}, {"cost": 1}, "has 'cost' = nan"),
        ("a", {"cost": 1}, "has no 'cost'"),
    ],
)
def test_a_wrong_candidate_is_named(candidate: Any, weights: dict[str, float], message: str) -> None:
    with pytest.raises(CandidateError) as caught:
        MODEL.rank([candidate], weights=weights)
    assert message in str(caught.value)


def test_another_field_can_hold_the_text() -> None:
    ranking = Ranking(text_field="hypothesis")
    candidates = [ranking.as_candidate(given) for given in ("so", {"hypothesis": "it", "text": 7})]
    ranked = ranking.rank([candidates], lambda texts: np.arange(len(texts), dtype=np.float64))[0]
    assert [candidate["hypothesis"] for candidate in ranked] == ["so", "it"]
