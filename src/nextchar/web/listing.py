"""Responses of /api/list: entries like those of the training list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nextchar.model.language_model import LanguageModel
from nextchar.model.list_settings import ListSettings
from nextchar.model.listing import Listing

SEARCH_BYTES = 1 << 26
"""Memory of a search for the most probable entries."""
CHARACTERS = 10
"""Characters that an entry counts as where a server limits what it writes."""
TIME_SHARE = 0.8
"""Share of the time of a request after which a list ends short, so that its entries are answered still."""


def write_list(
    model: LanguageModel, settings: ListSettings, is_late: Callable[[], bool]
) -> Iterator[dict[str, Any] | None]:
    """Yield the list at the end, and None after each step before.

    Args:
        model: writes the entries.
        settings: how many, and which ones.
        is_late: whether the list must end, however many entries it has.

    Raises:
        UsageError: the model has no line end or does not know the label, or it is without the training list that
            ``settings.new`` needs.
        UnknownCharacterError: an option names characters that the model does not know.
    """
    known = model.known_entries if settings.new or model.file.text is not None else None
    if settings.label is not None:
        model.labelled(settings.label)  # an error if it is unknown
        known = known and known.without_labels()
    yield None
    listing = Listing(model.file, model.network_for(0), settings, known, SEARCH_BYTES)
    entries: list[dict[str, Any]] = []
    for found in listing.steps():
        entries += [
            {"text": text, "bits": bits, "new": None if known is None else text not in known} for text, bits in found
        ]
        if is_late() and listing.written < settings.count:
            listing.end("the time of this server (--max-time) was up; ask for fewer entries, or loosen an option")
            break
        yield None
    yield {
        "entries": entries,
        "seed": None if settings.best else listing.seed,
        "drawn": listing.drawn,
        "refused": dict(listing.refused),
        "shortfall": listing.shortfall,
    }
