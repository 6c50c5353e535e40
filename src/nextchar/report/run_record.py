"""What happened in a run, read from its folder and put in order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar

from nextchar.events import Evaluated, Event, Finished, Note, Planned, Recovered, Sampled, TextRead
from nextchar.model_file import ModelFile, base_name
from nextchar.run_folder import RunFolder
from nextchar.run_settings import RunSettings

E = TypeVar("E", bound=Event)

Samples = dict[float, Sampled]
"""What was written at one step, by temperature."""


@dataclass(frozen=True)
class RunRecord:
    """Everything a report tells of. A run that was ended early lacks some of it."""

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
    """What the run said, without the folders that its texts were in."""
    finished: Finished | None
    model: ModelFile | None
    """The best model so far."""
    model_bytes: int
    """Size of its file."""

    @classmethod
    def read(cls, folder: RunFolder) -> RunRecord:
        """Read the record of the run in ``folder``.

        Raises:
            RunFolderError: there is no run in it, or its settings are damaged.
            ModelFileError: its model is damaged.
        """
        settings, events = folder.settings(), folder.events()
        path = folder.model_path
        there = path.exists()
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
            model=ModelFile.load(path) if there else None,
            model_bytes=path.stat().st_size if there else 0,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The texts it was trained on, without the folders they were in."""
        given = self.text.names if self.text else self.settings.corpus
        return tuple(map(base_name, given))

    @property
    def best(self) -> Evaluated | None:
        """The evaluation of the model that was kept."""
        return next((event for event in reversed(self.evaluations) if event.best), None)

    @property
    def validation_bits(self) -> float | None:
        """Bits per character of the model that was kept, on the held-out text; None where nothing was."""
        for event in (self.finished, self.best):
            if event is not None and event.validation_bits_per_character is not None:
                return event.validation_bits_per_character
        return None

    @property
    def seconds(self) -> float | None:
        """Training time; None before the first evaluation."""
        if self.finished:
            return self.finished.seconds
        return self.evaluations[-1].seconds if self.evaluations else None

    @property
    def step(self) -> int:
        """Updates known to be made."""
        last = self.evaluations[-1].step if self.evaluations else 0
        return self.finished.step if self.finished else last

    @property
    def temperatures(self) -> tuple[float, ...]:
        """Temperatures of the samples, in order."""
        return tuple(sorted({temperature for row in self.samples.values() for temperature in row}))

    @property
    def last_samples(self) -> Samples:
        """What the model wrote last, by temperature in order."""
        return dict(sorted(self.samples[max(self.samples)].items())) if self.samples else {}


def _without_folders(message: str, paths: Iterable[str]) -> str:
    """Return ``message`` with the last part alone of every folder on the way to ``paths``, or file in one."""
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
