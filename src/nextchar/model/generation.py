"""Generation: the loop that draws an id, feeds it back and draws again, for any Network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from nextchar.model.sampling import draw, next_distribution
from nextchar.networks.allowed import Allowed
from nextchar.networks.architecture import Floats, Ids, Network
from nextchar.settings import SamplingSettings
from nextchar.text.tokenizer import Succession

BLOCK = 256
"""Most ids that a network with its own loop draws at once; those that are not needed any more are wasted time."""

GUARDED_BLOCK = 32
"""The same where a guard may refuse an id, after which the rest of the block is wasted."""


class Guard(Protocol):
    """Follows a text as it is written and says which ids must not come next (`nextchar.model.copying`)."""

    @property
    def always(self) -> Sequence[int]:
        """Ids that must never come, beside those of `forbidden`."""
        ...

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
        allowed: Allowed,
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
    *,
    succession: Succession | None = None,
) -> Iterator[int]:
    """Yield ids that continue ``prompt``, each as soon as it is drawn, for as long as they are asked for.

    Args:
        network: predicts the next id.
        prompt: ids read first, shape (T,), at least one; they are of whole characters.
        settings: how to draw; ``length``, ``stop`` and ``seed`` are left to the caller.
        random: gives one uniform number for each id; a network with its own loop takes some more.
        forbidden: ids that are never drawn.
        succession: which ids may be drawn after which; None if any may be. The last character of the prompt is whole.
    """
    logits, state = network.forward(np.asarray(prompt)[None], network.initial_state(1))  # (1, T, V)
    allowed = allowed_ids(network.vocabulary_size, forbidden, succession)
    yield from chain.from_iterable(draw_blocks(network, logits[:, -1], state, settings, random, allowed=allowed))


def allowed_ids(
    vocabulary_size: int,
    forbidden: tuple[int, ...] = (),
    succession: Succession | None = None,
    batch: int = 1,
) -> Allowed:
    """Return which ids may be drawn in ``batch`` texts, where each begins or goes on after a whole character."""
    mask = np.ones(vocabulary_size, np.bool_)
    mask[list(forbidden)] = False
    if succession is None:
        return Allowed.always(mask, batch)
    rows = succession.may_follow[:, succession.classes] & mask  # (C, V)
    return Allowed(rows, succession.classes, np.zeros(batch, np.int64))


def draw_blocks(
    network: Network[Any],
    logits: Floats,
    state: Any,
    settings: SamplingSettings,
    random: np.random.Generator,
    *,
    allowed: Allowed,
    guard: Guard | None = None,
) -> Iterator[list[int]]:
    """Yield the ids of `generate_ids` in blocks, from where a text has been read to: ``logits`` (1, V) and ``state``.

    A block is one id. From a network with its own loop blocks are of 1, 2, 4, ... ids up to `BLOCK`, so that the first
    id comes at once. With a ``guard``, they may be shorter, and the text ends where it forbids every id.
    """
    if guard is not None and guard.always:
        allowed = allowed.where(_all_but(guard.always, logits))
    if isinstance(network, Writer) and _is_plain(settings):
        if guard is not None:
            yield from _guarded_writes(network, logits, state, settings.temperature, random, allowed, guard)
            return
        size = 1
        while True:
            ids, logits, state = network.write(logits, state, settings.temperature, allowed, random.random((size, 1)))
            yield ids[:, 0].tolist()
            size = min(2 * size, BLOCK)
    while True:
        some = allowed if guard is None else allowed.where(_all_but(guard.forbidden(), logits))
        masked = some.masked(logits)  # (1, V)
        if guard is not None and not np.isfinite(masked).any():
            return
        drawn = draw(next_distribution(masked, settings), random.random(1))  # (1,)
        allowed.read(drawn)
        if guard is not None:
            guard.read(int(drawn[0]))
        yield drawn.tolist()
        following, state = network.forward(drawn[None], state)  # (1, 1, V)
        logits = following[:, -1]


def _guarded_writes(  # noqa: PLR0917 (those of `draw_blocks`)
    network: Writer,
    logits: Floats,
    state: Any,
    temperature: float,
    random: np.random.Generator,
    allowed: Allowed,
    guard: Guard,
) -> Iterator[list[int]]:
    """Yield the ids of `draw_blocks` from a network with its own loop. A block is written as if all were allowed; from
    the first id that is not, it is written again. So each id has the same uniform number as without blocks."""
    size, uniforms = 1, np.empty((0, 1))
    while True:
        ready = np.concatenate([uniforms, random.random((max(0, size - len(uniforms)), 1))])
        uniforms, later = ready[:size], ready[size:]
        before = allowed.last.copy()
        ids, *after = network.write(logits, state, temperature, allowed, uniforms)
        written: list[int] = ids[:, 0].tolist()
        kept, refused = _read_allowed(written, guard)
        yield written[:kept]
        if kept == len(written):
            logits, state = after
            uniforms, size = later, min(2 * size, GUARDED_BLOCK)
            continue
        allowed.last[:] = before
        _, logits, state = network.write(logits, state, temperature, allowed, uniforms[:kept])
        some = allowed.where(_all_but(refused, logits))
        if not some.rows[some.last].any():
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


def _all_but(refused: Sequence[int], logits: Floats) -> NDArray[np.bool_]:
    """Return whether each id is not among ``refused``, shape (V,), for logits (..., V)."""
    mask = np.ones(logits.shape[-1], np.bool_)
    mask[list(refused)] = False
    return mask


def generate_rows(
    network: Network[Any],
    prompt: Ids,
    settings: SamplingSettings,
    randoms: Sequence[np.random.Generator],
    forbidden: tuple[int, ...] = (),
    *,
    succession: Succession | None = None,
) -> Iterator[NDArray[np.intp]]:
    """Yield the next id of each of B texts that continue ``prompt`` (T,) side by side, shape (B,), for as long as they
    are asked for.

    Each text takes one uniform number for each id from its own generator in ``randoms`` (B), like `generate_ids`.
    """
    batch, blocks = len(randoms), max(1, -(-settings.length // BLOCK))
    size = max(1, -(-settings.length // blocks))  # so that none is drawn in vain where an id is a character
    logits, state = network.forward(np.tile(prompt, (batch, 1)), network.initial_state(batch))  # (B, T, V)
    last, allowed = logits[:, -1], allowed_ids(logits.shape[-1], forbidden, succession, batch)
    while True:
        uniforms = np.stack([random.random(size) for random in randoms], axis=1)  # (size, B)
        if isinstance(network, Writer) and _is_plain(settings):
            ids, last, state = network.write(last, state, settings.temperature, allowed, uniforms)
            yield from ids
            continue
        for uniform in uniforms:
            drawn = draw(next_distribution(allowed.masked(last), settings), uniform)  # (B,)
            allowed.read(drawn)
            yield drawn
            logits, state = network.forward(drawn[:, None], state)  # (B, 1, V)
            last = logits[:, 0]


def draws_many(network: Network[Any], settings: SamplingSettings) -> bool:
    """Return whether `draw_blocks` gives more than one id at once: ``network`` has its own loop for such draws."""
    return isinstance(network, Writer) and _is_plain(settings)


def _is_plain(settings: SamplingSettings) -> bool:
    """Return whether only a temperature shapes the draws."""
    return settings.top_k is None and settings.top_p is None and settings.min_p is None
