"""The most probable entries, against all of them computed one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nextchar.model.batch_scoring import BatchScorer
from nextchar.model.best_entries import BestEntries
from nextchar.model.list_constraints import ListConstraints
from nextchar.model.list_settings import ListSettings
from nextchar.model.listing import Listing
from nextchar.networks.architecture import Network
from nextchar.parallel import SERIAL
from nextchar.settings import TokenKind
from tests.exact_lists import CHARACTERS, LONGEST, MODEL, entry_probabilities, model_of_list, probabilities
from tests.small_networks import windowed_network

VOCABULARY = MODEL.file.characters_for("A test")


def best(network: Network[Any] | None = None, **options: Any) -> list[tuple[str, float]]:
    settings = ListSettings(**{"best": True, "count": 200, "max": LONGEST, **options})
    return list(Listing(MODEL.file, network or MODEL.network, settings))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"min": 3},
        {"max": 2},
        {"starts": ("b", "ca")},
        {"allowed": "bc"},
        {"ends": "a"},
        {"contains": "cb", "min": 4},
    ],
    ids=str,
)
def test_the_order_is_that_of_all_entries(options: dict[str, Any]) -> None:
    settings = ListSettings(**options)
    entries = [
        entry
        for entry in probabilities()
        if settings.min <= len(entry) <= min(settings.max, LONGEST)
        and entry.startswith(settings.starts or "")
        and set(entry) <= set(settings.allowed or "abc")
        and entry.endswith(settings.ends or "")
        and any(part in entry for part in settings.contains or ("",))
    ]
    bits = MODEL.score_many([entry + "\n" for entry in entries])
    order = np.argsort(bits, kind="stable")[:200].tolist()
    found = best(**options)
    assert [entry for entry, _ in found] == [entries[place] for place in order]
    assert [cost for _, cost in found] == pytest.approx(bits[order].tolist(), rel=1e-5)


def test_a_windowed_network_is_searched_as_well() -> None:
    network = windowed_network(3, VOCABULARY.size)
    scorer = BatchScorer(network, VOCABULARY, SERIAL)
    entries = [entry for entry in probabilities(network) if entry]
    order = np.argsort(scorer.score([entry + "\n" for entry in entries]), kind="stable")[:50]
    assert [entry for entry, _ in best(network, count=50)] == [entries[place] for place in order]


def test_new_and_unique_hold_for_the_best_as_well() -> None:
    texts = [entry for entry, _ in best(count=300, unique=True)]
    assert len(set(texts)) == 300


def test_the_end_of_a_small_space_is_reached() -> None:
    settings = ListSettings(best=True, count=100, max=2)
    listing = Listing(MODEL.file, MODEL.network, settings)
    assert len(list(listing)) == 3 + 9
    assert listing.shortfall == "Only 12 of 100 entries: after 12 found, there are no others within these options."


def test_a_full_memory_ends_the_search_with_the_right_entries() -> None:
    settings = ListSettings(best=True, count=500, max=20)
    listing = Listing(MODEL.file, MODEL.network, settings, max_bytes=200_000)
    found = list(listing)
    assert 0 < len(found) < 500
    assert listing.shortfall is not None
    assert "the search has no memory left; narrow it" in listing.shortfall
    wider = list(Listing(MODEL.file, MODEL.network, settings))
    assert found == wider[: len(found)]


def test_bits_never_fall() -> None:
    search = BestEntries(MODEL.network, ListConstraints(VOCABULARY, ListSettings(max=12)))
    bits = np.array([cost for _, found in zip(range(20), search.steps(), strict=False) for _, cost in found])
    assert len(bits) > 100
    assert (np.diff(bits) >= 0).all()


@pytest.mark.parametrize("options", [{}, {"starts": ("a", "간")}, {"min": 2, "max": 2}, {"ends": ("a", "난")}], ids=str)
@pytest.mark.parametrize("kind", CHARACTERS)
def test_the_order_is_that_of_all_scores_for_every_kind_of_tokens(kind: TokenKind, options: dict[str, Any]) -> None:
    model, characters = model_of_list(kind), CHARACTERS[kind]
    known = {
        name: tuple(part for part in value if set(part) <= set(characters)) if isinstance(value, tuple) else value
        for name, value in options.items()
    }
    settings = ListSettings(**{"best": True, "count": 60, "max": 3, "allowed": characters, **known})
    entries = [
        entry
        for entry in entry_probabilities(model, characters, settings.max)
        if settings.min <= len(entry)
        and entry.startswith(settings.starts or "")
        and entry.endswith(settings.ends or "")
    ]
    bits = model.score_many([entry + "\n" for entry in entries])
    order = np.argsort(bits, kind="stable")[: settings.count].tolist()
    found = list(Listing(model.file, model.network, settings))
    assert [entry for entry, _ in found] == [entries[place] for place in order]
    assert [cost for _, cost in found] == pytest.approx(bits[order].tolist(), rel=1e-5)
