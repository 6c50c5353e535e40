"""How good the lists of a model are: which share of what it writes is valid, unique and new."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from nextchar.model.known_entries import KnownEntries, fold_case
from nextchar.model.list_constraints import ListConstraints
from nextchar.model.list_drawing import ListDrawing
from nextchar.model.list_settings import ListSettings
from nextchar.networks.architecture import Network
from nextchar.randomness import random_stream
from nextchar.text.line_survey import LineSurvey
from nextchar.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class ListQuality:
    """What a model has written in place of a list."""

    entries: tuple[str, ...]
    """The valid ones, in the order in which they were drawn."""
    valid: float
    """Share of those drawn that are text, not empty, and as long as entries of the training list are."""
    unique: float
    """Share of the valid ones that is left without repeats, whatever their case."""
    new: float
    """Share of the valid ones that are not in the training list, whatever their case."""


def measure_list(
    network: Network[Any],
    vocabulary: Tokenizer,
    known: KnownEntries,
    survey: LineSurvey,
    *,
    count: int = 1000,
    temperature: float = 1.0,
    seed: int = 0,
) -> ListQuality:
    """Draw ``count`` entries and measure them.

    Args:
        network: writes the entries.
        vocabulary: its tokens, with a line end.
        known: the training list.
        survey: the lengths of its entries.
        count: entries to draw, at least 1.
        temperature: above 0.
        seed: of the draws.

    Raises:
        UsageError: the model has no line end.
    """
    settings = ListSettings(min=max(1, survey.shortest), max=max(1, survey.longest), temperature=temperature)
    constraints = ListConstraints(vocabulary, settings)
    drawing = ListDrawing(network, constraints, settings, random_stream(seed, "sampling"))
    rounds = (drawn for found in iter(lambda: list(drawing.round()), None) for drawn in chain.from_iterable(found))
    entries = tuple(drawn.text for drawn in islice(rounds, count) if drawn.refusal is None)
    written = max(1, len(entries))
    return ListQuality(
        entries=entries,
        valid=len(entries) / count,
        unique=len(set(map(fold_case, entries))) / written,
        new=sum(entry not in known for entry in entries) / written,
    )
