"""Generation: the loop that draws an id, feeds it back and draws again, for any Network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from nextchar.model.sampling import draw, next_distribution
from nextchar.networks.architecture import Floats, Ids, Network
from nextchar.settings import SamplingSettings

BLOCK = 256
"""Most ids that a network with its own loop draws at once; those that are not needed any more are wasted time."""

GUARDED_BLOCK = 32
"""The same where a guard may refuse an id, after which the rest of the block is wasted."""


class Guard(Protocol):
    """Follows a text as it is written and says which ids must not come next (`nextchar.model.copying`)."""

    def read(self, token: int) -> None:
        """Take note of the next id of the text."""
        ...

    def forbidden(self) -> Sequence[int]:
        """Return the ids that must not come next."""
        ...


@runtime_checkable
class Writer(Protocol):
    """A network with its own loop for draws that only a temperature shapes."""

    def write(
        self,
        logits: Floats,
        state: Any,
        temperature: float,
        allowed: NDArray[np.bool_],
        uniforms: NDArray[np.float64],
    ) -> tuple[Ids, Floats, Any]:
        """Draw an id for each of ``uniforms`` (T, B), the first from ``logits`` (B, V), and read each; return the ids
        (T, B), and logits and state after the last."""
        ...


def generate_ids(
    network: Network[Any],
    prompt: Ids,
    settings: SamplingSettings,
    random: np.random.Generator,
    forbidden: tuple[int, ...] = (),
) -> Iterator[int]:
    """Yield ids that continue ``prompt``, each as soon as it is drawn, for as long as they are asked for.

    Args:
        network: predicts the next id.
        prompt: ids read first, shape (T,), at least one.
        settings: how to draw; ``length``, ``stop`` and ``seed`` are left to the caller.
        random: gives one uniform number for each id; a network with its own loop takes some more.
        forbidden: ids that are never drawn.
    """
    logits, state = network.forward(np.asarray(prompt)[None], network.initial_state(1))  # (1, T, V)
    yield from chain.from_iterable(draw_blocks(network, logits[:, -1], state, settings, random, forbidden=forbidden))


def draw_blocks(
    network: Network[Any],
    logits: Floats,
    state: Any,
    settings: SamplingSettings,
    random: np.random.Generator,
    *,
    forbidden: tuple[int, ...] = (),
    guard: Guard | None = None,
) -> Iterator[list[int]]:
    """Yield the ids of `generate_ids` in blocks, from where a text has been read to: ``logits`` (1, V) and ``state``.

    A block is one id. From a network with its own loop blocks are of 1, 2, 4, ... ids up to `BLOCK`, so that the first
    id comes at once. With a ``guard``, they may be shorter, and the text ends where it forbids every id.
    """
    if isinstance(network, Writer) and _is_plain(settings):
        if guard is not None:
            yield from _guarded_writes(network, logits, state, settings.temperature, random, forbidden, guard)
            return
        allowed, size = _allowed(logits, forbidden), 1
        while True:
            ids, logits, state = network.write(logits, state, settings.temperature, allowed, random.random((size, 1)))
            yield ids[:, 0].tolist()
            size = min(2 * size, BLOCK)
    never = forbidden
    while True:
        if guard is not None:
            never = (*forbidden, *guard.forbidden())
            if not _allowed(logits, never).any():
                return
        drawn = int(draw(next_distribution(logits[0], settings, never), random.random()))
        if guard is not None:
            guard.read(drawn)
        yield [drawn]
        following, state = network.forward(np.array([[drawn]]), state)  # (1, 1, V)
        logits = following[:, -1]


def _guarded_writes(  # noqa: PLR0917 (those of `draw_blocks`)
    network: Writer,
    logits: Floats,
    state: Any,
    temperature: float,
    random: np.random.Generator,
    forbidden: tuple[int, ...],
    guard: Guard,
) -> Iterator[list[int]]:
    """Yield the ids of `draw_blocks` from a network with its own loop. A block is written as if all were allowed; from
    the first id that is not, it is written again. So each id has the same uniform number as without blocks."""
    allowed, size, uniforms = _allowed(logits, forbidden), 1, np.empty((0, 1))
    while True:
        ready = np.concatenate([uniforms, random.random((max(0, size - len(uniforms)), 1))])
        uniforms, later = ready[:size], ready[size:]
        ids, *after = network.write(logits, state, temperature, allowed, uniforms)
        written: list[int] = ids[:, 0].tolist()
        kept, refused = _read_allowed(written, guard)
        yield written[:kept]
        if kept == len(written):
            logits, state = after
            uniforms, size = later, min(2 * size, GUARDED_BLOCK)
            continue
        _, logits, state = network.write(logits, state, temperature, allowed, uniforms[:kept])
        some = _allowed(logits, (*forbidden, *refused))
        if not some.any():
            return
        again, logits, state = network.write(logits, state, temperature, some, uniforms[kept : kept + 1])
        guard.read(int(again[0, 0]))
        yield again[:, 0].tolist()
        uniforms, size = ready[kept + 1 :], kept + 1


def _read_allowed(ids: Sequence[int], guard: Guard) -> tuple[int, Sequence[int]]:
    """Let ``guard`` read ``ids`` up to the first that it forbids; return their number, and what it forbids then."""
    for number, token in enumerate(ids):
        refused = guard.forbidden()
        if refused:
            return number, refused
        guard.read(token)
    return len(ids), ()


def generate_rows(
    network: Network[Any],
    prompt: Ids,
    settings: SamplingSettings,
    randoms: Sequence[np.random.Generator],
    forbidden: tuple[int, ...] = (),
) -> Iterator[NDArray[np.intp]]:
    """Yield the next id of each of B texts that continue ``prompt`` (T,) side by side, shape (B,), up to the length in
    ``settings``.

    Each text takes one uniform number for each id from its own generator in ``randoms`` (B), like `generate_ids`.
    """
    batch = len(randoms)
    logits, state = network.forward(np.tile(prompt, (batch, 1)), network.initial_state(batch))  # (B, T, V)
    last, allowed = logits[:, -1], _allowed(logits, forbidden)
    for first in range(0, settings.length, BLOCK):
        size = min(BLOCK, settings.length - first)
        uniforms = np.stack([random.random(size) for random in randoms], axis=1)  # (size, B)
        if isinstance(network, Writer) and _is_plain(settings):
            ids, last, state = network.write(last, state, settings.temperature, allowed, uniforms)
            yield from ids
            continue
        for uniform in uniforms:
            drawn = draw(next_distribution(last, settings, forbidden), uniform)  # (B,)
            yield drawn
            logits, state = network.forward(drawn[:, None], state)  # (B, 1, V)
            last = logits[:, 0]


def draws_many(network: Network[Any], settings: SamplingSettings) -> bool:
    """Return whether `draw_blocks` gives more than one id at once: ``network`` has its own loop for such draws."""
    return isinstance(network, Writer) and _is_plain(settings)


def _is_plain(settings: SamplingSettings) -> bool:
    """Return whether only a temperature shapes the draws."""
    return settings.top_k is None and settings.top_p is None and settings.min_p is None


def _allowed(logits: Floats, forbidden: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return whether each id may be drawn, shape (V,), for logits (..., V)."""
    allowed = np.ones(logits.shape[-1], np.bool_)
    allowed[list(forbidden)] = False
    return allowed
