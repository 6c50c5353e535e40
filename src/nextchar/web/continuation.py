"""A text that goes on from a prompt, written piece by piece, the same for the same seed wherever it is written."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from nextchar.model.generation import BLOCK, Writer, continue_ids
from nextchar.model.language_model import LanguageModel, until_stop
from nextchar.networks.architecture import Floats, Ids, Network
from nextchar.randomness import random_stream
from nextchar.settings import SamplingSettings
from nextchar.text.tokenizer import Replacement

CHUNK = 512
"""Ids of a prompt read at once; between two of them somebody else has a go, and memory is in proportion to it."""

SMALL_BLOCK = 8
"""Ids drawn in one go where each takes its time."""

T = TypeVar("T")

SEED_BITS = 32
"""Of a seed that is drawn: every language of a client has such numbers, JavaScript too."""


def read_prompt(network: Network[Any], ids: Ids, step: T) -> Generator[T, None, tuple[Floats, Any]]:
    """Read ``ids`` (T,) chunk by chunk, yielding ``step`` after each; return the logits (V,) after the last and the
    state."""
    # A network that reads n ids for each prediction has no use for those before them.
    ids, state = np.asarray(ids, np.intp)[-(network.context_length or 0) :], network.initial_state(1)
    last = np.empty(0, np.float32)
    for first in range(0, len(ids), CHUNK):
        logits, state = network.forward(ids[None, first : first + CHUNK], state)  # (1, t, V)
        last = logits[0, -1].copy()
        yield step
    return last, state


@dataclass(frozen=True)
class ReadPrompt:
    """A prompt as a model has read it; any number of texts go on from there."""

    text: str
    """In characters that the model knows."""
    replacements: list[dict[str, Any]]
    """What the model did not know of it."""
    network: Network[Any]
    """That has read it."""
    logits: Floats
    """Of the character to come, (V,)."""
    state: Any

    @classmethod
    def begin(cls, model: LanguageModel, given: str, length: int, step: T) -> Generator[T, None, ReadPrompt]:
        """Read the prompt ``given`` for texts of ``length`` characters, yielding ``step`` now and then; return it."""
        text, replaced = model.vocabulary.fold(given)
        yield step
        network = model.network_for(length)
        logits, state = yield from read_prompt(network, model.prompt_ids(text), step)
        return cls(text, tell_replacements(replaced), network, logits, state)


class Continuation:
    """One text that goes on from a prompt."""

    def __init__(
        self, model: LanguageModel, prompt: str | ReadPrompt, settings: SamplingSettings, index: int = 0
    ) -> None:
        """Prepare the text; nothing is written yet.

        Args:
            model: writes.
            prompt: what to go on from, perhaps read already.
            settings: how to draw; where there is no seed, one is drawn.
            index: number of the text among several from the same seed.
        """
        self.model, self._prompt, self._settings, self._index = model, prompt, settings, index
        self.seed = secrets.randbits(SEED_BITS) if settings.seed is None else settings.seed
        self.replacements: list[dict[str, Any]] = []
        """What the model did not know of the prompt; known once there is a text."""
        self.finish_reason = "length"
        """Why it ended: "length", or "stop" at a text to stop before."""

    def pieces(self) -> Iterator[str]:
        """Yield the text as it is written; empty pieces are work that does not show."""
        model, prompt = self.model, self._prompt
        if isinstance(prompt, str):
            prompt = yield from ReadPrompt.begin(model, prompt, self._settings.length, "")
        self.replacements = prompt.replacements
        random, never = random_stream(self.seed, "sampling", self._index), model.vocabulary.never_drawn
        drawn = continue_ids(prompt.network, prompt.logits[None], prompt.state, self._settings, random, forbidden=never)
        block = BLOCK if isinstance(prompt.network, Writer) else SMALL_BLOCK
        pieces = self._decoded(islice(drawn, self._settings.length), block)
        if (yield from until_stop(pieces, self._settings.stop)):
            self.finish_reason = "stop"

    def _decoded(self, drawn: Iterator[int], most: int) -> Iterator[str]:
        """Yield the text of ids in blocks that grow, as those grow which a network with a loop of its own draws."""
        size = 1
        while ids := list(islice(drawn, size)):
            yield self.model.vocabulary.decode(ids)
            size = min(2 * size, most)


def tell_replacements(replaced: Sequence[Replacement]) -> list[dict[str, Any]]:
    """Return for each piece of a prompt that the model does not know what was read instead, and how often."""
    counts = Counter((one.given, one.read_as) for one in replaced)
    return [{"character": given, "replacement": read, "count": count} for (given, read), count in counts.items()]
