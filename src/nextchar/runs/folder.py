"""The folder of a run: the names of its files, and the lock that keeps two processes apart.

settings.json            the options given and the plan chosen
model.safetensors        the best model so far
resume/state.safetensors everything an exact resume needs
events.jsonl             what happened, one event a line
samples.md               what the model wrote as it learned
report.html              the run as one page
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from nextchar.errors import RunFolderError
from nextchar.files.atomic_file import TEMPORARY, write_atomically
from nextchar.files.format_version import NewerFormatError
from nextchar.model.model_file import ModelFile
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


class RunFolder:
    """One run folder. Hold its lock to write to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = EventLog(path / EVENTS)

    @property
    def model_path(self) -> Path:
        """The best model so far."""
        return self.path / MODEL

    @property
    def report_path(self) -> Path:
        """The run as one page."""
        return self.path / REPORT

    @property
    def exists(self) -> bool:
        """Whether there is a run in the folder, readable or not."""
        return os.path.lexists(self.path / SETTINGS)

    @contextmanager
    def lock(self, *, new: bool = True) -> Generator[None]:
        """Lock the folder against other processes. For a ``new`` run it is created, and must be free.

        Raises:
            RunFolderError: it cannot be made or written, another process holds it, or it is not free.
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
        """Whether a run can begin in the folder without overwriting anything."""
        return not self.exists and not self._remains()

    def check_free(self) -> None:
        """Check that a run can begin in the folder.

        Raises:
            RunFolderError: it holds a run already, or something else that would be overwritten.
        """
        if self.exists:
            raise RunFolderError(
                f"There is a run in {self.path} already. Go on with `nextchar train --resume {self.path}`, "
                "or choose another --out."
            )
        if remains := self._remains():
            raise RunFolderError(
                f"There is a file in {self.path} that a run would write over, {remains[0]}, and no {SETTINGS} beside "
                "it. Choose another --out, or move it elsewhere."
            )

    def create(self, settings: RunSettings, events: Sequence[Event] = ()) -> None:
        """Begin a run in the folder; its log starts with ``events``.

        Raises:
            RunFolderError: there is a run in it already, or it cannot be written.
        """
        self.check_free()
        with self._writing():
            (self.path / STATE).parent.mkdir(exist_ok=True)
            self._log.begin(events)
        self.save_settings(settings)  # last: the settings make it a run

    def save_settings(self, settings: RunSettings) -> None:
        """Write the settings of the run.

        Raises:
            RunFolderError: it cannot be written; what was there before stays whole.
        """
        with self._writing():
            write_atomically(self.path / SETTINGS, settings.to_json())

    def settings(self) -> RunSettings:
        """Return the settings of the run.

        Raises:
            RunFolderError: there is no run in the folder, or its settings are damaged or of a newer version.
        """
        path = self.path / SETTINGS
        try:
            return RunSettings.from_json(path.read_bytes())
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
                f"{path} cannot be followed. {error} Put back what was there and resume, or train anew; the {MODEL} "
                "beside it, where there is one, can still be used."
            ) from error

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Sync the log, then write everything a resume needs.

        Raises:
            RunFolderError: it cannot be written; what was saved before stays whole.
        """
        with self._writing():
            self._log.sync()
            write_atomically(self.path / STATE, checkpoint.to_bytes())

    def save_model(self, model: ModelFile) -> None:
        """Write the best model so far.

        Raises:
            RunFolderError: it cannot be written; the one that was there stays.
        """
        with self._writing():
            model.save(self.model_path)

    def checkpoint(self) -> Checkpoint | None:
        """Return the state that was saved last; None where the run was ended before its first save.

        Raises:
            RunFolderError: it is damaged, or gone.
        """
        path = self.path / STATE
        if not os.path.lexists(path):
            if self.model_path.exists():  # a state is saved before a model: to begin anew would write over that
                raise RunFolderError(
                    f"{path} is gone, with which the run could be resumed: put it back, or train anew. The {MODEL} of "
                    "the run can still be used."
                )
            return None
        try:
            return Checkpoint.from_bytes(path.read_bytes())
        except NewerFormatError as error:
            raise RunFolderError(f"{path} was {error}.") from error
        except (OSError, ValueError) as error:
            raise RunFolderError(
                f"{path} cannot be read or is damaged ({error}); the run cannot be resumed, but its {MODEL} can still "
                "be used."
            ) from error

    def append(self, events: Sequence[Event]) -> None:
        """Log ``events``.

        Raises:
            RunFolderError: they cannot be written.
        """
        with self._writing():
            self._log.append(events)

    def events(self) -> list[Event]:
        """Return the logged events, in order; other lines are left out.

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
        """Write samples.md anew from the log.

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
            saved = "What was saved in it before is whole. " if self.exists else ""
            raise RunFolderError(
                f"The run folder {self.path} cannot be written: {error.strerror or error}. {saved}Free the disk or "
                f"change the permissions{' and resume' if saved else ''}, or choose another --out."
            ) from error
        except NewerFormatError as error:  # a log of a newer version is never overwritten
            raise RunFolderError(f"The log {self._log.path} was {error}.") from error

    def _remains(self) -> list[str]:
        """Return the files in the folder that a run would overwrite."""
        return [name for name in (MODEL, STATE, SAMPLES, REPORT) if os.path.lexists(self.path / name)]

    def _remove_leftovers(self) -> None:
        """Remove files that a process was writing when it was killed."""
        with self._writing():
            for leftover in (*self.path.glob(TEMPORARY), *self.path.glob(f"resume/{TEMPORARY}")):
                leftover.unlink(missing_ok=True)

    def _give_up(self, lock: FileLock) -> None:
        """Remove the folder of a run that never began, where the system can remove an open file."""
        with suppress(OSError):
            (self.path / LOCK).unlink()
            lock.release()
            self.path.rmdir()


def samples_page(events: list[Event]) -> str:
    """Return samples.md: what the model wrote at each evaluation and temperature."""
    page = ["# What the model wrote as it learned\n"]
    for event in events:
        if isinstance(event, Evaluated):
            bits, where = event.validation_bits_per_character, "the held-out text"
            if bits is None:
                bits, where = event.training_bits_per_character, "the text learned from"
            elif event.scored_characters:
                where = f"{event.scored_characters:,} characters of {where}"
            page.append(f"## Step {event.step}, epoch {event.epoch:.2f}: {bits:.3f} bits per character on {where}\n")
        elif isinstance(event, Sampled):
            # A fence longer than any in the text shows the text as it is.
            longest = max(map(len, re.findall("`+", event.prompt + event.text)), default=0)
            fence = "`" * max(3, longest + 1)
            page.append(f"Temperature {event.temperature}:\n\n{fence}text\n{event.prompt}{event.text}\n{fence}\n")
    return "\n".join(page)
