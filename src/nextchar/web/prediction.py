"""What a model expects: the distribution of the next character, and how well it foresaw those of a text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.errors import TextError
from nextchar.model.language_model import LanguageModel
from nextchar.model.sampling import Distribution, next_distribution
from nextchar.networks.architecture import Floats, Ids, Network
from nextchar.settings import SamplingSettings
from nextchar.web.answers import json_bytes
from nextchar.web.continuation import CHUNK, read_prompt, tell_replacements

AS_IT_IS = SamplingSettings(temperature=1.0)


def distribution(
    model: LanguageModel, prompt: str, settings: SamplingSettings, limit: int | None
) -> Iterator[dict[str, Any] | None]:
    """Find the distribution of the character after ``prompt``; yield None between two steps, and it at the end.

    Args:
        model: predicts.
        prompt: what to go on from.
        settings: how the distribution is reweighted.
        limit: most probable characters that are told; all where None.
    """
    read, replaced = model.vocabulary.fold(prompt)
    ids = model.prompt_ids(read)
    logits, _ = yield from read_prompt(model.network_for(len(ids)), ids, None)  # (V,)
    never = model.vocabulary.never_drawn
    plain, reweighted = (next_distribution(logits, how, never) for how in (AS_IT_IS, settings))  # (V,)
    order = np.argsort(-plain, kind="stable")
    shown = order[~np.isin(order, never)][:limit]
    yield {
        "characters": model.vocabulary.token_texts(shown),
        "probabilities": plain[shown].tolist(),
        "reweighted": reweighted[shown].tolist(),
        "entropy": entropy(plain),
        "reweighted_entropy": entropy(reweighted),
        "replacements": tell_replacements(replaced),
    }


def entropy(probabilities: Distribution) -> float:
    """Return the entropy of ``probabilities`` (V,), in bits."""
    possible = probabilities[probabilities > 0]
    return max(0.0, -float(possible @ np.log2(possible)))


@dataclass(frozen=True, eq=False)
class Foreseen:
    """How probable each of some characters was, before it was read."""

    log_probabilities: NDArray[np.float64]
    """ln p of each, (T,)."""
    alternatives: NDArray[np.intp]
    """Ids that were most probable in its place, the most probable first: (T, K)."""
    alternative_log_probabilities: NDArray[np.float64]
    """(T, K)"""


class Reader:
    """Reads a text piece by piece, and tells how well each character was foreseen from those before it."""

    def __init__(self, model: LanguageModel, alternatives: int) -> None:
        """Begin a text before its first character, of which so many ``alternatives`` are told."""
        vocabulary = model.vocabulary
        self._network: Network[Any] = model.network_for(CHUNK)
        logits, self._state = self._network.forward(np.array([[model.start_id]]), self._network.initial_state(1))
        self._logits = logits[0]
        """Of the character to come: one row, or none where nothing predicts it."""
        self._never = list(vocabulary.never_drawn)
        self._count = min(alternatives, vocabulary.size - len(vocabulary.never_drawn))

    def begin_with_nothing(self) -> None:
        """Let nothing stand before the text, not even what models are told to begin with."""
        self._logits, self._state = self._logits[:0], self._network.initial_state(1)

    def go_on_from(self, logits: Floats, state: Any) -> None:
        """Let stand before the text what led to ``state``, with ``logits`` (V,) of the character to come."""
        self._logits, self._state = logits[None], state

    def read(self, ids: Ids) -> Foreseen:
        """Read the next ``ids`` (T,), at least one; nothing is told of a first one that nothing stands before."""
        following, self._state = self._network.forward(np.asarray(ids, np.intp)[None], self._state)  # (1, T, V)
        logits = np.concatenate([self._logits, following[0, :-1]])  # (T, V), or a row less
        self._logits = following[0, -1:].copy()
        return self._judge(logits, np.asarray(ids, np.intp)[len(ids) - len(logits) :])

    def _judge(self, logits: Floats, ids: NDArray[np.intp]) -> Foreseen:
        exact = logits.astype(np.float64)  # (T, V)
        peak = exact.max(-1, keepdims=True)  # (T, 1)
        exact -= peak + np.log(np.exp(exact - peak).sum(-1, keepdims=True))  # ln p, (T, V)
        chosen = np.take_along_axis(exact, ids[:, None], -1)[:, 0]  # (T,)
        exact[:, self._never] = -np.inf
        # K is less than V, but for a model without an unknown symbol whose characters are all wanted.
        best = np.argpartition(-exact, min(self._count, exact.shape[1] - 1), -1)[:, : self._count]  # (T, K)
        probable = np.take_along_axis(exact, best, -1)  # (T, K)
        order = np.lexsort((best, -probable), axis=-1)
        return Foreseen(chosen, np.take_along_axis(best, order, -1), np.take_along_axis(probable, order, -1))


def score(model: LanguageModel, text: str, alternatives: int) -> Iterator[bytes]:
    """Score each character of ``text``; yield nothing between two steps, and the answer in JSON at the end.

    Raises:
        TextError: the text is empty.
    """
    if not text:
        raise TextError("text is empty: give at least one character to score.")
    read = text.lower() if model.provenance.lowercase else text
    ids = model.vocabulary.encode(read)  # (T,)
    unknown_bits = model.vocabulary.unknown_cost(ids)  # (T,)
    reader = Reader(model, alternatives)
    bits: list[float] = []
    others: list[
        bytes
    ] = []  # in JSON: as objects of Python, twenty for each character, they would take ten times as much
    for first in range(0, len(ids), CHUNK):
        foreseen = reader.read(ids[first : first + CHUNK])
        bits += (unknown_bits[first : first + CHUNK] - foreseen.log_probabilities / np.log(2)).tolist()
        others.append(json_bytes(list(_told(model, foreseen)))[1:-1])
        yield b""
    told = json_bytes(
        {
            "bits_per_character": float(np.sum(bits)) / len(read),
            "characters": model.vocabulary.split(read),
            "bits": bits,
            "unknown": (unknown_bits > 0).tolist(),
        }
    )
    yield told[:-1] + b',"alternatives":[' + b",".join(others) + b"]}"


def _told(model: LanguageModel, foreseen: Foreseen) -> Iterator[list[dict[str, Any]]]:
    """Yield the alternatives of each character, with their probabilities."""
    probabilities = np.exp(foreseen.alternative_log_probabilities)  # (T, K)
    for row, shares in zip(foreseen.alternatives, probabilities.tolist(), strict=True):
        characters = model.vocabulary.token_texts(row)
        yield [
            {"character": character, "probability": share} for character, share in zip(characters, shares, strict=True)
        ]
