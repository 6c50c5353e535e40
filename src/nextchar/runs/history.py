"""What a model wrote as it learned, and how its scores fell: a run as the page shows it, in plain values for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nextchar.runs.folder import RunFolder
from nextchar.training.events import Evaluated, Event, Finished, Sampled

MAX_EVALUATIONS = 400
"""Points that a learning curve needs at most."""


def growth_of(folder: RunFolder, most_samples: int | None = None) -> dict[str, Any]:
    """Return the growth of the run in ``folder``, which may still go on.

    Args:
        folder: of the run.
        most_samples: evaluations whose samples are told at most, evenly over the run, first and last among them; all
            when None.

    Returns:
        ``prompt``, what every sample goes on from; ``finished``; ``evaluations``, by step: step, epoch, seconds,
        training_bits, validation_bits (None where nothing is held out, or it is no number), best, and samples, each
        with temperature and text.

    Raises:
        RunFolderError: there is no run in it, or it cannot be read.
    """
    settings, events = folder.settings(), folder.events()
    scored = {event.step: event for event in events if isinstance(event, Evaluated)}
    texts: dict[int, list[dict[str, Any]]] = {}
    for event in events:
        if isinstance(event, Sampled):
            texts.setdefault(event.step, []).append({"temperature": event.temperature, "text": event.text})
    kept = _spread(sorted(texts), most_samples)
    steps = sorted(kept | _spread(sorted(scored), MAX_EVALUATIONS))
    return {
        "prompt": settings.prompt,
        "finished": _is_finished(events),
        "evaluations": [
            _evaluation(scored[step], texts.get(step, []) if step in kept else []) for step in steps if step in scored
        ],
    }


def _is_finished(events: Sequence[Event]) -> bool:
    last = next((event for event in reversed(events) if isinstance(event, Finished)), None)
    return last is not None and not last.interrupted


def _spread(steps: Sequence[int], most: int | None) -> set[int]:
    """Return ``most`` of ``steps``, evenly, first and last among them."""
    if most is None or len(steps) <= most:
        return set(steps)
    return {steps[round(number * (len(steps) - 1) / max(1, most - 1))] for number in range(most)}


def _evaluation(event: Evaluated, samples: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "step": event.step,
        "epoch": event.epoch,
        "seconds": event.seconds,
        "training_bits": _number(event.training_bits_per_character),
        "validation_bits": _number(event.validation_bits_per_character),
        "best": event.best,
        "samples": samples,
    }


def _number(value: float | None) -> float | None:
    """Return ``value`` where JSON has it: an infinity or NaN of a run that diverged becomes None."""
    return value if value is not None and math.isfinite(value) else None
