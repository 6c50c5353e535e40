"""The folder of a run: the names of its files, and the lock that keeps two processes apart.

settings.json            the given options and the chosen plan
model.safetensors        the best model so far
resume/state.safetensors everything for an exact resume
events.jsonl             what happened, an event on each line
samples.md               samples written during training
report.html              the report, one page
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from nextchar.errors import RunFolderError
from nextchar.files.atomic_file import TEMPORARY, write_atomically
from nextchar.files.format_version import NewerFormatError
from nextchar.files.regular_file import read_regular
from nextchar.model.model_file import MAX_FILE_BYTES, ModelFile
from nextchar.model.model_path import MODEL, SETTINGS, did_you_mean
from nextchar.runs.event_log import EventLog
from nextchar.runs.run_settings import RunSettings
from nextchar.training.checkpoint import Checkpoint
from nextchar.training.events import Evaluated, Event, Sampled

STATE, EVENTS, SAMPLES, REPORT, LOCK = (
    "resume/state.safetensors",
    "events.jsonl",
    "samples.md",
    "report.html",
    ".lock",
)
MAX_SETTINGS_BYTES, MAX_STATE_BYTES = 2**26, 5 * MAX_FILE_BYTES
"""Largest settings and state that are read. A state has the weights about four times: the present ones, the best ones,
and two moments."""


class RunFolder:
    """A run folder. Hold its lock to write to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = EventLog(path / EVENTS)

    @property
    def model_path(self) -> Path:
        """The file of the best model so far."""
        return self.path / MODEL

    @property
    def report_path(self) -> Path:
        """The file of the report."""
        return self.path / REPORT

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run, readable or not."""
        return os.path.lexists(self.path / SETTINGS)

    @contextmanager
    def lock(self, *, new: bool = True) -> Generator[None]:
        """Lock the folder against other processes; for a ``new`` run, it must be free, and is created.

        Raises:
            RunFolderError: it cannot be created or written, another process holds it, or it is not free.
        """
        if new:
            self.check_free()
        else:
            self.settings()
        is_new = not self.path.exists()
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / LOCK)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise RunFolderError(
                    f"The run folder {self.path} is in use by another process. Wait for it, or choose another --out."
                ) from None
        try:
            self._remove_leftovers()
            yield
        finally:
            if is_new and not self.exists:
                self._give_up(lock)
            lock.release()

    @property
    def is_free(self) -> bool:
        """Whether a run can start in the folder without overwriting anything."""
        return not self.exists and not self._remains()

    def check_free(self) -> None:
        """Check that a run can start in the folder.

        Raises:
            RunFolderError: it already holds a run, or something else that would be overwritten.
        """
        if self.exists:
            raise RunFolderError(
                f"{self.path} already holds a run. Continue it with `nextchar train --resume {self.path}`, or choose "
                "another --out."
            )
        if remains := self._remains():
            raise RunFolderError(
                f"{self.path} holds a file that a run would overwrite, {remains[0]}, but no {SETTINGS}. Choose another "
                "--out, or move the file."
            )

    def create(self, settings: RunSettings, events: Sequence[Event] = (), checkpoint: Checkpoint | None = None) -> None:
        """Start a run in the folder; its log starts with ``events``, and its first state is ``checkpoint`` where that
        cannot be made again.

        Raises:
            RunFolderError: it already holds a run, or it cannot be written.
        """
        self.check_free()
        with self._writing():
            (self.path / STATE).parent.mkdir(exist_ok=True)
            self._log.begin(events)
        if checkpoint is not None:
            self.save_checkpoint(checkpoint)
        self.save_settings(settings)  # last: the settings make it a run

    def save_settings(self, settings: RunSettings) -> None:
        """Write the settings of the run.

        Raises:
            RunFolderError: they cannot be written; the previous ones are intact.
        """
        with self._writing():
            write_atomically(self.path / SETTINGS, settings.to_json())

    def settings(self) -> RunSettings:
        """Return the settings of the run.

        Raises:
            RunFolderError: the folder holds no run, or its settings are damaged or from a newer version.
        """
        path = self.path / SETTINGS
        try:
            return RunSettings.from_json(read_regular(path, MAX_SETTINGS_BYTES))
        except OSError as error:
            why = (
                f"its {SETTINGS} cannot be read ({error.strerror or error})"
                if self.path.exists()
                else "it is not there"
            )
            raise RunFolderError(f"{self.path} is not a run folder: {why}.{did_you_mean(self.path)}") from error
        except NewerFormatError as error:
            raise RunFolderError(f"{path} was {error}.") from error
        except ValueError as error:
            raise RunFolderError(
                f"{path} cannot be used. {error} Restore it and resume, or train again. A {MODEL} beside it still "
                "works."
            ) from error

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Sync the log, then write the state.

        Raises:
            RunFolderError: it cannot be written; what was saved before is intact.
        """
        with self._writing():
            self._log.sync()
            write_atomically(self.path / STATE, checkpoint.to_bytes())

    def save_model(self, model: ModelFile) -> None:
        """Write the best model so far.

        Raises:
            RunFolderError: it cannot be written; the previous one is intact.
        """
        with self._writing():
            model.save(self.model_path)

    def checkpoint(self) -> Checkpoint | None:
        """Return the state that was saved last; None if the run ended before its first save.

        Raises:
            RunFolderError: it is damaged or missing.
        """
        path = self.path / STATE
        if not os.path.lexists(path):
            if self.model_path.exists():  # a state is saved before a model, so it is lost
                raise RunFolderError(
                    f"{path} is missing, and the run cannot be resumed without it: put it back, or train again. The "
                    f"{MODEL} of the run can still be used."
                )
            return None
        try:
            return Checkpoint.from_bytes(read_regular(path, MAX_STATE_BYTES))
        except NewerFormatError as error:
            raise RunFolderError(f"{path} was {error}.") from error
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            raise RunFolderError(
                f"{path} cannot be read or is damaged ({reason}). The run cannot be resumed; its {MODEL} still works."
            ) from error

    def append(self, events: Sequence[Event]) -> None:
        """Log ``events``.

        Raises:
            RunFolderError: they cannot be written.
        """
        with self._writing():
            self._log.append(events)

    def events(self) -> list[Event]:
        """Return the logged events, in order; other lines are skipped.

        Raises:
            RunFolderError: the log cannot be read, or a newer version wrote it.
        """
        try:
            return self._log.events()
        except OSError as error:
            raise RunFolderError(f"The log {self._log.path} cannot be read: {error.strerror or error}.") from error
        except NewerFormatError as error:
            raise RunFolderError(f"The log {self._log.path} was {error}.") from error

    def forget_after(self, step: int, recoveries: int | None = None) -> None:
        """Remove from the log what will happen again when the run resumes from the state at ``step``, which counts
        ``recoveries``.

        Raises:
            RunFolderError: the log cannot be written.
        """
        with self._writing():
            self._log.forget_after(step, recoveries)

    def write_samples(self) -> None:
        """Write samples.md from the log.

        Raises:
            RunFolderError: it cannot be written.
        """
        with self._writing():
            write_atomically(self.path / SAMPLES, samples_page(self.events()).encode())

    def write_report(self, page: str) -> None:
        """Write report.html.

        Raises:
            RunFolderError: it cannot be written.
        """
        with self._writing():
            write_atomically(self.report_path, page.encode("utf-8", "replace"))

    @contextmanager
    def _writing(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            saved = "What was saved in it before is intact. " if self.exists else ""
            reason = error.strerror or str(error)
            if Path(error.filename or "").name == EVENTS:
                reason += f" ({EVENTS})"
            raise RunFolderError(
                f"The run folder {self.path} cannot be written: {reason}. {saved}Free the disk or "
                f"change the permissions{' and resume' if saved else ''}, or choose another --out."
            ) from error
        except NewerFormatError as error:  # a log from a newer version is never overwritten
            raise RunFolderError(f"The log {self._log.path} was {error}.") from error

    def _remains(self) -> list[str]:
        """Return the names of the files in the folder that a run would overwrite."""
        return [name for name in (MODEL, STATE, SAMPLES, REPORT) if os.path.lexists(self.path / name)]

    def _remove_leftovers(self) -> None:
        """Remove temporary files of a process that was killed while it wrote them."""
        with self._writing():
            for leftover in (*self.path.glob(TEMPORARY), *self.path.glob(f"resume/{TEMPORARY}")):
                leftover.unlink(missing_ok=True)

    def _give_up(self, lock: FileLock) -> None:
        """Remove the folder of a run that never started, if the system can remove an open file."""
        with suppress(OSError):
            (self.path / LOCK).unlink()
            lock.release()
            self.path.rmdir()


def samples_page(events: list[Event]) -> str:
    """Return the content of samples.md: the samples of each evaluation and temperature."""
    page = ["# What the model wrote as it learned\n"]
    for event in events:
        if isinstance(event, Evaluated):
            bits, text = event.validation_bits_per_character, "the held-out text"
            if bits is None:
                bits, text = event.training_bits_per_character, "the training text"
            elif event.scored_characters:
                text = f"{event.scored_characters:,} characters of {text}"
            page.append(f"## Step {event.step}, epoch {event.epoch:.2f}: {bits:.3f} bits per character on {text}\n")
        elif isinstance(event, Sampled):
            # A fence longer than any in the text shows the text as it is.
            longest = max(map(len, re.findall("`+", event.prompt + event.text)), default=0)
            fence = "`" * max(3, longest + 1)
            page.append(f"Temperature {event.temperature}:\n\n{fence}text\n{event.prompt}{event.text}\n{fence}\n")
    return "\n".join(page)


def free_folder(parent: Path, corpus: Sequence[str]) -> Path:
    """Return a free folder in ``parent``, named after the first text: mybook, mybook-2, ..."""
    path = Path(corpus[0] if corpus[0] != "-" else "standard-input")
    # "." and ".." are no names: take the name of the folder they stand for.
    name = (path.name.strip(".") or path.resolve().name.strip(".")).split(".")[0] or "text"
    numbered = (parent / (name if number == 1 else f"{name}-{number}") for number in count(1))
    return next(path for path in numbered if RunFolder(path).is_free)
