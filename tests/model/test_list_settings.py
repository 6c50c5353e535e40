"""The options of a list: which go together, and what follows from them."""

from __future__ import annotations

from typing import Any

import pytest

from nextchar.errors import UsageError
from nextchar.model.list_settings import DRAWING, DRAWS_PER_ENTRY, MIN_DRAWS, ListSettings
from nextchar.settings import build


@pytest.mark.parametrize("name", ["starts", "ends", "contains"])
@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("", "is not allowed: give one character or more, on one line"),
        ("a\nb", "is not allowed: give one character or more, on one line"),
        ("abc", "has more characters than --max 2 allows"),
    ],
)
def test_no_part_is_empty_on_two_lines_or_too_long(name: str, part: str, words: str) -> None:
    with pytest.raises(UsageError, match=f"--{name} .*{words}"):
        build(ListSettings, {"max": 2, name: ("a", part)})
    assert getattr(build(ListSettings, {"max": 2, name: ("a", "bc")}), name) == ("a", "bc")


def test_one_text_stands_for_several() -> None:
    assert build(ListSettings, {"starts": "ab"}).starts == ("ab",)


def test_the_shortest_is_not_longer_than_the_longest() -> None:
    assert build(ListSettings, {"min": 4, "max": 4}).min == 4
    with pytest.raises(UsageError, match="--min 1,000 is more than --max 999: no entry has such a length"):
        build(ListSettings, {"min": 1000, "max": 999})


@pytest.mark.parametrize("name", DRAWING)
def test_the_best_entries_are_not_drawn(name: str) -> None:
    value = {"temperature": 0.8, "top_k": 3, "top_p": 0.5, "min_p": 0.1, "seed": 0}[name]
    flag = f"--{name.replace('_', '-')}"
    with pytest.raises(UsageError, match=f"--best draws nothing, so {flag} has no effect"):
        build(ListSettings, {"best": True, name: value})
    assert getattr(build(ListSettings, {name: value}), name) == value


def test_what_is_off_may_be_given_with_the_best() -> None:
    assert build(ListSettings, {"best": True, "top_k": None, "seed": None}).best


@pytest.mark.parametrize(
    ("options", "is_cut"),
    [({}, False), ({"temperature": 2.0}, False), ({"top_k": 5}, True), ({"top_p": 0.5}, True), ({"min_p": 0.1}, True)],
)
def test_draws_are_cut_by_more_than_a_temperature(options: dict[str, Any], is_cut: bool) -> None:
    settings = build(ListSettings, options)
    assert settings.is_cut == is_cut
    sampling = settings.sampling
    given = {"temperature": 0.8, "top_k": None, "top_p": None, "min_p": None, **options}
    assert {name: getattr(sampling, name) for name in given} == given


@pytest.mark.parametrize(
    ("options", "draws"),
    [
        ({"count": 1}, MIN_DRAWS),
        ({"count": 5000}, 5000 * DRAWS_PER_ENTRY),
        ({"count": 5000, "max_draws": 7}, 7),
    ],
)
def test_draws_before_a_list_ends_short(options: dict[str, Any], draws: int) -> None:
    assert build(ListSettings, options).draws == draws
