"""The record of a run: what happened in it, in order, read from its folder. The report and the page show it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, TypeVar

from nextchar.model.kept_text import base_name
from nextchar.model.model_file import ModelFile
from nextchar.runs.folder import RunFolder
from nextchar.runs.run_settings import RunSettings
from nextchar.training.events import Evaluated, Event, Finished, Note, Planned, Recovered, Sampled, TextRead

E = TypeVar("E", bound=Event)

Samples = dict[float, Sampled]
"""What the model wrote at one step, by temperature."""

MAX_EVALUATIONS = 400
"""Most points of a learning curve."""


@dataclass(frozen=True)
class RunRecord:
    """What a run has logged so far. Some of it is missing if the run ended early or is still training."""

    folder: RunFolder
    settings: RunSettings
    text: TextRead | None
    planned: Planned | None
    evaluations: tuple[Evaluated, ...]
    """By step."""
    samples: dict[int, Samples]
    """By step."""
    recoveries: tuple[Recovered, ...]
    notes: tuple[str, ...]
    """The notes of the run; they do not name the folders of its texts."""
    finished: Finished | None

    @classmethod
    def read(cls, folder: RunFolder) -> RunRecord:
        """Read the record of the run in ``folder``.

        Raises:
            RunFolderError: there is no run in it, or it cannot be read.
        """
        settings, events = folder.settings(), folder.events()
        text = _last(events, TextRead)
        notes = dict.fromkeys(note.message for note in _all(events, Note))
        names = (*settings.corpus, *settings.names, *(text.names if text else ()))
        evaluations = {event.step: event for event in _all(events, Evaluated)}
        samples: dict[int, Samples] = {}
        for event in _all(events, Sampled):
            samples.setdefault(event.step, {})[event.temperature] = event
        return cls(
            folder=folder,
            settings=settings,
            text=text,
            planned=_last(events, Planned),
            evaluations=tuple(evaluations[step] for step in sorted(evaluations)),
            samples={step: samples[step] for step in sorted(samples)},
            recoveries=tuple(_all(events, Recovered)),
            notes=tuple(_without_folders(note, names) for note in notes),
            finished=_last(events, Finished),
        )

    @cached_property
    def model(self) -> ModelFile | None:
        """The best model so far, loaded on first use; None before the first save.

        Raises:
            ModelFileError: it is damaged.
        """
        return ModelFile.load(self.folder.model_path) if self.folder.model_path.exists() else None

    @property
    def model_bytes(self) -> int:
        """Size of the model file; 0 if there is none."""
        path = self.folder.model_path
        return path.stat().st_size if path.exists() else 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the training texts, without their folders."""
        given = self.text.names if self.text else self.settings.corpus
        return tuple(map(base_name, given))

    @property
    def best(self) -> Evaluated | None:
        """The evaluation of the model that was kept."""
        return next((event for event in reversed(self.evaluations) if event.best), None)

    @property
    def validation_bits(self) -> float | None:
        """Bits per character of the model that was kept, on the held-out text; None if nothing was held out."""
        for event in (self.finished, self.best):
            if event is not None and event.validation_bits_per_character is not None:
                return event.validation_bits_per_character
        return None

    @property
    def is_finished(self) -> bool:
        """Whether the run is complete, not interrupted."""
        return self.finished is not None and not self.finished.interrupted

    @property
    def seconds(self) -> float | None:
        """Training time; None before the first evaluation."""
        if self.finished:
            return self.finished.seconds
        return self.evaluations[-1].seconds if self.evaluations else None

    @property
    def step(self) -> int:
        """Updates made, as far as the log shows."""
        last = self.evaluations[-1].step if self.evaluations else 0
        return self.finished.step if self.finished else last

    @property
    def temperatures(self) -> tuple[float, ...]:
        """The temperatures of the samples, in order."""
        return tuple(sorted({temperature for row in self.samples.values() for temperature in row}))

    @property
    def last_samples(self) -> Samples:
        """The last samples, in order of temperature."""
        return dict(sorted(self.samples[max(self.samples)].items())) if self.samples else {}

    def history(self, max_samples: int | None = None) -> dict[str, Any]:
        """Return the scores and samples of the run as plain values for JSON.

        Args:
            max_samples: evaluations to return with samples, evenly over the run, including the first and the last; None
                means all.

        Returns:
            ``prompt``, which every sample continues; ``finished``; and ``evaluations``, by step, at most
            `MAX_EVALUATIONS` besides those with samples. Each has step, epoch, seconds, training_bits, validation_bits
            (None if nothing is held out, or if it is not finite), best, and samples, each with temperature and text.
        """
        sampled = evenly_spread(list(self.samples), len(self.samples) if max_samples is None else max_samples)
        shown = sampled | evenly_spread([event.step for event in self.evaluations], MAX_EVALUATIONS)
        return {
            "prompt": self.settings.prompt,
            "finished": self.is_finished,
            "evaluations": [
                _as_json(event, self.samples[event.step] if event.step in sampled else {})
                for event in self.evaluations
                if event.step in shown
            ],
        }


def evenly_spread(steps: Sequence[int], count: int) -> set[int]:
    """Return ``count`` of ``steps``, evenly spread, including the first and the last; all if there are no more."""
    if len(steps) <= count:
        return set(steps)
    return {steps[round(number * (len(steps) - 1) / max(1, count - 1))] for number in range(count)}


def _as_json(event: Evaluated, samples: Samples) -> dict[str, Any]:
    return {
        "step": event.step,
        "epoch": event.epoch,
        "seconds": event.seconds,
        "training_bits": _finite(event.training_bits_per_character),
        "validation_bits": _finite(event.validation_bits_per_character),
        "best": event.best,
        "samples": [{"temperature": sample.temperature, "text": sample.text} for sample in samples.values()],
    }


def _finite(value: float | None) -> float | None:
    """Return ``value``, or None for infinities and NaN, which a run that diverged logs and JSON lacks."""
    return value if value is not None and math.isfinite(value) else None


def _without_folders(message: str, paths: Iterable[str]) -> str:
    """Return ``message`` with every folder above ``paths``, and every path in one, reduced to its last part."""
    folders = {str(folder) for path in paths for folder in PurePosixPath(path.replace("\\", "/")).parents}
    for folder in sorted(folders - {"/", "."}, key=len, reverse=True):
        for separator in "/\\":
            given = re.escape(folder.replace("/", separator))
            message = re.sub(rf"(?<![^\s('\"]){given}{re.escape(separator)}", "", message)
            message = re.sub(rf"(?<![^\s('\"]){given}(?![\w.-])", lambda found: base_name(found[0]), message)
    return message


def _all(events: Sequence[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def _last(events: Sequence[Event], kind: type[E]) -> E | None:
    return next((event for event in reversed(events) if isinstance(event, kind)), None)
