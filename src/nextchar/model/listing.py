"""A list: entries like those of the training list, exactly as many as asked for, or the reason why there are fewer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from nextchar.errors import ListError, UsageError
from nextchar.model.best_entries import MAX_BYTES, BestEntries
from nextchar.model.known_entries import KnownEntries
from nextchar.model.list_constraints import REFUSALS, ListConstraints, Refusal
from nextchar.model.list_drawing import ListDrawing
from nextchar.model.list_settings import ListSettings
from nextchar.networks.architecture import Network
from nextchar.randomness import choose_seed, random_stream
from nextchar.text.vocabulary import Vocabulary


class Entry(NamedTuple):
    """An entry of a list."""

    text: str
    bits: float
    """-log2 of the probability that the model, at temperature 1, writes this line: the entry and its line end."""


class Listing:
    """A list that is written by iterating over its steps, once."""

    def __init__(
        self,
        network: Network[Any],
        vocabulary: Vocabulary,
        settings: ListSettings,
        known: KnownEntries | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Prepare the list; nothing is written yet.

        Args:
            network: writes the entries.
            vocabulary: its characters.
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
        self._network, self._max_bytes = network, max_bytes
        self._constraints = ListConstraints(vocabulary, settings, known)

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
        drawing = ListDrawing(self._network, self._constraints, self.settings, random)
        while self.drawn < self.settings.draws:
            if drawing.is_exhausted:
                self.end("no others are probable enough to be drawn")
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
                yield accepted
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

    def _refusal(self, text: str, early: Refusal | None) -> Refusal | None:
        """Count an entry, and return why it is refused; ``early`` is the reason if it is not even whole."""
        self.drawn += 1
        refusal = early or self._constraints.refusal(text)
        if refusal is not None:
            self.refused[refusal] += 1
        return refusal
