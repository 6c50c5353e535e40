"""Drawing entries of a list, many side by side, each from the model's distribution conditioned on the constraints.

Where an id is not allowed, it is not drawn, and the entry goes on with the probability of those that are allowed: so
entries are as probable as if all ids had been drawn and the wrong entries refused. Drawing from those allowed without
this would favour entries that the model reaches only because it was not allowed anything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextchar.model.exclusion import ExclusionTree, Prefix
from nextchar.model.list_constraints import ListConstraints, Position, Refusal
from nextchar.model.list_settings import ListSettings
from nextchar.model.sampling import Distribution, draw, log_normaliser, next_distribution
from nextchar.networks.architecture import Floats, Network
from nextchar.networks.states import join_states, state_rows
from nextchar.settings import SamplingSettings

MIN_ROWS, MAX_ROWS = 64, 512
"""Entries side by side, in the first round and at most: twice as many in each round."""
NATS = float(np.log(2))
"""Nats of a bit."""

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Start:
    """What entries start with, read by the network."""

    text: str
    ids: tuple[int, ...]
    """Its ids, T of them."""
    position: Position
    """The position after it."""
    logits: Floats
    """Of what comes after it, shape (V,)."""
    state: Any
    """State of one text after it."""
    bits: float
    """-log2 p of it as a beginning of a line."""
    log_weight: float
    """ln p of it at the temperature of the list."""


def read_starts(network: Network[Any], constraints: ListConstraints) -> list[Start]:
    """Return each of the starts of ``constraints``, read after a line end and the label, if one is given."""
    return [_read_start(network, constraints, text) for text in constraints.read]


def _read_start(network: Network[Any], constraints: ListConstraints, text: str) -> Start:
    ids = constraints.vocabulary.encode(text).astype(np.intp)
    read = np.concatenate([[constraints.line_end], constraints.before, ids]).astype(np.intp)
    logits, state = network.forward(read[None], network.initial_state(1))  # (1, 1 + L + T, V)
    before = logits[0, len(constraints.before) : -1]  # (T, V)
    steps = np.arange(len(ids))
    costs = log_normaliser(before) - before[steps, ids] if len(ids) else np.zeros(0)
    temperature = SamplingSettings(temperature=constraints.settings.temperature)
    shaped = next_distribution(before, temperature, constraints.forbidden)[steps, ids]
    with np.errstate(divide="ignore"):
        log_weight = float(np.log(shaped).sum())
    return Start(
        text=text,
        ids=tuple(ids.tolist()),
        position=constraints.after_read(text),
        logits=logits[0, -1].copy(),
        state=state,
        bits=float(costs.sum()) / NATS,
        log_weight=log_weight,
    )


class Drawn(NamedTuple):
    """An entry as it was drawn, whole or not."""

    text: str
    bits: float
    """-log2 p of the entry and its line end, as the model gives it."""
    refusal: Refusal | None
    """Why it is not whole."""
    start: int
    """Number of its start."""
    ids: list[int]
    """Those drawn after the start, with the line end of a whole entry."""
    shares: list[float]
    """k of each, as `nextchar.model.exclusion` defines it."""
    dead: list[float]
    """d of each prefix."""


class _Step(NamedTuple):
    """The next id of the entries of a round that go on."""

    ids: NDArray[np.intp]
    """(B,)"""
    shares: Distribution
    """k of each, shape (B,)."""
    dead: Distribution
    """d of each prefix, shape (B,)."""

    def spread(self, rows: Rows, count: int) -> _Step:
        """Return the same for all entries of the round, shape (``count``,), of which these are ``rows`` (B,)."""
        return _Step(*(_spread(array, rows, count) for array in self))


def _spread(array: NDArray[Any], rows: Rows, count: int) -> NDArray[Any]:
    spread = np.zeros(count, array.dtype)
    spread[rows] = array
    return spread


class ListDrawing:
    """Draws entries in rounds. What it is told to exclude, it does not draw again."""

    def __init__(
        self,
        network: Network[Any],
        constraints: ListConstraints,
        settings: ListSettings,
        random: np.random.Generator,
        max_rows: int = MAX_ROWS,
    ) -> None:
        """Prepare to draw.

        Args:
            network: predicts the next id.
            constraints: say which ids are allowed.
            settings: how to draw.
            random: gives each entry a number, and one more for each of its ids.
            max_rows: most entries side by side, at least `MIN_ROWS`; it changes which entries a seed gives.
        """
        self._network, self._constraints, self._random = network, constraints, random
        self._sampling = settings.sampling if settings.is_cut else None
        self._plain = SamplingSettings(temperature=settings.temperature)
        self._starts = read_starts(network, constraints)
        self._trees = [ExclusionTree() for _ in self._starts]
        weights = np.array([start.log_weight for start in self._starts])
        self._weights = np.exp(weights - weights.max()) if np.isfinite(weights.max()) else np.ones(len(weights))
        self._size, self._max_size = MIN_ROWS, max_rows

    @property
    def is_exhausted(self) -> bool:
        """Whether everything that could be drawn is excluded."""
        return float(self._left().sum()) == 0

    def exclude(self, drawn: Drawn) -> None:
        """Exclude a whole entry, or what was not allowed on the way to a dead end."""
        self._trees[drawn.start].exclude(drawn.ids, drawn.shares, drawn.dead)

    def round(self) -> Iterator[list[Drawn]]:
        """Draw the next entries; yield [] after each id, then the entries in the order in which they began.

        That order matters: those that are ready first would be short.
        """
        chosen = draw(np.tile(self._left(), (self._size, 1)), self._random.random(self._size))  # (B,)
        self._size = min(2 * self._size, self._max_size)
        lengths = np.array([len(start.ids) for start in self._starts])[chosen]  # (B,)
        drawn: dict[int, Drawn] = {}
        for length in np.unique(lengths).tolist():  # all prefixes of a step have as many ids
            rows = np.flatnonzero(lengths == length)
            rows = rows[np.argsort(chosen[rows], kind="stable")]
            for found in self._draw_rows(chosen, rows):
                yield []
                drawn.update(found)
        yield [drawn[row] for row in range(len(chosen))]

    def _left(self) -> Distribution:
        """Return the weight of each start, times the share of it that is not excluded."""
        return self._weights * [1 - tree.excluded for tree in self._trees]

    def _draw_rows(self, chosen: Rows, rows: Rows) -> Iterator[dict[int, Drawn]]:
        """Draw the entries of ``rows`` (B,), whose starts are ``chosen`` and have as many ids; yield the entries that
        have ended after each id, by their rows."""
        starts: list[int] = chosen[rows].tolist()
        begun = [(start, np.zeros(len(list(same)), np.intp)) for start, same in groupby(starts)]
        logits = np.concatenate([self._starts[start].logits[None][first] for start, first in begun])  # (B, V)
        state = join_states([state_rows(self._starts[start].state, first) for start, first in begun])
        prefixes = [self._trees[start].root for start in starts]
        positions = [self._starts[start].position for start in starts]
        bits = np.zeros(len(chosen))
        steps: list[_Step] = []
        while True:
            step, refusals = self._step(logits, prefixes, positions)
            here = np.arange(len(rows))
            bits[rows] += (log_normaliser(logits) - logits[here, step.ids]) / NATS
            steps.append(step.spread(rows, len(chosen)))
            ended = step.ids == self._constraints.line_end
            ended[list(refusals)] = True
            yield {
                row: self._entry(steps, row, int(chosen[row]), float(bits[row]), refusals.get(n))
                for n, row in zip(np.flatnonzero(ended).tolist(), rows[ended].tolist(), strict=True)
            }
            going = np.flatnonzero(~ended)
            if len(going) == 0:
                return
            drawn: list[int] = step.ids.tolist()
            prefixes = [_next_prefix(prefixes[n], drawn[n]) for n in going.tolist()]
            positions = [self._constraints.after(positions[n], drawn[n]) for n in going.tolist()]
            following, state = self._network.forward(step.ids[going, None], state_rows(state, going))  # (B, 1, V)
            logits, rows = following[:, 0], rows[going]

    def _step(
        self, logits: Floats, prefixes: Sequence[Prefix | None], positions: Sequence[Position]
    ) -> tuple[_Step, dict[int, Refusal]]:
        """Draw the next id of entries at ``positions`` (B) from ``logits`` (B, V).

        Returns:
            The step, and for those of the B entries that have come to a dead end, why.
        """
        allowed = np.stack([self._constraints.allowed(position) for position in positions])  # (B, V)
        plain = next_distribution(logits, self._plain, self._constraints.forbidden)  # (B, V)
        shares = self._shares(logits, plain, allowed)  # (B, V)
        dead = np.clip(1 - shares.sum(-1), 0, 1)  # (B,)
        weights, in_tree = _left_in_trees(shares, prefixes)
        uniform = self._random.random(len(logits))
        dies = np.where(in_tree, 0, dead) > uniform  # (B,); dead ends after a prefix in the tree are excluded already
        dies |= weights.sum(-1) <= 0
        weights[dies, self._constraints.line_end] = 1  # it only ends them
        spread = np.where(in_tree | dies, uniform, (uniform - dead) / np.where(dies, 1, 1 - dead))
        ids = draw(weights, spread)  # (B,)
        refusals: dict[int, Refusal] = {
            n: self._why(positions[n], plain[n], float(uniform[n])) for n in np.flatnonzero(dies).tolist()
        }
        return _Step(ids, np.take_along_axis(shares, ids[:, None], -1)[:, 0], dead), refusals

    def _why(self, position: Position, plain: Distribution, uniform: float) -> Refusal:
        """Return why an entry ends at ``position``: what ``uniform`` picks of the part of ``plain`` (V,) that is not
        allowed there."""
        if position.missing:
            return "start"
        settings = self._constraints.settings
        if position.length >= settings.max:
            return "long"
        short = float(plain[self._constraints.line_end]) if position.length < settings.min else 0.0
        if uniform < short:
            return "short"
        too_long = float(plain[self._constraints.too_long(position)].sum())
        return "long" if uniform < short + too_long else "character"

    def _shares(self, logits: Floats, plain: Distribution, allowed: NDArray[np.bool_]) -> Distribution:
        """Return k of each id (B, V): that of ``plain`` where it is ``allowed``, but for what top-k and others cut."""
        shares = np.where(allowed, plain, 0)
        if self._sampling is None:
            return shares
        cut = next_distribution(np.where(allowed, logits.astype(np.float64), -np.inf), self._sampling)
        return cut * shares.sum(-1, keepdims=True)

    def _entry(self, steps: Sequence[_Step], row: int, start: int, bits: float, refusal: Refusal | None) -> Drawn:
        """Return the entry in ``row`` of the round, which has ended with the last of ``steps``."""
        ids = [int(step.ids[row]) for step in steps]
        shares, dead = [float(step.shares[row]) for step in steps], [float(step.dead[row]) for step in steps]
        begun = self._starts[start]
        text = begun.text + self._constraints.vocabulary.decode(ids[:-1])
        if refusal is not None:
            return Drawn(text, bits, refusal, start, ids[:-1], shares[:-1], dead)
        return Drawn(text, begun.bits + bits, None, start, ids, shares, dead)


def _left_in_trees(shares: Distribution, prefixes: Sequence[Prefix | None]) -> tuple[Distribution, NDArray[np.bool_]]:
    """Return what is left of ``shares`` (B, V) after each of ``prefixes``, and which of these are in a tree (B,)."""
    rows: dict[Prefix, list[int]] = {}
    for row, prefix in enumerate(prefixes):
        if prefix is not None:
            rows.setdefault(prefix, []).append(row)
    left, in_tree = shares.copy(), np.zeros(len(shares), np.bool_)
    for prefix, of_prefix in rows.items():
        in_tree[of_prefix] = True
        ids, kept = prefix.kept
        if ids:
            left[np.array(of_prefix)[:, None], ids] *= kept
    return left, in_tree


def _next_prefix(prefix: Prefix | None, drawn: int) -> Prefix | None:
    """Return the prefix in the tree after ``drawn``; None if it is not there."""
    child = prefix.children.get(drawn) if prefix else None
    return child[1] if child else None
