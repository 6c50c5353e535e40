"""A text that goes on from a prompt, written piece by piece, the same for the same seed wherever it is written."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nextchar.architecture import Floats, Ids, Network
from nextchar.generation import BLOCK, Writer, generate_ids
from nextchar.language_model import LanguageModel
from nextchar.randomness import random_stream
from nextchar.settings import SamplingSettings
from nextchar.vocabulary import Replacement

CHUNK = 512
"""Ids of a prompt read at once; between two of them somebody else has a go, and memory is in proportion to it."""

SMALL_BLOCK = 8
"""Ids drawn in one go where each takes its time."""

T = TypeVar("T")

SEED_BITS = 32
"""Of a seed that is drawn: every language of a client has such numbers, JavaScript too."""


class Begun:
    """A network whose texts have begun already: their first state is the one after what was read of them."""

    def __init__(self, network: Network[Any], state: Any) -> None:
        self._network, self._state = network, state
        self.vocabulary_size = network.vocabulary_size

    def initial_state(self, batch: int) -> Any:
        """Return the state after what was read; ``batch`` is 1."""
        assert batch == 1, "one text has begun"
        return self._state

    def forward(self, ids: Ids, state: Any) -> tuple[Floats, Any]:
        """Read ``ids`` (1, T) on from ``state``; return the logits (1, T, V) and the state after."""
        return self._network.forward(ids, state)


class BegunWriter(Begun):
    """The same, of a network with a loop of its own for writing."""

    def __init__(self, network: Writer, state: Any) -> None:
        super().__init__(network, state)  # type: ignore[arg-type]
        self._writer = network

    def write(
        self,
        logits: Floats,
        state: Any,
        temperature: float,
        allowed: NDArray[np.bool_],
        uniforms: NDArray[np.float64],
    ) -> tuple[Ids, Floats, Any]:
        """Draw as many ids as there are ``uniforms`` (T, 1) and read each of them."""
        return self._writer.write(logits, state, temperature, allowed, uniforms)


def read_prompt(network: Network[Any], ids: Ids, step: T) -> Generator[T, None, tuple[Floats, Any]]:
    """Read ``ids`` (T,) chunk by chunk, yielding ``step`` after each; return the logits (V,) after the last and the
    state."""
    # A network that reads n ids for each prediction has no use for those before them.
    context: int | None = getattr(network, "context_length", None)
    ids, state = np.asarray(ids, np.intp)[-(context or 0) :], network.initial_state(1)
    last = np.empty(0, np.float32)
    for first in range(0, len(ids), CHUNK):
        logits, state = network.forward(ids[None, first : first + CHUNK], state)  # (1, t, V)
        last = logits[0, -1].copy()
        yield step
    return last, state


class Continuation:
    """One text that goes on from a prompt."""

    def __init__(self, model: LanguageModel, prompt: str, settings: SamplingSettings, index: int = 0) -> None:
        """Prepare the text; nothing is written yet.

        Args:
            model: writes.
            prompt: what to go on from.
            settings: how to draw; where there is no seed, one is drawn.
            index: number of the text among several from the same seed.
        """
        self.model, self._given, self._settings, self._index = model, prompt, settings, index
        self.seed = secrets.randbits(SEED_BITS) if settings.seed is None else settings.seed
        self.prompt = ""
        """As the model reads it; known from the first piece on, as is what follows."""
        self.replacements: list[dict[str, Any]] = []
        self.finish_reason = "length"
        """Why it ended: "length", or "stop" at a text to stop before."""

    def pieces(self) -> Iterator[str]:
        """Yield the text as it is written; empty pieces are work that does not show."""
        model = self.model
        self.prompt, replaced = model.vocabulary.fold(self._given)
        self.replacements = tell_replacements(replaced)
        yield ""
        network = model.network_for(self._settings.length)
        ids = prompt_ids(model, self.prompt)
        _, state = yield from read_prompt(network, ids[:-1], "")
        writes = isinstance(network, Writer)
        begun = BegunWriter(network, state) if writes else Begun(network, state)
        random = random_stream(self.seed, "sampling", self._index)
        drawn = generate_ids(begun, ids[-1:], self._settings, random, model.vocabulary.never_drawn)
        pieces = self._decoded(islice(drawn, self._settings.length), BLOCK if writes else SMALL_BLOCK)
        yield from self._until_stop(pieces)

    def _decoded(self, drawn: Iterator[int], most: int) -> Iterator[str]:
        """Yield the text of ids in blocks that grow, as those grow which a network with a loop of its own draws."""
        size = 1
        while ids := list(islice(drawn, size)):
            yield self.model.vocabulary.decode(ids)
            size = min(2 * size, most)

    def _until_stop(self, pieces: Iterator[str]) -> Iterator[str]:
        """Yield ``pieces`` up to where a text to stop before begins; what could be the beginning of one waits."""
        stops = [stop for stop in self._settings.stop if stop]
        held = ""
        for piece in pieces:
            held += piece
            # Of several the one that is complete first; of those complete at once, the longest.
            found = [(at + len(stop), at) for stop in stops if (at := held.find(stop)) >= 0]
            if found:
                self.finish_reason = "stop"
                yield held[: min(found)[1]]
                return
            shown = len(held) - _begun_stop(held, stops)
            yield held[:shown]
            held = held[shown:]
        yield held


def prompt_ids(model: LanguageModel, prompt: str) -> Ids:
    """Return the ids of ``prompt``, which the model knows all characters of; at least one."""
    return model.vocabulary.encode(prompt) if prompt else np.array([model.start_id])


def _begun_stop(text: str, stops: Sequence[str]) -> int:
    """Return the length of the longest end of ``text`` that one of ``stops`` begins with."""
    longest = min(len(text), max(map(len, stops), default=1) - 1)
    return next((n for n in range(longest, 0, -1) if any(stop.startswith(text[-n:]) for stop in stops)), 0)


def tell_replacements(replaced: Sequence[Replacement]) -> list[dict[str, Any]]:
    """Return for each piece of a prompt that the model does not know what was read instead, and how often."""
    counts = Counter((one.given, one.read_as) for one in replaced)
    return [{"character": given, "replacement": read, "count": count} for (given, read), count in counts.items()]
