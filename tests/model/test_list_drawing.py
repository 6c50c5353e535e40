"""Entries are drawn from the model's distribution, conditioned on the constraints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nextchar.model.list_constraints import ListConstraints
from nextchar.model.list_drawing import MAX_ROWS, MIN_ROWS, ListDrawing
from nextchar.model.list_settings import ListSettings
from nextchar.model.listing import Listing
from nextchar.networks.architecture import Network
from nextchar.randomness import random_stream
from nextchar.settings import TokenKind
from tests.exact_lists import (
    ALPHABET,
    CHARACTERS,
    LONGEST,
    MODEL,
    conditioned,
    entry_probabilities,
    model_of_list,
    probabilities,
)
from tests.small_networks import windowed_network
from tests.token_models import model_of_kind

DRAWS = 4000
VOCABULARY = MODEL.file.characters_for("A test")


def deviation(found: Counter[str], expected: dict[str, float]) -> float:
    """Return chi-square of what was ``found`` less its degrees of freedom, in standard deviations; entries that are
    expected fewer than five times count together."""
    total = found.total()
    often = {entry for entry, share in expected.items() if share * total >= 5}
    pairs = [(found[entry], expected[entry] * total) for entry in often]
    rest = 1 - sum(expected[entry] for entry in often)
    if rest * total >= 5:
        pairs.append((total - sum(found[entry] for entry in often), rest * total))
    chi_square = sum((count - mean) ** 2 / mean for count, mean in pairs)
    return (chi_square - (len(pairs) - 1)) / np.sqrt(2 * (len(pairs) - 1))


def listed(network: Network[Any] | None = None, **options: Any) -> tuple[list[str], Listing]:
    settings = ListSettings(**{"count": DRAWS, "seed": 3, "max": LONGEST, "temperature": 1.0, **options})
    listing = Listing(MODEL.file, network or MODEL.network, settings)
    return [entry.text for entry in listing], listing


CASES: dict[str, tuple[dict[str, Any], Callable[[str], bool]]] = {
    "free": ({}, lambda _: True),
    "lengths": ({"min": 2, "max": 4}, lambda entry: 2 <= len(entry) <= 4),
    "one length": ({"min": 3, "max": 3}, lambda entry: len(entry) == 3),
    "one start": ({"starts": ("b",)}, lambda entry: entry.startswith("b")),
    "starts": ({"starts": ("a", "ab", "cc", "bca")}, lambda entry: entry.startswith(("a", "cc", "bca"))),
    "allowed": ({"allowed": "a-b"}, lambda entry: "c" not in entry),
    "ends": ({"ends": ("b", "ca")}, lambda entry: entry.endswith(("b", "ca"))),
    "contains": ({"contains": "cc"}, lambda entry: "cc" in entry),
    "like": ({"like": "^[^b]+b$"}, lambda entry: entry.endswith("b") and "b" not in entry[:-1] and len(entry) > 1),
    "all": (
        {"min": 2, "max": 5, "starts": ("a", "ca"), "allowed": "ac", "ends": "a"},
        lambda entry: re.fullmatch("(?=.{2,5}$)(a|ca)[ac]*(?<=a)", entry) is not None,
    ),
}


@pytest.mark.parametrize("temperature", [1.0, 0.7, 1.5])
@pytest.mark.parametrize("case", CASES)
def test_entries_are_as_probable_as_the_model_says(case: str, temperature: float) -> None:
    options, holds = CASES[case]
    entries, listing = listed(temperature=temperature, **options)
    assert listing.shortfall is None
    assert len(entries) == DRAWS
    every = probabilities(temperature=temperature)
    expected = conditioned(every, {entry for entry in every if entry and holds(entry)})
    assert set(entries) <= set(expected)
    assert abs(deviation(Counter(entries), expected)) < 4


def test_ending_entries_by_force_would_give_another_distribution() -> None:
    """Were the line end forced after the last character allowed, entries would be as probable as their beginnings."""
    every = probabilities()
    allowed = {entry for entry in every if len(entry) == 1}
    forced = MODEL.next_character_distribution("\n")
    drawn, _ = listed(max=1)
    assert abs(deviation(Counter(drawn), conditioned(every, allowed))) < 4
    assert deviation(Counter(drawn), conditioned(forced, allowed)) > 20


@pytest.mark.parametrize("cut", [{"top_k": 2}, {"top_p": 0.8}, {"min_p": 0.3}])
def test_cuts_are_made_in_what_is_allowed(cut: dict[str, Any]) -> None:
    entries, _ = listed(**cut)
    every = probabilities(masked=True, **cut)
    expected = conditioned(every, {entry for entry, share in every.items() if share > 0})
    assert len(expected) < len(every) - 1
    assert set(entries) <= set(expected)
    assert abs(deviation(Counter(entries), expected)) < 4


def test_a_windowed_network_reads_its_starts() -> None:
    network = windowed_network(3, VOCABULARY.size)
    every = probabilities(network)
    entries, _ = listed(network, starts=("a", "bcb"), count=2000)
    expected = conditioned(every, {entry for entry in every if entry.startswith(("a", "bcb"))})
    assert abs(deviation(Counter(entries), expected)) < 4


def test_without_repeats_entries_come_as_if_repeats_were_refused() -> None:
    """The first entries of many lists without repeats: those of drawing one after another without replacement."""
    every = probabilities()
    allowed = {entry for entry in every if len(entry) == 1}
    expected = conditioned(every, allowed)
    seconds: Counter[str] = Counter()
    for seed in range(400):
        entries, _ = listed(count=2, unique=True, max=1, seed=seed)
        assert len(set(entries)) == 2
        seconds[entries[1]] += 1
    second = {
        entry: sum(expected[first] * expected[entry] / (1 - expected[first]) for first in allowed - {entry})
        for entry in allowed
    }
    assert abs(deviation(seconds, second)) < 4


def test_what_is_excluded_is_not_drawn_again_and_the_rest_keeps_its_proportions() -> None:
    settings = ListSettings(max=3, min=1, temperature=1.0)
    constraints = ListConstraints(VOCABULARY, settings)
    drawing = ListDrawing(MODEL.network, constraints, settings, random_stream(5, "sampling"))
    every = probabilities()
    allowed = {entry for entry in every if 1 <= len(entry) <= 3}
    excluded: set[str] = set()
    for _ in range(4):
        for drawn in [drawn for found in drawing.round() for drawn in found]:
            if drawn.refusal is not None or drawn.text[0] == "a":
                drawing.exclude(drawn)
                excluded.add(drawn.text)
    rest = {entry for entry in allowed if entry not in excluded}
    found: Counter[str] = Counter()
    while found.total() < DRAWS:
        found.update(d.text for drawn in drawing.round() for d in drawn if d.refusal is None)
    assert "a" not in found
    assert abs(deviation(found, conditioned(every, rest | set(found)))) < 4


def test_rounds_grow_and_keep_the_order_in_which_entries_began() -> None:
    settings = ListSettings(max=LONGEST)
    constraints = ListConstraints(VOCABULARY, settings)
    drawing = ListDrawing(MODEL.network, constraints, settings, random_stream(1, "sampling"))
    sizes = [len([drawn for found in drawing.round() for drawn in found]) for _ in range(5)]
    assert sizes == [MIN_ROWS, 2 * MIN_ROWS, 4 * MIN_ROWS, MAX_ROWS, MAX_ROWS]
    # Were the shortest ones first, the first half of many rounds would be shorter than the second.
    halves: list[list[int]] = [[], []]
    for _ in range(4):
        drawn = [len(entry.text) for found in drawing.round() for entry in found]
        halves[0] += drawn[: len(drawn) // 2]
        halves[1] += drawn[len(drawn) // 2 :]
    assert abs(np.mean(halves[0]) - np.mean(halves[1])) < 4 * np.std(halves[0]) * np.sqrt(2 / len(halves[0]))


@pytest.mark.parametrize("options", [{}, {"starts": ("a", "bcb")}, {"temperature": 0.6, "top_k": 2, "min": 2}])
def test_bits_are_those_of_the_line(options: dict[str, Any]) -> None:
    settings = ListSettings(**{"count": 200, "seed": 0, "max": LONGEST, **options})
    entries = list(Listing(MODEL.file, MODEL.network, settings))
    expected = MODEL.score_many([entry.text + "\n" for entry in entries])
    assert [entry.bits for entry in entries] == pytest.approx(expected.tolist(), rel=1e-5)


def test_the_alphabet_is_that_of_the_cases() -> None:
    assert VOCABULARY.characters == ALPHABET


OTHER_KINDS: tuple[TokenKind, ...] = ("bytes", "jamo", "words")
OF_KINDS: dict[str, tuple[dict[str, Any], Callable[[str], bool]]] = {
    "free": ({}, lambda _: True),
    "lengths": ({"min": 2, "max": 2}, lambda entry: len(entry) == 2),
    "starts": ({"starts": ("a", "가", "aa", "b")}, lambda entry: entry[0] in "a가b"),
    "a start within a token": ({"starts": ("ab", "난a", "éa")}, lambda entry: entry[:2] in {"ab", "난a", "éa"}),
    "allowed": ({"allowed": "a가난b"}, lambda entry: set(entry) <= set("a가난b")),
    "all": (
        {"min": 2, "max": 3, "starts": ("a", "가"), "ends": ("a", "난"), "contains": ("a", "난")},
        lambda entry: len(entry) > 1 and entry[0] in "a가" and entry[-1] in "a난",
    ),
}


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("case", OF_KINDS)
@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_entries_of_every_kind_of_tokens_are_as_probable_as_their_characters(
    kind: TokenKind, case: str, temperature: float
) -> None:
    model, characters = model_of_list(kind), CHARACTERS[kind]
    options, holds = OF_KINDS[case]
    options = {"allowed": characters, "max": 3, **options}
    for name in {"allowed", "starts", "ends", "contains"} & set(options):
        known = tuple(part for part in options[name] if set(part) <= set(characters))
        options[name] = "".join(known) if name == "allowed" else known
    settings = ListSettings(count=DRAWS, seed=3, temperature=temperature, **options)
    listing = Listing(model.file, model.network, settings)
    entries = [entry.text for entry in listing]
    assert listing.shortfall is None
    every = entry_probabilities(model, characters, 3, temperature)
    expected = conditioned(every, {entry for entry in every if holds(entry)})
    assert len(expected) > 2
    assert set(entries) <= set(expected)
    assert abs(deviation(Counter(entries), expected)) < 4


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_bits_of_every_kind_of_tokens_are_those_of_the_score(kind: TokenKind) -> None:
    model = model_of_list(kind)
    settings = ListSettings(count=200, seed=0, max=4, temperature=1.0, allowed=CHARACTERS[kind])
    entries = list(Listing(model.file, model.network, settings))
    expected = model.score_many([entry.text + "\n" for entry in entries])
    assert [entry.bits for entry in entries] == pytest.approx(expected.tolist(), rel=1e-5)


@pytest.mark.parametrize("kind", OTHER_KINDS)
@pytest.mark.parametrize("cut", [{}, {"top_k": 3}, {"min_p": 0.2}])
def test_entries_are_text_whatever_the_model_would_write(kind: TokenKind, cut: dict[str, Any]) -> None:
    model = model_of_kind(kind)
    settings = ListSettings(count=40, seed=0, max=8, temperature=2.0, **cut)
    for entry in Listing(model.file, model.network, settings):
        assert model.vocabulary.displayed(entry.text).replace("\\x0d", "\r") == entry.text
        assert 1 <= len(entry.text) <= 8
        assert model.vocabulary.knows(entry.text)
        assert model.vocabulary.decode(model.vocabulary.encode(entry.text)) == entry.text


def test_jamo_that_the_start_ends_in_are_whole() -> None:
    model = model_of_list("jamo")
    listing = Listing(model.file, model.network, ListSettings(count=100, starts=("가",), max=3, seed=1))
    assert {entry.text[0] for entry in listing} == {"가"}
