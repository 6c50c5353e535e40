"""What processes that train together exchange, chosen by the time that it takes.

Gradients in float32 are the default, because they give the weights that one process would get. Where they take longer
than the computing, gradients in bfloat16 are half as many bytes; where those do too, each process makes some local
updates before the weights of all are averaged. docs/scale.md has the evidence.

Source: Stich, "Local SGD converges fast and communicates little" (2019).
"""

from __future__ import annotations

from dataclasses import dataclass

from nextchar.settings import Exchange
from nextchar.training.plan import Measure, Plan

AVERAGE_EVERY = (4, 16)
"""Updates of each process before the weights are averaged; the most where nothing is measured."""
MAX_EVERY = 10_000
"""More updates than a trial makes."""
MAX_SHARE = 1.0
"""Most seconds of exchanging for a second of computing."""
_CONTENT: dict[Exchange, str] = {
    "float32": "gradients in float32",
    "bfloat16": "gradients in bfloat16",
    "local": "weights",
}


@dataclass(frozen=True)
class Way:
    """A way to exchange."""

    exchange: Exchange = "float32"
    every: int = 1
    """Updates from one exchange to the next."""

    def __str__(self) -> str:
        return f"{_CONTENT[self.exchange]}, {'every update' if self.every == 1 else f'every {self.every} updates'}"

    def checkpoint_every(self, steps: int) -> int:
        """Return the updates between two checkpoints, where it would be ``steps`` without an exchange: each comes after
        one, and not too often, since it averages the values of the optimizer too."""
        return steps if self.every == 1 else self.every * max(2, -(-steps // self.every))


WAYS = (Way(), Way("bfloat16"), *(Way("local", every) for every in AVERAGE_EVERY))
"""From the one that learns most from a character to the one that sends least."""


def asked_way(exchange: Exchange | None) -> Way:
    """Return the way that the option ``exchange`` asks for; where it is not given, that of one process."""
    return [way for way in WAYS if way.exchange == (exchange or "float32")][-1]


@dataclass(frozen=True)
class ChosenWay:
    """A way, and how it came about."""

    way: Way
    seconds: float
    """Seconds of one exchange."""
    note: str

    def step_seconds(self, plan: Plan, measure: Measure) -> float:
        """Return the seconds of an update of ``plan``, which goes this way, with its share of an exchange.

        Args:
            plan: the plan.
            measure: times an update; too few of them for one that averages the weights.
        """
        if self.way.every == 1:
            return measure(plan)
        return measure(plan.model_copy(update={"average_every": MAX_EVERY})) + self.seconds / self.way.every


def choose_way(plan: Plan, step_seconds: float, measure_exchange: Measure, asked: Exchange | None) -> ChosenWay:
    """Return the first way whose exchange takes no longer than the computing, or else the last one.

    Args:
        plan: the plan of an update that was timed, with gradients in float32.
        step_seconds: what it took.
        measure_exchange: times one exchange of a plan.
        asked: the option ``exchange``, which is kept.
    """

    def timed(exchange: Exchange) -> float:
        return measure_exchange(plan.model_copy(update={"exchange": exchange}))

    taken: dict[Exchange, float] = {"float32": timed("float32")}
    computing = max(0.0, step_seconds - taken["float32"])
    way = asked_way(asked)
    for way in (way for way in WAYS if asked in {None, way.exchange}):
        if way.exchange not in taken:
            taken[way.exchange] = timed(way.exchange)
        if taken[way.exchange] / way.every <= MAX_SHARE * computing:
            break
    times = ", ".join(f"{seconds:.2g} s for {_CONTENT[exchange]}" for exchange, seconds in taken.items())
    reason = "So" if asked is None else "As asked for,"
    note = f"An update computes for {computing:.2g} s; exchanging takes {times}. {reason} the processes exchange {way}."
    return ChosenWay(way, taken[way.exchange], note)
