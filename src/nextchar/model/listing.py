"""A list: entries like those of the training list, exactly as many as asked for, or the reason why there are fewer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from nextchar.errors import ListError, UsageError
from nextchar.model.batch_scoring import BatchScorer
from nextchar.model.best_entries import MAX_BYTES, BestEntries
from nextchar.model.known_entries import KnownEntries
from nextchar.model.list_constraints import REFUSALS, ListConstraints, Refusal
from nextchar.model.list_drawing import MAX_ROWS, MIN_ROWS, ListDrawing
from nextchar.model.list_settings import ListSettings
from nextchar.model.model_file import ModelFile
from nextchar.networks.architecture import Architecture, Network
from nextchar.networks.headers import BlendHeader, NetworkHeader
from nextchar.parallel import SERIAL
from nextchar.randomness import choose_seed, random_stream

MULTIPLICATIONS, PROBABILITIES = 1 << 26, 1 << 20
"""About the most of both in a step of entries side by side: some 20 ms, after which a server turns to other requests,
and some 10 MB an array."""


class Entry(NamedTuple):
    """An entry of a list."""

    text: str
    bits: float
    """-log2 of the probability that the model, at temperature 1, writes this line: the entry and its line end. Where
    tokens are words, this is of those that the line is read as."""


class Listing:
    """A list that is written by iterating over its steps, once."""

    def __init__(
        self,
        file: ModelFile,
        network: Network[Any],
        settings: ListSettings,
        known: KnownEntries | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Prepare the list; nothing is written yet.

        Args:
            file: the model.
            network: its network, which writes the entries.
            settings: how many entries, and which ones.
            known: the training list, which ``settings.new`` needs.
            max_bytes: memory of the search for the most probable entries.

        Raises:
            UsageError: the model has no line end, or the options exclude each other.
            UnknownCharacterError: an option names characters that the model does not know.
        """
        if settings.new and known is None:
            raise UsageError("new needs the training list, and the model file is without it.")
        self.settings = settings
        self.seed = choose_seed(settings.seed)
        """Seed that gives this list again."""
        self.written = 0
        """Entries written so far."""
        self.drawn = 0
        """Entries drawn for them, refused ones as well."""
        self.refused: Counter[Refusal] = Counter()
        """How many were refused, and why."""
        self.shortfall: str | None = None
        """Why there are fewer entries than asked for, in a sentence; None if there are not."""
        self._file, self._network, self._max_bytes = file, network, max_bytes
        self._constraints = ListConstraints(file.vocabulary, settings, known)

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries."""
        for entries in self.steps():
            yield from entries

    def whole(self) -> Iterator[Entry]:
        """Yield the entries.

        Raises:
            ListError: after the last one, if there are fewer than asked for.
        """
        yield from self
        if self.shortfall is not None:
            raise ListError(self.shortfall)

    def steps(self) -> Iterator[list[Entry]]:
        """Yield the entries as they come, after each step of work those that are ready: often none."""
        for found in self._best() if self.settings.best else self._drawings():
            entries = found[: self.settings.count - self.written]
            self.written += len(entries)
            yield entries
            if self.written == self.settings.count:
                return

    def end(self, reason: str) -> None:
        """Note in ``shortfall`` that the list ends short, and why; ``reason`` is a clause of a sentence."""
        found = "found" if self.settings.best else "drawn"
        why = ", ".join(f"{count:,} {REFUSALS[refusal]}" for refusal, count in self.refused.most_common())
        entries = f"Only {self.written:,} of {self.settings.count:,} entries"
        refused = f" ({why})" if why else ""
        self.shortfall = f"{entries}: after {self.drawn:,} {found}{refused}, {reason}."

    def _drawings(self) -> Iterator[list[Entry]]:
        random = random_stream(self.seed, "sampling")
        rows = max_rows(self._file.architecture)
        drawing = ListDrawing(self._network, self._constraints, self.settings, random, rows)
        while self.drawn < self.settings.draws:
            if drawing.is_exhausted:
                self.end("no others are probable enough to be drawn; loosen an option, or raise --temperature")
                return
            for drawn in drawing.round():
                accepted: list[Entry] = []
                for entry in drawn:
                    if self.written + len(accepted) == self.settings.count or self.drawn == self.settings.draws:
                        break
                    refusal = self._refusal(entry.text, entry.refusal)
                    if refusal is None:
                        accepted.append(Entry(entry.text, entry.bits))
                    if refusal is not None or self.settings.unique:
                        drawing.exclude(entry)
                yield self._as_scored(accepted)
        self.end("that is as many as --max-draws allows; loosen an option, or allow more")

    def _best(self) -> Iterator[list[Entry]]:
        search = BestEntries(self._network, self._constraints, self._max_bytes)
        for found in search.steps():
            accepted: list[Entry] = []
            for text, bits in found:
                if self.drawn == self.settings.draws:
                    yield accepted
                    self.end("that is as many as --max-draws allows; loosen an option, or allow more")
                    return
                if self._refusal(text, None) is None:
                    accepted.append(Entry(text, bits))
            yield accepted
        if search.is_full:
            self.end("the search has no memory left; narrow it, with starts for example, or ask for fewer entries")
        else:
            self.end("there are no others within these options")

    def _as_scored(self, entries: list[Entry]) -> list[Entry]:
        """Return ``entries`` with the bits of the ids that they are read as, where they may have been drawn as others.

        The label stands before each, and its bits are those of no entry.
        """
        if not (entries and self._constraints.has_many_spellings):
            return entries
        before, vocabulary = self._constraints.before, self._file.vocabulary
        lines = [np.concatenate([before, vocabulary.encode(entry.text + "\n")]) for entry in entries]
        scorer = BatchScorer(self._network, vocabulary, SERIAL)
        bits = scorer.score_ids(lines) - scorer.score_ids([before])
        return [Entry(entry.text, cost) for entry, cost in zip(entries, bits.tolist(), strict=True)]

    def _refusal(self, text: str, early: Refusal | None) -> Refusal | None:
        """Count an entry, and return why it is refused; ``early`` is the reason if it is not even whole."""
        self.drawn += 1
        refusal = early or self._constraints.refusal(text)
        if refusal is not None:
            self.refused[refusal] += 1
        return refusal


def max_rows(header: NetworkHeader) -> int:
    """Return how many entries a network writes side by side: fewer where it is large or knows many characters."""
    network = header.network if isinstance(header, BlendHeader) else header
    work = network.multiplications * (network.context_length or 1) if isinstance(network, Architecture) else 1
    return max(MIN_ROWS, min(MAX_ROWS, MULTIPLICATIONS // work, PROBABILITIES // header.vocabulary_size))
